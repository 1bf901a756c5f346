/** Messages that hold what one searches for, the newest first, each with the words around the match. */

import { listTime } from "../format.js";
import { drawAvatar } from "./avatar.js";
import { fromTemplate, h, reconcile, setText } from "./dom.js";

const PAGE = 20;
/** Characters shown before the first match. */
const BEFORE = 12;

export class FoundMessages {
  #parts;
  #api;
  #store;
  #directory;
  #jump;
  #query = "";
  #messages = [];
  #more = false;
  #signal = null;
  isAsking = false;

  constructor(parts, { api, store, directory, jump }) {
    this.#parts = parts;
    this.#api = api;
    this.#store = store;
    this.#directory = directory;
    this.#jump = jump;
    parts.moreMessages.addEventListener("click", () => this.#fetch(this.#messages.at(-1)?.id));
  }

  forget() {
    this.#messages = [];
    this.#more = false;
    this.isAsking = false;
  }

  ask(query, signal) {
    this.#query = query;
    this.#signal = signal;
    return this.#fetch();
  }

  /** Returns whether there are any. */
  render(state) {
    const known = this.#messages.filter(({ conversation }) => state.conversations.has(conversation));
    this.#parts.foundMessages.hidden = known.length === 0;
    this.#parts.moreMessages.hidden = !this.#more;
    reconcile(this.#parts.foundMessagesList, known, {
      key: ({ id }) => `${this.#query} ${id}`,
      create: (message) => this.#create(message),
      update: (parts, message) => this.#update(parts, message, state),
    });
    return known.length > 0;
  }

  #create(message) {
    const { element, parts } = fromTemplate("found");
    element.firstElementChild.addEventListener("click", () => this.#jump(message));
    parts.snippet.append(...around(message.text, this.#query));
    return { element, parts };
  }

  #update(parts, { conversation: id, from, sent_at: at }, state) {
    const face = this.#directory.face(state.conversations.get(id));
    drawAvatar(parts.avatar, face);
    setText(parts.name, face.shown);
    setText(parts.prefix, `${this.#directory.shown(from)}: `);
    setText(parts.time, listTime(at));
    parts.time.dateTime = at;
  }

  async #fetch(before) {
    const signal = this.#signal;
    this.isAsking = true;
    try {
      const query = { query: this.#query, limit: PAGE, ...(before ? { before } : {}) };
      const { messages, more } = await this.#api.search(query, signal);
      if (signal.aborted) return;
      this.#messages = before ? [...this.#messages, ...messages] : messages;
      this.#more = more;
    } catch {
      // People and conversations are still found; typing on asks again.
      if (signal.aborted) return;
    }
    this.isAsking = false;
    this.#store.touch();
  }
}

/** The text from shortly before the first match, with every match marked. */
function around(text, query) {
  const flat = text.replace(/\s+/g, " ");
  const words = query.split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const matches = new RegExp(`(${words.join("|")})`, "giu");
  const first = Math.max(0, flat.search(matches) - BEFORE);
  const shown = (first > 0 ? "…" : "") + flat.slice(first, first + 200);
  return shown.split(matches).map((piece, at) => (at % 2 ? h("mark", {}, piece) : piece));
}
