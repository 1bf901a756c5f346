/**
 * The ways on which files come into a message: picked, pasted, or dropped anywhere on the window. What takes them
 * (attachments.js) is loaded with the first.
 */

import { t } from "../i18n.js";

export class FileEntry {
  #parts;
  #deps;
  #canAttach;
  #attachments = null;
  #loading = 0;
  #id = null;

  /**
   * `changed()` is called when something came, went or got ready; `canAttach()`: may one just now? `signal` ends the
   * listening.
   */
  constructor(parts, { canAttach, signal, ...deps }) {
    this.#parts = parts;
    this.#deps = deps;
    this.#canAttach = () => parts.composer.isConnected && !parts.composer.hidden && canAttach();
    parts.attach.addEventListener("click", () => parts.picker.click());
    parts.picker.addEventListener("change", () => {
      this.#add([...parts.picker.files]);
      parts.picker.value = "";
    });
    parts.text.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length === 0) return;
      event.preventDefault();
      this.#add([...event.clipboardData.files]);
    });
    this.#listenToDrops(parts.drop, signal);
  }

  open(id) {
    this.#id = id;
    this.#attachments?.open(id);
  }

  get count() {
    return this.#loading + (this.#attachments?.count ?? 0);
  }

  get areReady() {
    return this.#loading === 0 && (this.#attachments?.areReady ?? true);
  }

  /** The uploaded files, which are now the message's. */
  take() {
    return this.#attachments?.take() ?? [];
  }

  async #add(files) {
    if (files.length === 0 || !this.#canAttach()) return;
    const id = this.#id;
    this.#loading += 1;
    this.#deps.changed();
    const module = await import("./attachments.js").catch(() => null);
    this.#loading -= 1;
    this.#deps.changed();
    if (!module) return this.#deps.say(t("problem.unreachable"));
    if (!this.#attachments) {
      this.#attachments = new module.Attachments(this.#parts, this.#deps);
      this.#attachments.open(this.#id);
    }
    this.#attachments.add(id, files);
  }

  #listenToDrops(veil, signal) {
    const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    const takes = (event) => hasFiles(event) && this.#canAttach() && !document.querySelector("dialog[open]");
    const over = (event) => {
      veil.hidden = !takes(event);
      if (!veil.hidden) event.dataTransfer.dropEffect = "copy";
    };
    const drop = (event) => {
      veil.hidden = true;
      if (takes(event)) this.#add([...event.dataTransfer.files]);
    };
    // Outside of the window there is nothing that is related.
    const leave = ({ relatedTarget }) => relatedTarget || (veil.hidden = true);
    for (const [type, hear] of Object.entries({ dragenter: over, dragover: over, dragleave: leave, drop })) {
      addEventListener(type, hear, { signal });
    }
  }
}
