/** The left side: oneself, the search (loaded when it gets the focus), requests, and all conversations. */

import { t } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { setText } from "./dom.js";
import { attachMenu } from "./menu.js";
import { renderPeople } from "./people.js";
import { TalksView, talksOf } from "./talks.js";

export class Sidebar {
  #parts;
  #act;
  #directory;
  #talks;
  #search = null;
  #loading = null;
  #searchDeps;

  constructor(parts, { api, store, directory, act, myMenu, ...deps }) {
    this.#parts = parts;
    this.#act = act;
    this.#directory = directory;
    const talkDeps = { directory, open: act.open, menu: act.talkMenu, ...deps };
    this.#talks = new TalksView(parts.talks, talkDeps);
    const talks = new TalksView(parts.foundTalksList, talkDeps);
    this.#searchDeps = { api, store, directory, talks, act };
    for (const type of ["focus", "input"]) parts.query.addEventListener(type, () => this.#loadSearch());
    attachMenu(parts.myMenu, myMenu);
    parts.newGroup.addEventListener("click", act.newGroup);
    parts.findFirst.addEventListener("click", () => parts.query.focus());
    for (const list of [parts.talks, parts.results]) list.addEventListener("keydown", walk);
  }

  /** Puts the focus into the search field. */
  search() {
    this.#parts.query.focus();
    this.#parts.query.select();
  }

  /** The same, to look in one conversation alone. */
  async searchIn(conversation) {
    (await this.#loadSearch())?.within(conversation);
    this.search();
  }

  /** Null where it cannot be loaded just now; the next letter tries again. */
  async #loadSearch() {
    this.#loading ??= import("./search.js").catch(() => null);
    const module = await this.#loading;
    if (!module) this.#loading = null;
    else this.#search ??= new module.Search(this.#parts, this.#searchDeps);
    return this.#search;
  }

  render(state, current) {
    const parts = this.#parts;
    const me = this.#directory.of(state.me);
    setText(parts.myName, me.shown);
    setText(parts.myStatus, me.status);
    drawAvatar(parts.myAvatar, me);
    this.#search?.render(state, current);
    this.#renderRequests(state, "incoming");
    this.#renderRequests(state, "outgoing");
    const talks = talksOf(state, (talk) => this.#directory.face(talk));
    this.#talks.render(talks, state, current);
    parts.skeleton.hidden = state.ready;
    parts.nobody.hidden = !state.ready || talks.length > 0 || state.requests.size > 0;
  }

  #renderRequests({ requests }, direction) {
    const people = [...requests]
      .filter(([, request]) => request.direction === direction)
      .map(([name, { note }]) => ({ ...this.#directory.of(name), relation: direction, note: note && t("people.quoted", { note }) }));
    renderPeople(this.#parts[`${direction}List`], people, this.#act);
    this.#parts[direction].hidden = people.length === 0;
  }
}

/** The arrow keys go from line to line. */
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.altKey) return;
  const lines = [...event.currentTarget.querySelectorAll("button.line")];
  const next = lines[lines.indexOf(event.target.closest("button.line")) + step];
  event.preventDefault();
  next?.focus();
}
