/** Messages that hold what one searches for, the newest first, each with the words around the match. */

import { listTime } from "../format.js";
import { t } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { fromTemplate, h, reconcile, setText } from "./dom.js";

const PAGE = 20;
/** Characters shown before the first match, at most. */
const BEFORE = 40;
/** The server looks for so many words and "phrases" at most: those that come first have to do. */
const PARTS_MAX = 16;
/** Scripts without blanks between words: of them any part of a text may be what was found. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const PART = /"[^"]*"?|[^\s"]+/g;

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
  #conversation = null;
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

  /** In one `conversation`, or in all (null). */
  ask(query, { signal, conversation }) {
    this.#query = query;
    this.#signal = signal;
    this.#conversation = conversation;
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
    setText(parts.prefix, from === state.me ? t("snippet.you") : `${this.#directory.shown(from)}: `);
    setText(parts.time, listTime(at));
    parts.time.dateTime = at;
  }

  async #fetch(before) {
    const signal = this.#signal;
    this.isAsking = true;
    try {
      const query = { query: this.#query.match(PART).slice(0, PARTS_MAX).join(" "), limit: PAGE };
      if (before) query.before = before;
      if (this.#conversation !== null) query.conversation = this.#conversation;
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
  const words = (query.match(/[^\s"]+/g) ?? []).map((word) => {
    const plain = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    // Words are found by how they begin.
    return UNSPACED.test(word) ? plain : `(?<![\\p{L}\\p{N}])${plain}`;
  });
  if (words.length === 0) return [flat];
  const matches = new RegExp(`(${words.join("|")})`, "giu");
  const match = flat.search(matches);
  // From a word's beginning, where there is one.
  const first = match > BEFORE ? Math.max(match - BEFORE, flat.indexOf(" ", match - BEFORE - 1) + 1) : 0;
  const shown = (first > 0 ? "…" : "") + flat.slice(first, first + 200);
  return shown.split(matches).map((piece, at) => (at % 2 ? h("mark", {}, piece) : piece));
}
