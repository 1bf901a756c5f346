/**
 * What is said changes the lines of conversations: pure functions from a state to the next one (its shape is in
 * state.js). Numbers decide, so applying a thing twice changes nothing.
 */

import { set, unset } from "./maps.js";
import { isWhole, laterOf, threadTrimmed, threadWith, threadWithPage, threadWithVersion } from "./threads.js";

/** A stored message, from the feed or as the answer to a send. */
export function withMessage(state, message) {
  const id = message.conversation;
  const known = state.conversations.get(id);
  if (!known) return state;
  let next = withoutTyping(state, id, message.from);
  if (message.number > known.last_number) {
    const own = message.from === state.me;
    const newest = { ...known, last_number: message.number, last_message: message };
    if (own) newest.read_number = message.number;
    else if (message.mentions?.includes(state.me)) newest.mentioned = true;
    next = withConversation(next, newest);
  }
  return withThread(next, id, (thread) => threadWith(thread, message));
}

/** A message anew: edited, deleted, or with other reactions. */
export function withChanged(state, message) {
  const id = message.conversation;
  const known = state.conversations.get(id);
  if (!known) return state;
  const isLast = known.last_message?.number === message.number;
  const last = isLast ? laterOf(known.last_message, message) : known.last_message;
  const next = last === known.last_message ? state : withConversation(state, { ...known, last_message: last });
  return withThread(next, id, (thread) => threadWithVersion(thread, message));
}

/** The feed is in order: if there is a hole once it has brought a message, something was missed. */
export const noticeGap = (state, id) =>
  withThread(state, id, (thread) => (thread.newer || isWhole(thread) ? thread : { ...thread, stale: true }));

export function withPage(state, id, page, asked = {}) {
  const lastNumber = state.conversations.get(id)?.last_number;
  const thread = threadWithPage(state.threads.get(id), page, { asked, lastNumber });
  return { ...state, threads: set(state.threads, id, thread) };
}

/** Lets go of all but the newest `keep` messages of a thread. */
export const withTrimmed = (state, id, keep) => withThread(state, id, (thread) => threadTrimmed(thread, keep));

/** Read marks only ever move forward, but where one has marked as unread (`back`). */
export function withRead(state, id, number, back = false) {
  const known = state.conversations.get(id);
  if (!known || number === known.read_number || (number < known.read_number && !back)) return state;
  return withConversation(state, { ...known, read_number: number });
}

/** Up to where everybody else has got and read; the message's own person is not asked. */
export function withReceipt(state, { conversation: id, delivered = 0, read = 0 }) {
  const known = state.conversations.get(id);
  if (!known) return state;
  const [got, seen] = [Math.max(known.delivered ?? 0, delivered, read), Math.max(known.read ?? 0, read)];
  if (got === known.delivered && seen === known.read) return state;
  return { ...state, conversations: set(state.conversations, id, { ...known, delivered: got, read: seen }) };
}

/** One line anew: one was added to it, or something of it has changed. */
export function withLine(state, line) {
  const known = state.conversations.get(line.id);
  return { ...state, conversations: set(state.conversations, line.id, furtherOf(line, known)) };
}

/** One is no member any more: it is forgotten whole. */
export const withoutConversation = (state, id) => ({
  ...state,
  conversations: unset(state.conversations, id),
  threads: unset(state.threads, id),
  typing: unset(state.typing, id),
});

/** Somebody's line of a conversation, and what one knows beyond it oneself. */
export function furtherOf(theirs, mine) {
  if (!mine || mine.last_number <= theirs.last_number) return theirs;
  const { last_number, last_message } = mine;
  return counted({ ...theirs, last_number, last_message, read_number: Math.max(mine.read_number, theirs.read_number) });
}

/** Typing lasts so long after the last one was heard. */
const TYPING_MS = 6_000;

/** `now`: milliseconds on the clock that `withTime` is asked by. */
export function withTyping(state, id, name, now) {
  if (!state.conversations.has(id) || name === state.me) return state;
  return { ...state, typing: set(state.typing, id, set(state.typing.get(id) ?? new Map(), name, now + TYPING_MS)) };
}

function withoutTyping(state, id, name) {
  const names = state.typing.get(id);
  if (!names?.has(name)) return state;
  const rest = unset(names, name);
  return { ...state, typing: rest.size > 0 ? set(state.typing, id, rest) : unset(state.typing, id) };
}

/** Whoever has not been heard typing for a while is not typing. */
export function withTime(state, now) {
  let next = state;
  for (const [id, names] of state.typing) {
    for (const [name, until] of names) if (until <= now) next = withoutTyping(next, id, name);
  }
  return next;
}

function withThread(state, id, change) {
  const thread = state.threads.get(id);
  const changed = thread && change(thread);
  return changed === thread ? state : { ...state, threads: set(state.threads, id, changed) };
}

function withConversation(state, conversation) {
  return { ...state, conversations: set(state.conversations, conversation.id, counted(conversation)) };
}

function counted(conversation) {
  const unread = Math.max(0, conversation.last_number - conversation.read_number);
  const line = { ...conversation, unread };
  if (unread === 0) delete line.mentioned;
  return line;
}
