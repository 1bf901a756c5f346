/**
 * What the client knows, and how each thing that arrives changes it: pure functions from a state to
 * the next one, no I/O. Numbers decide everything, so applying a thing twice changes nothing.
 *
 *   state = {
 *     ready,          whether a snapshot has been seen
 *     me,             one's own name
 *     profile:        oneself: {name, display_name?, status?, avatar?, invisible?, …}
 *     friends:        Map name → {name, online, conversation, display_name?, status?, avatar?}
 *     requests:       Map name → {name, direction: "incoming" | "outgoing", note?}
 *     blocked:        Set of names
 *     conversations:  Map id → {id, kind, with, name?, role?, members?, open, last_number, read_number, unread,
 *                     mentioned?, muted?, delivered?, read?, last_message}
 *     threads:        Map id → the loaded part of a conversation (threads.js)
 *     typing:         Map id → Map name → until when (ms)
 *   }
 */

import {
  furtherOf, noticeGap, withChanged, withLine, withMessage, withoutConversation, withRead, withReceipt, withTyping,
} from "./conversations.js";
import { withBlocked, withFriend, withPresence, withProfile } from "./relations.js";

export const initialState = (me) => ({
  ready: false,
  me,
  profile: { name: me },
  friends: new Map(),
  requests: new Map(),
  blocked: new Set(),
  conversations: new Map(),
  threads: new Map(),
  typing: new Map(),
});

/**
 * The whole state anew from `GET /api/state`; what is loaded of the conversations stays, but must be loaded again. A
 * snapshot that is not `fresh` is another tab's state: what this tab knows beyond it is kept, where a fresh one has the
 * last word.
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
    if (known && last <= known.last_number) threads.set(id, { ...thread, stale: true, unsure: true });
  }
  return {
    ready: true,
    me: snapshot.me.name,
    profile: snapshot.me,
    friends: new Map(snapshot.friends.map((one) => [one.name, one])),
    requests: new Map(snapshot.requests.map((one) => [one.name, one])),
    blocked: new Set(snapshot.blocked),
    conversations,
    threads,
    typing: new Map(),
  };
}

/** The snapshot that would make this state, for another tab. */
export const snapshotOf = ({ profile, friends, requests, blocked, conversations }) => ({
  me: profile,
  friends: [...friends.values()],
  requests: [...requests.values()],
  blocked: [...blocked],
  conversations: [...conversations.values()],
});

/** An event of the feed; types from a future server are ignored. `now`: milliseconds, for what ends by itself. */
export function withEvent(state, event, now) {
  return events[event.type]?.(state, event, now) ?? state;
}

const events = {
  message: (state, { message }) => noticeGap(withMessage(state, message), message.conversation),
  changed: (state, { message }) => withChanged(state, message),
  read: (state, { conversation, read_number: number, back }) => withRead(state, conversation, number, back),
  receipt: withReceipt,
  conversation: (state, { conversation }) => withLine(state, conversation),
  left: (state, { conversation }) => withoutConversation(state, conversation),
  typing: (state, { conversation, name }, now) => withTyping(state, conversation, name, now),
  friend: withFriend,
  presence: withPresence,
  profile: withProfile,
  blocked: withBlocked,
  me: (state, { me }) => ({ ...state, profile: me }),
};

/** What of a conversation calls for somebody: of a muted one, only that one is named in it. */
export const calling = ({ muted, mentioned, unread }) => (muted ? Number(Boolean(mentioned && unread)) : unread);

export const unreadTotal = ({ conversations }) =>
  [...conversations.values()].reduce((total, one) => total + calling(one), 0);

export const conversationWith = ({ conversations }, name) =>
  [...conversations.values()].find((one) => one.with === name) ?? null;
