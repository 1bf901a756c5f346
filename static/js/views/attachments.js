/**
 * Files that go with the next message: picked, pasted or dropped; uploaded at once, with progress, and taken along when
 * one sends. Kept per conversation for as long as the page lives.
 */

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
  #canAttach;
  #all = new Map();
  #id = null;

  /** `changed()` is called when something came, went or got ready; `canAttach()`: may one just now? */
  constructor(parts, { api, say, changed, canAttach }) {
    this.#parts = parts;
    this.#api = api;
    this.#say = say;
    this.#changed = changed;
    this.#canAttach = canAttach;
    parts.attach.addEventListener("click", () => parts.picker.click());
    parts.picker.addEventListener("change", () => {
      this.add(parts.picker.files);
      parts.picker.value = "";
    });
    parts.text.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length === 0) return;
      event.preventDefault();
      this.add(event.clipboardData.files);
    });
    this.#listenToDrops(parts.drop.parentElement);
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

  add(files) {
    if (!this.#canAttach()) return;
    for (const blob of files) {
      if (this.count >= MOST) {
        this.#say(t("attachments.many", { count: MOST }));
        break;
      }
      const one = { blob, name: blob.name || t("attachments.pasted"), stopped: new AbortController(), progress: 0, file: null, trouble: "" };
      if (blob.type.startsWith("image/")) one.preview = URL.createObjectURL(blob);
      this.#all.set(this.#id, [...this.#list, one]);
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
    }
    this.#draw();
  }

  #remove(one) {
    one.stopped.abort();
    this.#forget(one);
    this.#all.set(this.#id, this.#list.filter((other) => other !== one));
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
    const { name, blob, preview, trouble, file } = one;
    const face = preview ? h("img", { src: preview, alt: "" }) : h("span", { class: "tile" }, icon("file"));
    const note = trouble || (file ? sizeOf(blob.size) : t("attachments.uploading"));
    const item = h("li", { class: trouble ? "attachment failed" : "attachment" }, face);
    item.append(h("span", {}, h("b", { dir: "auto" }, name), h("small", { role: trouble ? "alert" : null, title: note }, note)));
    if (trouble) item.append(iconButton("reply", t("message.retry"), () => { this.#upload(one); this.#draw(); }));
    item.append(iconButton("close", t("attachments.remove", { name }), () => this.#remove(one)));
    one.bar = file || trouble ? null : h("progress", { max: 1, value: one.progress, "aria-label": t("attachments.uploading") });
    if (one.bar) item.append(one.bar);
    return item;
  }

  /** Files may be dropped anywhere on the chat. */
  #listenToDrops(area) {
    const { drop } = this.#parts;
    const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files") && !this.#parts.composer.hidden;
    area.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      drop.hidden = false;
    });
    area.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!area.contains(relatedTarget)) drop.hidden = true;
    });
    area.addEventListener("drop", (event) => {
      drop.hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.add(event.dataTransfer.files);
    });
  }
}
