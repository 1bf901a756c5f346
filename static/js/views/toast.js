/** One sentence at the edge of the screen, for what went wrong with something one just did. */

const SHOWN_MS = 6_000;

export class Toast {
  #element;
  #timer;

  constructor(element) {
    this.#element = element;
  }

  show(sentence) {
    clearTimeout(this.#timer);
    this.#element.textContent = sentence;
    this.#element.hidden = false;
    this.#timer = setTimeout(() => (this.#element.hidden = true), SHOWN_MS);
  }
}
