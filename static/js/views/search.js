/** The field "Find people" and what it finds. While it holds text, the results take the list's place. */

import { t, wording } from "../i18n.js";
import { relationTo, renderPeople } from "./people.js";
import { setText } from "./dom.js";

/** Typing pauses this long before the server is asked. */
const PAUSE_MS = 250;

export class Search {
  #parts;
  #api;
  #store;
  #act;
  #timer;
  #asking = null;
  #found = null;
  #trouble = "";

  /** `act` has `ask`, `accept`, `end` and `open`, each taking a name. */
  constructor(parts, { api, store, act }) {
    this.#parts = parts;
    this.#api = api;
    this.#store = store;
    this.#act = { ...act, open: (name) => { this.clear(); act.open(name); } };
    parts.query.addEventListener("input", () => this.#later());
    parts.query.addEventListener("keydown", (event) => event.key === "Escape" && this.clear());
    parts.clear.addEventListener("click", () => { this.clear(); parts.query.focus(); });
  }

  clear() {
    this.#parts.query.value = "";
    this.#later();
  }

  render(state) {
    const active = this.#query() !== "";
    this.#parts.people.hidden = !active;
    this.#parts.home.hidden = active;
    this.#parts.clear.hidden = !active;
    if (!active) return;
    setText(this.#parts.peopleHint, this.#hint());
    const people = (this.#found ?? []).map(({ name }) => ({ name, relation: relationTo(state, name) }));
    renderPeople(this.#parts.peopleList, people, this.#act);
  }

  #query() {
    return this.#parts.query.value.trim();
  }

  #hint() {
    if (this.#trouble) return this.#trouble;
    if (!this.#found) return t("people.searching");
    return this.#found.length === 0 ? t("people.none") : "";
  }

  #later() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#trouble = "";
    if (!this.#query()) this.#found = null;
    else this.#timer = setTimeout(() => this.#ask(), PAUSE_MS);
    this.#store.touch();
  }

  async #ask() {
    const asking = (this.#asking = new AbortController());
    try {
      const { users } = await this.#api.findPeople(this.#query(), asking.signal);
      if (asking.signal.aborted) return;
      this.#found = users;
    } catch (error) {
      if (asking.signal.aborted) return;
      this.#found = [];
      this.#trouble = wording(error);
    }
    this.#store.touch();
  }
}
