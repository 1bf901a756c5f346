/**
 * Where one writes. Enter sends, Shift+Enter makes a new line; the text of each conversation is kept
 * as its draft until it is sent.
 */

import { countCharacters } from "../format.js";
import { t } from "../i18n.js";

/** The server's limit, in code points. */
const LIMIT = 4_000;
/** The counter shows from here on. */
const NEAR = 3_800;
const TALLEST_PX = 180;

export class Composer {
  #parts;
  #drafts;
  #send;
  #name = null;

  /** `send(text)` takes what was written. */
  constructor(parts, { drafts, send }) {
    this.#parts = parts;
    this.#drafts = drafts;
    this.#send = send;
    parts.composer.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    parts.text.addEventListener("input", () => this.#changed());
    parts.text.addEventListener("keydown", (event) => {
      // While an input method composes, Enter belongs to it (229: Safari reports it too late).
      const composing = event.isComposing || event.keyCode === 229;
      if (event.key !== "Enter" || event.shiftKey || composing) return;
      event.preventDefault();
      this.#submit();
    });
    // Touching the button must not take the focus (and with it the keyboard) from the text.
    parts.send.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  /** Shows the draft for this person. */
  open(name) {
    this.#name = name;
    this.#parts.text.value = this.#drafts.get(name);
    this.#parts.text.setAttribute("aria-label", t("composer.label", { name }));
    this.#fit();
  }

  focus() {
    this.#parts.text.focus({ preventScroll: true });
  }

  #submit() {
    const text = this.#text();
    if (!text || countCharacters(text) > LIMIT) return;
    this.#parts.text.value = "";
    this.#changed();
    this.#send(text);
  }

  /** What would be sent: without the blank ends, which nobody meant. */
  #text() {
    return this.#parts.text.value.replace(/^\s*\n/, "").trimEnd();
  }

  #changed() {
    this.#drafts.set(this.#name, this.#parts.text.value);
    this.#fit();
  }

  #fit() {
    const { text, count, send } = this.#parts;
    text.style.setProperty("height", "auto");
    text.style.setProperty("height", `${Math.min(text.scrollHeight, TALLEST_PX)}px`);
    text.classList.toggle("tall", text.scrollHeight > TALLEST_PX);
    const written = this.#text();
    // A text has at most as many code points as code units: short ones need no counting.
    const length = written.length < NEAR ? written.length : countCharacters(written);
    count.hidden = length < NEAR;
    count.textContent = `${LIMIT - length}`;
    count.classList.toggle("over", length > LIMIT);
    send.disabled = !written || length > LIMIT;
  }
}
