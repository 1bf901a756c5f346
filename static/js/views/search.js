/**
 * The search field and what it finds: conversations (at once), people and messages (the server is asked once typing
 * pauses); or messages of one conversation alone. While it holds text, the results take the list's place.
 */

import { t, wording } from "../i18n.js";
import { relationTo, renderPeople } from "./people.js";
import { setText } from "./dom.js";
import { talksOf } from "./talks.js";

/** Typing pauses this long before the server is asked. */
const PAUSE_MS = 250;
/** No name is longer. */
const NAME_MAX = 32;

export class Search {
  #parts;
  #api;
  #store;
  #directory;
  #act;
  #talks;
  /** What is found of messages; loaded with the first search. */
  #messages = null;
  #loading = null;
  #timer;
  #asking = null;
  #people = null;
  #trouble = "";
  /** The conversation to which it is confined, or null. */
  #within = null;

  /** `talks` draws conversations; `act` does what the buttons of people say, and `jump(message)`. */
  constructor(parts, { api, store, directory, talks, act }) {
    this.#parts = parts;
    this.#api = api;
    this.#store = store;
    this.#directory = directory;
    this.#talks = talks;
    this.#act = { ...act, talk: (name) => { this.clear(); act.talk(name); } };
    parts.query.addEventListener("input", () => this.#later());
    parts.query.addEventListener("keydown", (event) => this.#key(event));
    parts.clear.addEventListener("click", () => { this.clear(); parts.query.focus(); });
    parts.everywhere.addEventListener("click", () => { this.within(null); parts.query.focus(); });
    if (this.#query()) this.#later();
  }

  clear() {
    this.#parts.query.value = "";
    this.within(null);
  }

  /** Looks in one conversation alone (its id), or everywhere (null). */
  within(conversation) {
    this.#within = conversation;
    this.#later();
  }

  render(state, current) {
    const query = this.#query();
    const within = state.conversations.get(this.#within);
    const active = query !== "" || Boolean(within);
    this.#parts.scope.hidden = !within;
    if (within) setText(this.#parts.scopeText, t("search.within", { name: this.#directory.face(within).shown }));
    this.#parts.results.hidden = !active;
    this.#parts.home.hidden = active;
    this.#parts.clear.hidden = !active;
    if (!active) return this.#empty();
    const talks = this.#renderTalks(state, within ? null : query, current);
    const found = { talks: talks.length > 0, people: this.#renderPeople(state, talks) };
    found.messages = this.#messages?.render(state) ?? false;
    setText(this.#parts.resultsHint, this.#hint(Object.values(found).some(Boolean)));
  }

  #renderTalks(state, query, current) {
    const wanted = query?.toLocaleLowerCase();
    const face = (talk) => this.#directory.face(talk);
    const matches = (talk) => [face(talk).shown, face(talk).name].some((one) => one.toLocaleLowerCase().includes(wanted));
    const found = query === null ? [] : talksOf(state, face).filter(matches);
    this.#parts.foundTalks.hidden = found.length === 0;
    this.#talks.render(found, state, current);
    return found;
  }

  /** People whose chat was found are there already. */
  #renderPeople(state, talks) {
    const shown = new Set(talks.filter(({ open }) => open).map((talk) => talk.with));
    const people = (this.#people ?? []).filter(({ name }) => !shown.has(name)).map((one) => {
      const relation = relationTo(state, one.name);
      const note = relation === "none" ? one.status : "";
      return { ...one, shown: one.display_name || one.name, relation, note };
    });
    this.#parts.foundPeople.hidden = people.length === 0;
    renderPeople(this.#parts.foundPeopleList, people, this.#act);
    return people.length > 0;
  }

  #empty() {
    this.#talks.render([], this.#store.state, null);
    renderPeople(this.#parts.foundPeopleList, [], this.#act);
    this.#messages?.render(this.#store.state);
  }

  #query() {
    return this.#parts.query.value.trim();
  }

  #hint(found) {
    if (this.#trouble) return this.#trouble;
    if (!this.#query()) return t("search.within.hint");
    if (!this.#people || this.#messages?.isAsking) return t("search.busy");
    return found ? "" : t("search.nothing");
  }

  #key(event) {
    if (event.key === "Escape") this.clear();
    if (event.key !== "ArrowDown" || event.altKey) return;
    event.preventDefault();
    this.#parts.results.querySelector("button.line")?.focus();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#trouble = "";
    this.#messages?.forget();
    if (!this.#query()) this.#people = null;
    else this.#timer = setTimeout(() => this.#ask(), PAUSE_MS);
    this.#store.touch();
  }

  async #ask() {
    const asking = (this.#asking = new AbortController());
    const query = this.#query();
    this.#askMessages(query, asking.signal);
    const named = this.#within === null && query.length <= NAME_MAX;
    try {
      const { users } = named ? await this.#api.findPeople(query, asking.signal) : { users: [] };
      if (asking.signal.aborted) return;
      this.#people = users;
      this.#directory.learn(users);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.#people = [];
      this.#trouble = wording(error);
    }
    this.#store.touch();
  }

  async #askMessages(query, signal) {
    this.#loading ??= import("./found_messages.js").catch(() => null);
    const module = await this.#loading;
    // The line is down; the next search tries again.
    if (!module) this.#loading = null;
    if (!module || signal.aborted) return;
    const deps = { api: this.#api, store: this.#store, directory: this.#directory, jump: this.#act.jump };
    this.#messages ??= new module.FoundMessages(this.#parts, deps);
    await this.#messages.ask(query, { signal, conversation: this.#within });
  }
}
