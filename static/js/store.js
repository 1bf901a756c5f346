/**
 * The one place where state lives. Everything that arrives goes through here (the rules are in
 * state.js); views listen and draw.
 *
 * Fires `change` (once per task, however much changed), `stored` with every message that the server
 * is known to hold, `said` with every message that the feed brings, `unread` with a conversation's id when another device
 * has marked it unread, and `lost` when an event speaks of something that the snapshot did not have.
 */

import {
  withChanged, withLine, withMessage, withoutConversation, withPage, withRead, withTime, withTrimmed,
} from "./conversations.js";
import { initialState, withEvent, withSnapshot } from "./state.js";

/** Who types is looked over so often, while anybody does. */
const TYPING_MS = 1_000;

export class Store extends EventTarget {
  #state;
  #announced = false;
  #typing = null;

  constructor(me) {
    super();
    this.#state = initialState(me);
  }

  get state() {
    return this.#state;
  }

  /** `fresh`: from the server, not from another tab. */
  applySnapshot(snapshot, { fresh = true } = {}) {
    this.#set(withSnapshot(this.#state, snapshot, { fresh }));
    for (const { last_message: message } of snapshot.conversations) if (message) this.#stored(message);
  }

  applyEvents(events) {
    for (const event of events) {
      const before = this.#state;
      this.#set(withEvent(before, event, performance.now()));
      if (event.back && this.#state !== before) {
        this.dispatchEvent(new CustomEvent("unread", { detail: event.conversation }));
      }
      if (event.type === "typing") this.#watchTyping();
      if (event.type !== "message") continue;
      const unknown = !this.#state.conversations.has(event.message.conversation);
      if (unknown) this.dispatchEvent(new Event("lost"));
      this.#stored(event.message);
      this.dispatchEvent(new CustomEvent("said", { detail: event.message }));
    }
  }

  applyMessage(message) {
    this.#set(withMessage(this.#state, message));
    this.#stored(message);
  }

  /** The answer to an edit, a deletion or a reaction of one's own. */
  applyChanged(message) {
    this.#set(withChanged(this.#state, message));
  }

  /** The answer to a change of a group, or of how one has it. */
  applyConversation(line) {
    this.#set(withLine(this.#state, line));
  }

  applyLeft(conversation) {
    this.#set(withoutConversation(this.#state, conversation));
  }

  /** A page of history, and what was asked for: {} (the newest), {before}, {after} or {around}. */
  applyPage(conversation, page, asked) {
    this.#set(withPage(this.#state, conversation, page, asked));
    page.messages.forEach((message) => this.#stored(message));
  }

  /** `back`: marked as unread. */
  applyRead(conversation, number, { back = false } = {}) {
    this.#set(withRead(this.#state, conversation, number, back));
  }

  trim(conversation, keep) {
    this.#set(withTrimmed(this.#state, conversation, keep));
  }

  /** Lets the views draw again, for what they show beside the state (drafts, pending messages, the clock). */
  touch() {
    if (this.#announced) return;
    this.#announced = true;
    // A microtask, not an animation frame: hidden tabs have none, and their title must count on.
    queueMicrotask(() => {
      this.#announced = false;
      this.dispatchEvent(new Event("change"));
    });
  }

  #watchTyping() {
    this.#typing ??= setInterval(() => {
      this.#set(withTime(this.#state, performance.now()));
      if (this.#state.typing.size > 0) return;
      clearInterval(this.#typing);
      this.#typing = null;
    }, TYPING_MS);
  }

  #set(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.touch();
  }

  #stored(message) {
    this.dispatchEvent(new CustomEvent("stored", { detail: message }));
  }
}
