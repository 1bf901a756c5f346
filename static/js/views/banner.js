/** Tells of trouble with the line, once it has lasted: a short hiccup is nobody's business. */

import { t } from "../i18n.js";

const PATIENCE_MS = 2_000;
const SENTENCES = { connecting: "banner.connecting", offline: "banner.offline" };

export class Banner {
  #feed;
  #element;
  #text;
  #timer = null;
  #changed;

  /** `changed()` is called when the banner appears or goes. */
  constructor({ element, text, retry, feed, changed }) {
    this.#feed = feed;
    this.#element = element;
    this.#text = text;
    this.#changed = changed;
    retry.addEventListener("click", () => feed.wake());
    feed.addEventListener("status", () => this.#draw());
    this.#draw();
  }

  get isShown() {
    return !this.#element.hidden;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #draw() {
    if (this.#feed.status === "live") {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#show(false);
      return;
    }
    this.#text.textContent = t(SENTENCES[this.#feed.status]);
    this.#timer ??= setTimeout(() => this.#show(true), PATIENCE_MS);
  }

  #show(shown) {
    if (shown === this.isShown) return;
    this.#element.hidden = !shown;
    this.#changed();
  }
}
