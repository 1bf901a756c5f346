/**
 * What the client knows, and how each thing that arrives changes it: pure functions from a state to
 * the next one, no I/O. Numbers decide everything, so applying a thing twice changes nothing.
 *
 *   state = {
 *     ready,          whether a snapshot has been seen
 *     me,             one's own name
 *     friends:        Map name → {name, online, conversation}
 *     requests:       Map name → "incoming" | "outgoing"
 *     conversations:  Map id → {id, with, open, last_number, read_number, unread, last_message}
 *     threads:        Map id → {messages, more, stale}: the loaded part of a conversation,
 *                     by number, without gaps; `more`: there are older ones on the server;
 *                     `stale`: something is missing, the newest page must be loaded again
 *   }
 */

export const initialState = (me) => ({
  ready: false,
  me,
  friends: new Map(),
  requests: new Map(),
  conversations: new Map(),
  threads: new Map(),
});

/**
 * The whole state anew from `GET /api/state`; what is loaded of the conversations stays. A snapshot that is not `fresh`
 * is another tab's state: what this tab knows beyond it is kept, where a fresh one has the last word.
 */
export function withSnapshot(state, snapshot, { fresh = true } = {}) {
  const conversations = new Map(snapshot.conversations.map((one) => [one.id, one]));
  if (!fresh) {
    for (const [id, one] of conversations) conversations.set(id, furtherOf(one, state.conversations.get(id)));
  }
  const threads = new Map();
  for (const [id, thread] of state.threads) {
    const known = conversations.get(id);
    const last = thread.messages.at(-1)?.number ?? 0;
    // Ahead of the snapshot: the server went back to an older state, and this is not its history.
    if (!known || last > known.last_number) continue;
    threads.set(id, { ...thread, stale: thread.stale || last < known.last_number });
  }
  return {
    ready: true,
    me: snapshot.me.name,
    friends: new Map(snapshot.friends.map((one) => [one.name, one])),
    requests: new Map(snapshot.requests.map((one) => [one.name, one.direction])),
    conversations,
    threads,
  };
}

/** The snapshot that would make this state, for another tab. */
export const snapshotOf = ({ me, friends, requests, conversations }) => ({
  me: { name: me },
  friends: [...friends.values()],
  requests: Array.from(requests, ([name, direction]) => ({ name, direction })),
  conversations: [...conversations.values()],
});

function furtherOf(theirs, mine) {
  if (!mine || mine.last_number <= theirs.last_number) return theirs;
  const { last_number, last_message } = mine;
  const read_number = Math.max(mine.read_number, theirs.read_number);
  return { ...theirs, last_number, last_message, read_number, unread: Math.max(0, last_number - read_number) };
}

/** An event of the feed; types from a future server are ignored. */
export function withEvent(state, event) {
  return events[event.type]?.(state, event) ?? state;
}

const events = {
  message: (state, { message }) => noticeGap(withMessage(state, message), message.conversation),
  read: (state, { conversation, read_number: number }) => withRead(state, conversation, number),
  friend: (state, event) => relations[event.state]?.(withoutRelation(state, event.name), event) ?? state,
  presence: (state, { name, online }) =>
    state.friends.has(name)
      ? { ...state, friends: set(state.friends, name, { ...state.friends.get(name), online }) }
      : state,
};

/** What a `friend` event does to a state in which the relation has been undone. */
const relations = {
  friend(state, { name, online = false, conversation }) {
    const known = state.conversations.get(conversation) ?? {
      id: conversation, kind: "direct", with: name, last_number: 0, read_number: 0, unread: 0, last_message: null,
    };
    return {
      ...state,
      friends: set(state.friends, name, { name, online, conversation }),
      conversations: set(state.conversations, conversation, { ...known, open: true }),
    };
  },
  incoming: (state, { name }) => ({ ...state, requests: set(state.requests, name, "incoming") }),
  outgoing: (state, { name }) => ({ ...state, requests: set(state.requests, name, "outgoing") }),
  none: (state) => state,
};

function withoutRelation(state, name) {
  const conversations = new Map(state.conversations);
  for (const [id, one] of conversations) {
    if (one.with === name && one.open) conversations.set(id, { ...one, open: false });
  }
  return {
    ...state,
    friends: unset(state.friends, name),
    requests: unset(state.requests, name),
    conversations,
  };
}

/** A stored message, from the feed or as the answer to a send. */
export function withMessage(state, message) {
  const id = message.conversation;
  const known = state.conversations.get(id);
  if (!known) return state;
  let next = state;
  if (message.number > known.last_number) {
    const own = message.from === state.me;
    const newest = { ...known, last_number: message.number, last_message: message };
    next = withConversation(next, own ? { ...newest, read_number: message.number } : newest);
  }
  const thread = state.threads.get(id);
  if (!thread || thread.messages.some((one) => one.number === message.number)) return next;
  const messages = byNumber([...thread.messages, message]);
  return { ...next, threads: set(next.threads, id, { ...thread, messages }) };
}

/** The feed is in order: if there is a hole once it has brought a message, something was missed. */
function noticeGap(state, id) {
  const thread = state.threads.get(id);
  if (!thread || thread.stale || isWhole(thread)) return state;
  return { ...state, threads: set(state.threads, id, { ...thread, stale: true }) };
}

export function isWhole({ messages, more }) {
  if (messages.length === 0) return true;
  const [first, last] = [messages[0].number, messages.at(-1).number];
  return last - first + 1 === messages.length && (more || first === 1);
}

/** A page of history, joined to what is loaded where the two meet, and replacing it where not. */
export function withPage(state, id, page) {
  const old = state.threads.get(id) ?? { messages: [], more: false };
  const joined = new Map([...old.messages, ...page.messages].map((one) => [one.number, one]));
  const all = byNumber([...joined.values()]);
  const pageFirst = page.messages[0]?.number ?? all[0]?.number;
  let start = all.findIndex((one) => one.number === pageFirst);
  while (start > 0 && all[start - 1].number === all[start].number - 1) start -= 1;
  const messages = all.slice(Math.max(start, 0));
  const more = messages[0]?.number === pageFirst ? page.more : old.more;
  return { ...state, threads: set(state.threads, id, { messages, more, stale: false }) };
}

/** Lets go of all but the newest `keep` messages of a thread; they can be loaded again. */
export function withTrimmed(state, id, keep) {
  const thread = state.threads.get(id);
  if (!thread || thread.messages.length <= keep) return state;
  const trimmed = { ...thread, messages: thread.messages.slice(-keep), more: true };
  return { ...state, threads: set(state.threads, id, trimmed) };
}

/** Read marks only ever move forward. */
export function withRead(state, id, number) {
  const known = state.conversations.get(id);
  if (!known || number <= known.read_number) return state;
  return withConversation(state, { ...known, read_number: number });
}

function withConversation(state, conversation) {
  const unread = Math.max(0, conversation.last_number - conversation.read_number);
  return { ...state, conversations: set(state.conversations, conversation.id, { ...conversation, unread }) };
}

export const unreadTotal = ({ conversations }) =>
  [...conversations.values()].reduce((total, one) => total + one.unread, 0);

export const conversationWith = ({ conversations }, name) =>
  [...conversations.values()].find((one) => one.with === name) ?? null;

const byNumber = (messages) => messages.sort((one, other) => one.number - other.number);
const set = (map, key, value) => new Map(map).set(key, value);

function unset(map, key) {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
