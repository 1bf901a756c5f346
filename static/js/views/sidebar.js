/** The left side: oneself, the search, requests, friends and past chats. */

import { drawAvatar } from "./avatar.js";
import { setText } from "./dom.js";
import { FriendsView, linesOf } from "./friends.js";
import { renderPeople } from "./people.js";
import { Search } from "./search.js";

export class Sidebar {
  #parts;
  #act;
  #search;
  #friends;
  #past;

  constructor(parts, { api, store, outbox, drafts, act, heard, logOut, addAccount }) {
    this.#parts = parts;
    this.#act = act;
    this.#search = new Search(parts, { api, store, act });
    const deps = { open: act.open, outbox, drafts, heard, me: () => store.state.me };
    this.#friends = new FriendsView(parts.friends, deps);
    this.#past = new FriendsView(parts.pastList, deps);
    parts.logOut.addEventListener("click", logOut);
    parts.addAccount.addEventListener("click", addAccount);
    parts.findFirst.addEventListener("click", () => parts.query.focus());
  }

  render(state, current) {
    const parts = this.#parts;
    setText(parts.myName, state.me);
    drawAvatar(parts.myAvatar, state.me);
    this.#search.render(state);
    this.#renderRequests(state, "incoming");
    this.#renderRequests(state, "outgoing");
    const lines = linesOf(state);
    const friends = lines.filter(({ friend }) => friend);
    const past = lines.filter(({ friend }) => !friend);
    this.#friends.render(friends, current);
    this.#past.render(past, current);
    parts.past.hidden = past.length === 0;
    parts.friendsTitle.hidden = friends.length === 0 || state.requests.size === 0;
    parts.skeleton.hidden = state.ready;
    parts.nobody.hidden = !state.ready || lines.length > 0 || state.requests.size > 0;
  }

  #renderRequests({ requests }, direction) {
    const people = [...requests.values()]
      .filter((request) => request.direction === direction)
      .map(({ name }) => ({ name, relation: direction }));
    renderPeople(this.#parts[`${direction}List`], people, this.#act);
    this.#parts[direction].hidden = people.length === 0;
  }
}
