/** Completes @names while one writes: a list above the text, by arrow keys and Enter, or by pointer. */

import { t } from "../i18n.js";
import { avatarOf } from "./avatar.js";
import { h } from "./dom.js";

const MOST = 6;
const BEGUN = /(?:^|\s)@([\w.-]*)$/;

export class Mentions {
  #text;
  #list;
  #candidates;
  #changed;
  #shown = [];
  #at = 0;

  /** `candidates()` gives `[{name, shown, avatar}]`; `changed()` is called when a name was put in. */
  constructor({ text, box }, { candidates, changed }) {
    this.#text = text;
    this.#candidates = candidates;
    this.#changed = changed;
    this.#list = h("ul", { class: "suggestions", id: "mention-list", role: "listbox", hidden: true, "aria-label": t("mentions.label") });
    box.append(this.#list);
    text.setAttribute("aria-autocomplete", "list");
    text.addEventListener("blur", () => this.close());
    text.addEventListener("click", () => this.look());
  }

  /** Looks whether a name is being written at the caret. */
  look() {
    const begun = this.#begun();
    if (begun === null) return this.close();
    const wanted = begun.toLocaleLowerCase();
    const matches = ({ name, shown }) => [name, shown].some((one) => one.toLocaleLowerCase().startsWith(wanted));
    const found = this.#candidates().filter(matches).slice(0, MOST);
    // Written to the end: Enter shall send.
    this.#shown = found.length === 1 && found[0].name.toLocaleLowerCase() === wanted ? [] : found;
    this.#at = 0;
    this.#draw();
  }

  close() {
    this.#shown = [];
    this.#draw();
  }

  /** Whether the key was for the list. */
  onKey(event) {
    if (this.#shown.length === 0) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#at = (this.#at + step + this.#shown.length) % this.#shown.length;
    else if (event.key === "Enter" || event.key === "Tab") return this.#take(this.#at, event);
    else if (event.key === "Escape") this.#shown = [];
    else return false;
    event.preventDefault();
    event.stopPropagation();
    this.#draw();
    return true;
  }

  #begun() {
    const { value, selectionStart: caret, selectionEnd } = this.#text;
    return caret === selectionEnd ? (value.slice(0, caret).match(BEGUN)?.[1] ?? null) : null;
  }

  #take(at, event) {
    event.preventDefault();
    const { name } = this.#shown[at];
    const caret = this.#text.selectionStart;
    this.#text.setRangeText(`${name} `, caret - this.#begun().length, caret, "end");
    this.close();
    this.#changed();
    return true;
  }

  #draw() {
    const open = this.#shown.length > 0;
    this.#list.hidden = !open;
    this.#list.replaceChildren(...this.#shown.map((one, at) => this.#option(one, at)));
    if (open) this.#text.setAttribute("aria-activedescendant", `mention-${this.#at}`);
    else this.#text.removeAttribute("aria-activedescendant");
  }

  #option(person, at) {
    const { name, shown } = person;
    const take = (event) => this.#take(at, event);
    return h(
      "li", { role: "option", id: `mention-${at}`, "aria-selected": String(at === this.#at), onpointerdown: take },
      avatarOf(person, "small"), h("span", {}, shown), shown !== name && h("small", {}, `@${name}`),
    );
  }
}
