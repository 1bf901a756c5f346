/**
 * The one place where state lives. Everything that arrives goes through here (the rules are in
 * state.js); views listen and draw.
 *
 * Fires `change` (once per task, however much changed), `stored` with every message that the server
 * is known to hold, and `lost` when an event speaks of something that the snapshot did not have.
 */

import {
  initialState, withEvent, withMessage, withPage, withRead, withSnapshot, withTrimmed,
} from "./state.js";

export class Store extends EventTarget {
  #state;
  #announced = false;

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
      this.#set(withEvent(this.#state, event));
      if (event.type !== "message") continue;
      const unknown = !this.#state.conversations.has(event.message.conversation);
      if (unknown) this.dispatchEvent(new Event("lost"));
      this.#stored(event.message);
    }
  }

  applyMessage(message) {
    this.#set(withMessage(this.#state, message));
    this.#stored(message);
  }

  applyPage(conversation, page) {
    this.#set(withPage(this.#state, conversation, page));
    page.messages.forEach((message) => this.#stored(message));
  }

  applyRead(conversation, number) {
    this.#set(withRead(this.#state, conversation, number));
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

  #set(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.touch();
  }

  #stored(message) {
    this.dispatchEvent(new CustomEvent("stored", { detail: message }));
  }
}
