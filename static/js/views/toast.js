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
    // Shown anew, it stands above a dialog that was opened in the meantime.
    this.#element.hidePopover();
    this.#element.textContent = sentence;
    this.#element.showPopover();
    this.#timer = setTimeout(() => this.#element.hidePopover(), SHOWN_MS);
  }
}
