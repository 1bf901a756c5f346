/** The left side: oneself, the search, requests, and all conversations. */

import { t } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { setText } from "./dom.js";
import { attachMenu } from "./menu.js";
import { renderPeople } from "./people.js";
import { Search } from "./search.js";
import { TalksView, talksOf } from "./talks.js";

export class Sidebar {
  #parts;
  #act;
  #directory;
  #search;
  #talks;

  constructor(parts, { api, store, directory, act, myMenu, ...deps }) {
    this.#parts = parts;
    this.#act = act;
    this.#directory = directory;
    const talkDeps = { directory, open: act.open, menu: act.talkMenu, ...deps };
    this.#talks = new TalksView(parts.talks, talkDeps);
    const talks = new TalksView(parts.foundTalksList, talkDeps);
    this.#search = new Search(parts, { api, store, directory, talks, act });
    attachMenu(parts.myMenu, myMenu);
    parts.newGroup.addEventListener("click", act.newGroup);
    parts.findFirst.addEventListener("click", () => parts.query.focus());
    for (const list of [parts.talks, parts.results]) list.addEventListener("keydown", walk);
  }

  /** Puts the focus into the search field. */
  search() {
    this.#search.focus();
  }

  render(state, current) {
    const parts = this.#parts;
    const me = this.#directory.of(state.me);
    setText(parts.myName, me.shown);
    setText(parts.myStatus, me.status);
    drawAvatar(parts.myAvatar, me);
    this.#search.render(state, current);
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
