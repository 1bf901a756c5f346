/** Friends, requests, blocks and what people show of themselves: pure functions from a state to the next one. */

import { set, unset } from "./maps.js";

/** What somebody shows of themselves, as it stands in every shape that speaks of a person. */
const SHOWN = ["display_name", "status", "avatar"];

const shownBy = (person) => Object.fromEntries(SHOWN.map((key) => [key, person[key]]).filter(([, value]) => value));

/** Any relation that there was is undone first; "none" is nothing more. */
export function withFriend(state, event) {
  const { name, note } = event;
  const without = withoutRelation(state, name);
  if (event.state === "friend") return withFriendship(without, event);
  if (event.state === "none") return without;
  const request = { name, direction: event.state, ...(note ? { note } : {}) };
  return { ...without, requests: set(without.requests, name, request) };
}

function withFriendship(state, event) {
  const { name, online = false, conversation } = event;
  const known = state.conversations.get(conversation) ?? {
    id: conversation, kind: "direct", with: name, last_number: 0, read_number: 0, unread: 0, last_message: null,
  };
  return {
    ...state,
    friends: set(state.friends, name, { name, online, conversation, ...shownBy(event) }),
    conversations: set(state.conversations, conversation, { ...known, open: true }),
  };
}

function withoutRelation(state, name) {
  const conversations = new Map(state.conversations);
  for (const [id, one] of conversations) {
    if (one.with === name && one.open) conversations.set(id, { ...one, open: false });
  }
  return { ...state, friends: unset(state.friends, name), requests: unset(state.requests, name), conversations };
}

export const withPresence = (state, { name, online }) => withPerson(state, name, (friend) => ({ ...friend, online }));

/** A friend's profile; what is empty is not shown. */
export const withProfile = (state, profile) =>
  withPerson(state, profile.name, ({ name, online, conversation }) => ({
    name, online, conversation, ...shownBy(profile),
  }));

function withPerson(state, name, change) {
  const friend = state.friends.get(name);
  return friend ? { ...state, friends: set(state.friends, name, change(friend)) } : state;
}

export function withBlocked(state, { name, blocked }) {
  const names = new Set(state.blocked);
  names[blocked ? "add" : "delete"](name);
  return { ...state, blocked: names };
}
