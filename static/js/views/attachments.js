/**
 * Files that go with the next message: uploaded at once, with progress, and taken along when one sends. Kept per
 * conversation for as long as the page lives.
 */

import { isFinal } from "../api.js";
import { t, wording } from "../i18n.js";
import { h, icon, iconButton } from "./dom.js";
import { sizeOf } from "./files.js";

/** The server's limit of files in one message. */
const MOST = 10;

export class Attachments {
  #parts;
  #api;
  #say;
  #changed;
  #all = new Map();
  #id = null;

  constructor(parts, { api, say, changed }) {
    this.#parts = parts;
    this.#api = api;
    this.#say = say;
    this.#changed = changed;
  }

  open(id) {
    this.#id = id;
    this.#draw();
  }

  get count() {
    return this.#list.length;
  }

  get areReady() {
    return this.#list.every(({ file }) => file);
  }

  /** The uploaded files, which are now the message's. */
  take() {
    const files = this.#list.map(({ file }) => file);
    for (const one of this.#list) this.#forget(one);
    this.#all.delete(this.#id);
    this.#draw();
    return files;
  }

  /** `files` for the next message of a conversation. */
  add(id, files) {
    const list = [...(this.#all.get(id) ?? [])];
    if (list.length + files.length > MOST) this.#say(t("attachments.many", { count: MOST }));
    for (const blob of files.slice(0, MOST - list.length)) {
      const one = { id, blob, name: blob.name || t("attachments.pasted"), stopped: new AbortController(), progress: 0, file: null, trouble: "" };
      if (blob.type.startsWith("image/")) one.preview = URL.createObjectURL(blob);
      list.push(one);
      this.#all.set(id, list);
      this.#upload(one);
    }
    this.#draw();
  }

  get #list() {
    return this.#all.get(this.#id) ?? [];
  }

  async #upload(one) {
    one.trouble = "";
    const progress = (share) => {
      one.progress = share;
      if (one.bar) one.bar.value = share;
    };
    try {
      const { file } = await this.#api.upload(one.blob, one.name, { progress, signal: one.stopped.signal });
      one.file = file;
    } catch (error) {
      if (one.stopped.signal.aborted) return;
      one.trouble = wording(error);
      one.hopeless = isFinal(error);
    }
    this.#draw();
  }

  #remove(one) {
    one.stopped.abort();
    this.#forget(one);
    this.#all.set(one.id, this.#all.get(one.id).filter((other) => other !== one));
    this.#draw();
    this.#parts.text.focus();
  }

  #forget({ preview }) {
    if (preview) URL.revokeObjectURL(preview);
  }

  #draw() {
    this.#parts.attachments.hidden = this.count === 0;
    this.#parts.attachments.replaceChildren(...this.#list.map((one) => this.#item(one)));
    this.#changed();
  }

  #item(one) {
    const { name, blob, preview, trouble, hopeless, file } = one;
    const tile = h("span", { class: "tile" }, icon(preview ? "image" : "file"));
    // What calls itself a picture may be none that this browser can show.
    const face = preview && !one.unseen ? h("img", { src: preview, alt: "", onerror: () => { one.unseen = true; face.replaceWith(tile); } }) : tile;
    const note = trouble || (file ? sizeOf(blob.size) : t("attachments.uploading"));
    const item = h("li", { class: trouble ? "attachment failed" : "attachment" }, face);
    item.append(h("span", {}, h("b", { dir: "auto" }, name), h("small", { role: trouble ? "alert" : null, title: note }, note)));
    if (trouble && !hopeless) item.append(iconButton("retry", t("message.retry"), () => { this.#upload(one); this.#draw(); }));
    item.append(iconButton("close", t("attachments.remove", { name }), () => this.#remove(one)));
    one.bar = file || trouble ? null : h("progress", { max: 1, value: one.progress, "aria-label": t("attachments.uploading") });
    if (one.bar) item.append(one.bar);
    return item;
  }
}
