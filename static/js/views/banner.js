/** Tells of trouble with the line, once it has lasted: a short hiccup is nobody's business. */

const PATIENCE_MS = 2_000;
const SENTENCES = {
  connecting: "Connecting… Messages will be sent when the line is back.",
  offline: "You are offline. Messages will be sent when you are back.",
};

export class Banner {
  #feed;
  #element;
  #text;
  #timer = null;

  constructor({ element, text, retry, feed }) {
    this.#feed = feed;
    this.#element = element;
    this.#text = text;
    retry.addEventListener("click", () => feed.wake());
    feed.addEventListener("status", () => this.#draw());
    this.#draw();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #draw() {
    if (this.#feed.status === "live") {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#element.hidden = true;
      return;
    }
    this.#text.textContent = SENTENCES[this.#feed.status];
    this.#timer ??= setTimeout(() => (this.#element.hidden = false), PATIENCE_MS);
  }
}
