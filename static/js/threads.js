/**
 * The loaded part of a conversation, as pure functions from a thread to the next one.
 *
 *   thread = {
 *     messages,   by number, without gaps
 *     more,       there are older ones on the server
 *     newer,      there are newer ones on the server: somebody has jumped into the past
 *     stale,      something is missing at the end: load the newest page
 *     unsure,     changes may have been missed: what is loaded must be loaded again
 *   }
 *
 * A message that came in two versions counts in the later one: the higher `revision`.
 */

/** As the server cuts it; code points. */
const QUOTE_MAX = 200;

export const emptyThread = { messages: [], more: false, newer: false, stale: false, unsure: false };

const revisionOf = ({ revision = 0 }) => revision;
export const laterOf = (one, other) => (revisionOf(other) > revisionOf(one) ? other : one);

/** With a message that has just been said, where it belongs to what is loaded. */
export function threadWith(thread, message) {
  const { messages, newer } = thread;
  const last = messages.at(-1)?.number;
  const known = messages.findIndex(({ number }) => number === message.number);
  if (known >= 0) return threadWithVersion(thread, message);
  if (newer && message.number !== last + 1) return thread;
  return { ...thread, messages: inOrder([...messages, message]) };
}

/** With a later version of one of its messages, which shows in the answers that quote it as well. */
export function threadWithVersion(thread, message) {
  const at = thread.messages.findIndex(({ number }) => number === message.number);
  if (at >= 0 && laterOf(thread.messages[at], message) === thread.messages[at]) return thread;
  const quotes = thread.messages.some((one) => one.reply_to?.id === message.id);
  if (at < 0 && !quotes) return thread;
  const messages = at < 0 ? thread.messages : thread.messages.with(at, message);
  return { ...thread, messages: quotes ? messages.map((one) => quoting(one, message)) : messages };
}

function quoting(one, message) {
  if (one.reply_to?.id !== message.id) return one;
  const { id, number, from, text, deleted, files } = message;
  const quote = { id, number, from, text: [...text].slice(0, QUOTE_MAX).join("") };
  if (deleted) quote.deleted = true;
  if (files?.length) quote.files = files.length;
  return { ...one, reply_to: quote };
}

/**
 * With a page of history, `asked` for by {} (the newest), {before}, {after} or {around}: joined to what is loaded where
 * the two meet, and in its place where not. `lastNumber`: the conversation's, as far as one knows.
 */
export function threadWithPage(thread, page, { asked = {}, lastNumber = 0 } = {}) {
  const { messages: got, more, newer = false } = page;
  if (got.length === 0) return withEmptyPage(thread, page, asked);
  const old = thread && !thread.unsure ? thread : emptyThread;
  const all = union(old.messages, got);
  let start = all.findIndex(({ number }) => number === got[0].number);
  let end = all.findIndex(({ number }) => number === got.at(-1).number);
  while (start > 0 && all[start - 1].number === all[start].number - 1) start -= 1;
  while (end < all.length - 1 && all[end + 1].number === all[end].number + 1) end += 1;
  const messages = all.slice(start, end + 1);
  const last = messages.at(-1).number;
  const atEnd = last === got.at(-1).number ? !newer : !old.newer;
  return {
    messages,
    more: messages[0].number === got[0].number ? more : old.more,
    newer: !atEnd,
    // Something was said after the page was read, and before it was here.
    stale: atEnd && last < lastNumber,
    unsure: false,
  };
}

function withEmptyPage(thread, { more }, { before, after }) {
  if (!thread || (before === undefined && after === undefined)) return { ...emptyThread, more };
  return before === undefined ? { ...thread, newer: false } : { ...thread, more };
}

/** What is left when only the newest `keep` may stay; the rest can be loaded again. */
export const threadTrimmed = (thread, keep) =>
  thread.messages.length > keep ? { ...thread, messages: thread.messages.slice(-keep), more: true } : thread;

/** Whether the numbers leave no hole. */
export function isWhole({ messages, more }) {
  if (messages.length === 0) return true;
  const [first, last] = [messages[0].number, messages.at(-1).number];
  return last - first + 1 === messages.length && (more || first === 1);
}

function union(messages, others) {
  const all = new Map(messages.map((one) => [one.number, one]));
  for (const one of others) all.set(one.number, all.has(one.number) ? laterOf(all.get(one.number), one) : one);
  return inOrder([...all.values()]);
}

const inOrder = (messages) => messages.sort((one, other) => one.number - other.number);
