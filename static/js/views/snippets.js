/** One line about a message or a draft, for the list of conversations and for quotes. */

import { t } from "../i18n.js";

/** Enough for a line of the list; the browser cuts it to the width. */
export const firstLine = (text) => text.slice(0, 200).replace(/\s+/g, " ").trim();

/** Of "Ada Lovelace" a line of the list has room for "Ada". */
const firstWord = (name) => name.split(/\s/)[0];

/** What a message says in a line: its text, else its files; `faint` where these are our words and not theirs. */
export function wordsOf({ text = "", files = [], deleted }) {
  if (deleted) return { text: t("snippet.deleted"), faint: true };
  const words = firstLine(text);
  if (words || files.length === 0) return { text: words, faint: false };
  const pictures = files.every(({ type }) => type.startsWith("image/"));
  return { text: t(pictures ? "snippet.images" : "snippet.files", { count: files.length, name: files[0].name }), faint: true };
}

/** The same of a quote, which has only the number of the files. */
export function wordsOfQuote({ text, files = 0, deleted }) {
  if (deleted) return { text: t("snippet.deleted"), faint: true };
  const words = firstLine(text);
  return words || files === 0 ? { text: words, faint: false } : { text: t("snippet.attachments", { count: files }), faint: true };
}

/** A note of a group in words: who did what to whom. `shown(name)` is what people are called. */
export function noteOf({ kind, from, text }, me, shown) {
  const actor = from === me ? t("person.you") : shown(from);
  const [name, role] = kind === "role" ? text.split(" ") : [text, ""];
  const values = { actor, name: kind === "created" || kind === "renamed" ? text : name === me ? t("person.you.object") : shown(name) };
  const itself = name === from;
  const did = { removed: itself ? "left" : kind, role: itself ? "stepped" : role }[kind] ?? kind;
  return t(`note.${did}.${from === me ? "own" : "other"}`, values);
}

/** The line under a conversation's name: a draft, or else what waits, or else the last message. */
export function snippetOf(conversation, { draft, waiting, me, shown, typing }) {
  const last = conversation.last_message;
  const at = waiting?.created_at ?? last?.sent_at;
  if (typing) return { prefix: "", text: typing, at, typing: true };
  if (draft) return { prefix: t("snippet.draft"), text: firstLine(draft), at, draft: true };
  if (waiting) return { prefix: "", ...wordsOf(waiting), at, state: waiting.state };
  if (!last) return { prefix: "", text: t(conversation.kind === "group" ? "snippet.empty" : "snippet.hello"), at, faint: true };
  if (last.kind) return { prefix: "", text: noteOf(last, me, shown), at, faint: true };
  const own = last.from === me;
  const prefix = own ? t("snippet.you") : conversation.kind === "group" ? `${firstWord(shown(last.from))}: ` : "";
  return { prefix, ...wordsOf(last), at, state: own && !last.deleted ? stateOf(last, conversation) : null };
}

/** What a conversation's draft is kept under. */
export const draftKey = ({ id, kind, with: name }) => (kind === "group" ? `group:${id}` : name);

/** How far an own message has come: all others have read it, have got it, or at least the server has it. */
export function stateOf({ number }, { read = 0, delivered = 0 }) {
  if (number <= read) return "read";
  return number <= delivered ? "delivered" : "sent";
}
