import { withPage, withTime, withTrimmed } from "/static/js/conversations.js";
import { conversationWith, initialState, snapshotOf, unreadTotal, withEvent, withSnapshot } from "/static/js/state.js";
import { equal, ok } from "./assert.js";

const TALK = 7;
const said = (number, more = {}) => ({
  id: 100 + number, conversation: TALK, number, from: "bob", text: `text ${number}`, sent_at: "2026-01-01T00:00:00Z",
  client_id: `c${number}`, ...more,
});
const line = (more = {}) => ({
  id: TALK, kind: "direct", with: "bob", open: true, last_number: 0, read_number: 0, unread: 0, last_message: null,
  ...more,
});
const SNAPSHOT = {
  cursor: "c", me: { name: "ada" }, requests: [{ name: "eve", direction: "incoming", note: "hi" }], blocked: ["mallory"],
  friends: [{ name: "bob", online: true, conversation: TALK }], conversations: [line()],
};
const start = (more = {}) => withSnapshot(initialState("ada"), { ...SNAPSHOT, ...more });
const after = (state, ...events) => events.reduce((one, event) => withEvent(one, event, 1000), state);
const message = (number, more) => ({ type: "message", message: said(number, more) });
const numbers = (state) => state.threads.get(TALK).messages.map((one) => one.number);
const talk = (state) => state.conversations.get(TALK);
const page = (first, last, more = {}) => ({
  messages: Array.from({ length: last - first + 1 }, (_, at) => said(first + at)), more: first > 1, ...more,
});

export function everyEventAppliedTwiceChangesNothing() {
  const events = [
    message(1), message(2, { from: "ada" }), { type: "changed", message: said(1, { revision: 1, text: "better" }) },
    { type: "read", conversation: TALK, read_number: 1, back: true },
    { type: "receipt", conversation: TALK, delivered: 2, read: 1 },
    { type: "conversation", conversation: line({ id: 8, kind: "group", name: "us", role: "owner", members: 2 }) },
    { type: "left", conversation: 8 }, { type: "friend", name: "eve", state: "friend", online: true, conversation: 9 },
    { type: "profile", name: "bob", display_name: "Bob", status: "", avatar: "" },
    { type: "me", me: { name: "ada", invisible: true } }, { type: "blocked", name: "mallory", blocked: false },
    { type: "presence", name: "bob", online: false }, { type: "typing", conversation: TALK, name: "bob" },
    { type: "gone" }, { type: "from the future" },
  ];
  let state = withPage(start(), TALK, { messages: [], more: false });
  for (const event of events) {
    state = withEvent(state, event, 1000);
    equal(withEvent(state, event, 1000), state, event.type);
  }
}

export function theStateIsItsOwnSnapshot() {
  const state = after(start(), message(1), { type: "me", me: { name: "ada", status: "here" } });
  equal(withSnapshot(initialState("ada"), snapshotOf(state)), state);
}

export function aSnapshotOfAnotherTabTakesNothingBack() {
  const ahead = after(start(), message(1), message(2, { from: "ada" }));
  const state = withSnapshot(ahead, { ...SNAPSHOT, conversations: [line({ last_number: 1, last_message: said(1) })] },
    { fresh: false });
  equal([talk(state).last_number, talk(state).unread, talk(state).last_message.number], [2, 0, 2]);
  equal(talk(withSnapshot(ahead, SNAPSHOT)).last_number, 0, "the server has the last word");
}

export function theHigherRevisionWins() {
  let state = after(withPage(start(), TALK, page(1, 2)), message(1), message(2));
  state = after(state, { type: "changed", message: said(2, { revision: 2, text: "second" }) });
  state = after(state, { type: "changed", message: said(2, { revision: 1, text: "first" }) }, message(2));
  state = withPage(state, TALK, page(1, 2));
  equal(state.threads.get(TALK).messages[1].text, "second");
  equal(talk(state).last_message.text, "second", "and in the list");
}

export function readMarksGoBackOnlyWhereOneSaysSo() {
  const state = after(start(), message(1), message(2, { mentions: ["ada"] }));
  equal([talk(state).unread, talk(state).mentioned], [2, true]);
  const read = after(state, { type: "read", conversation: TALK, read_number: 2 });
  equal([talk(read).unread, talk(read).mentioned], [0, undefined]);
  equal(after(read, { type: "read", conversation: TALK, read_number: 1 }), read);
  const back = after(read, { type: "read", conversation: TALK, read_number: 1, back: true });
  equal([talk(back).unread, unreadTotal(back)], [1, 1]);
}

export function receiptsNeverGoBack() {
  const state = after(start(), { type: "receipt", conversation: TALK, delivered: 3, read: 2 });
  const later = after(state, { type: "receipt", conversation: TALK, delivered: 2, read: 1 });
  equal([talk(later).delivered, talk(later).read], [3, 2]);
}

export function typingEndsWithTheMessageOrByItself() {
  const typing = after(start(), { type: "typing", conversation: TALK, name: "bob" });
  equal([...typing.typing.get(TALK).keys()], ["bob"]);
  equal(after(typing, message(1)).typing.size, 0);
  equal(withTime(typing, 6999), typing);
  equal(withTime(typing, 7000).typing.size, 0);
  equal(after(start(), { type: "typing", conversation: TALK, name: "ada" }).typing.size, 0, "one's own is no news");
}

export function whoIsNoMemberAnyMoreForgetsAll() {
  const state = after(withPage(start(), TALK, page(1, 1)), { type: "typing", conversation: TALK, name: "bob" });
  const left = after(state, { type: "left", conversation: TALK });
  equal([left.conversations.size, left.threads.size, left.typing.size], [0, 0, 0]);
  equal(after(left, message(2)), left, "and hears no more of it");
}

export function peopleShowWhatTheyWant() {
  const shown = { type: "profile", name: "bob", display_name: "Bob", status: "away", avatar: "v1" };
  let state = after(start(), shown);
  equal(state.friends.get("bob"),
    { name: "bob", online: true, conversation: TALK, display_name: "Bob", status: "away", avatar: "v1" });
  state = after(state, { ...shown, display_name: "", status: "", avatar: "" });
  equal(state.friends.get("bob"), { name: "bob", online: true, conversation: TALK });
  state = after(state, { type: "friend", name: "bob", state: "none" }, { type: "friend", name: "zoe", state: "outgoing" });
  equal([talk(state).open, state.requests.get("zoe")], [false, { name: "zoe", direction: "outgoing" }]);
  equal(conversationWith(state, "bob").id, TALK);
  equal([...after(state, { type: "blocked", name: "eve", blocked: true }).blocked], ["mallory", "eve"]);
}

export function aHoleMakesAThreadStale() {
  const state = after(withPage(start(), TALK, page(1, 2)), message(4));
  ok(state.threads.get(TALK).stale, "3 is missing");
  const mended = withPage(state, TALK, page(2, 4));
  equal([numbers(mended), mended.threads.get(TALK).stale], [[1, 2, 3, 4], false]);
}

export function whatIsSaidWhileAPageIsReadIsMissed() {
  const state = withPage(after(start(), message(3)), TALK, page(1, 2));
  ok(state.threads.get(TALK).stale, "3 was said meanwhile");
}

export function aPageJoinsWhereItMeetsAndReplacesWhereNot() {
  const newest = withPage(start({ conversations: [line({ last_number: 90 })] }), TALK, page(81, 90));
  equal(numbers(withPage(newest, TALK, page(76, 80), { before: 181 })).at(0), 76);
  const past = withPage(newest, TALK, page(10, 20, { newer: true }), { around: 115 });
  const { more, newer, stale } = past.threads.get(TALK);
  equal([numbers(past).length, more, newer, stale], [11, true, true, false]);
  equal(after(past, message(91)).threads, past.threads, "what is said meanwhile is not in view");
  ok(!after(past, message(91)).threads.get(TALK).stale, "and nothing is missed");
  const down = withPage(past, TALK, page(21, 90), { after: 120 });
  equal([numbers(down).length, down.threads.get(TALK).newer], [81, false]);
  const end = withPage(past, TALK, { messages: [], more: true }, { after: 120 });
  equal(end.threads.get(TALK).newer, false);
}

export function afterALossWhatIsLoadedIsLoadedAgain() {
  const state = withPage(start({ conversations: [line({ last_number: 4 })] }), TALK, page(1, 4));
  const again = withSnapshot(state, { ...SNAPSHOT, conversations: [line({ last_number: 4 })] });
  equal([numbers(again), again.threads.get(TALK).stale], [[1, 2, 3, 4], true], "and shown until then");
  equal(numbers(withPage(again, TALK, page(3, 4))), [3, 4]);
  const restored = withSnapshot(state, { ...SNAPSHOT, conversations: [line({ last_number: 2 })] });
  equal(restored.threads.size, 0, "the server went back: this is not its history");
}

export function aThreadIsTrimmedFromTheOldEnd() {
  const state = withTrimmed(withPage(start({ conversations: [line({ last_number: 9 })] }), TALK, page(1, 9)), TALK, 4);
  equal([numbers(state), state.threads.get(TALK).more], [[6, 7, 8, 9], true]);
}
