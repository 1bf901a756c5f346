/**
 * Messages on their way to the server.
 *
 *   pending ──stored (answer, feed or history)──▶ gone from here: it is in the thread
 *   pending ──refused (4xx)──▶ failed ──retry──▶ pending
 *                              failed ──discard──▶ gone
 *
 * An entry keeps its `client_id` through every retry and reload, so that the server stores it once.
 * One conversation's entries are sent one after another, which keeps their order. They are kept in
 * sessionStorage under the person's name: never can one person's words leave in another's session.
 *
 * Fires `sent` when the server has taken one: it can be reached.
 */

import { Problem } from "./api.js";
import { Alarm, Backoff } from "./backoff.js";
import { readJson, writeJson } from "./storage.js";

/** These say "not now": the message stays pending for as long as it takes. */
const NOT_NOW = new Set([408, 425, 429, 502, 503, 504]);
/** A server error that persists this often is about this message. */
const SERVER_ERRORS = 5;

export class Outbox extends EventTarget {
  #api;
  #store;
  #key;
  #entries;
  #busy = new Set();
  #alarms = new Set();
  #stopped = false;

  constructor({ api, store, me, storage = sessionStorage }) {
    super();
    this.#api = api;
    this.#store = store;
    this.storage = storage;
    this.#key = `webchat.outbox.${me.toLowerCase()}`;
    this.#entries = readJson(storage, this.#key, []);
    store.addEventListener("stored", ({ detail: message }) => {
      if (message.from === store.state.me) this.#remove(message.client_id);
    });
  }

  /** `{client_id, conversation, text, created_at, state: "pending" | "failed", reason?}`, oldest first. */
  of(conversation) {
    return this.#entries.filter((entry) => entry.conversation === conversation);
  }

  get pending() {
    return this.#entries.filter((entry) => entry.state === "pending").length;
  }

  /** Sends whatever is left from before a reload. */
  start() {
    for (const { conversation } of this.#entries) this.#drain(conversation);
  }

  stop() {
    this.#stopped = true;
    this.wake();
  }

  /** The line is up again: no need to wait any longer. */
  wake() {
    this.#alarms.forEach((alarm) => alarm.ring());
  }

  add(conversation, text) {
    const created = new Date().toISOString();
    this.#push({ client_id: randomId(), conversation, text, created_at: created, state: "pending" });
  }

  /** Tries a failed one again, as the last in its conversation. */
  retry(clientId) {
    const entry = this.#entries.find((one) => one.client_id === clientId);
    if (!entry) return;
    // The server holds another message under this id: only a new id can ever succeed.
    const id = entry.code === "client_id_reused" ? randomId() : clientId;
    this.#entries = this.#entries.filter((one) => one !== entry);
    const { conversation, text, created_at } = entry;
    this.#push({ client_id: id, conversation, text, created_at, state: "pending" });
  }

  discard(clientId) {
    this.#remove(clientId);
  }

  clear() {
    this.#entries = [];
    this.#save();
  }

  #push(entry) {
    this.#entries = [...this.#entries, entry];
    this.#save();
    this.#drain(entry.conversation);
  }

  #remove(clientId) {
    const rest = this.#entries.filter((entry) => entry.client_id !== clientId);
    if (rest.length === this.#entries.length) return;
    this.#entries = rest;
    this.#save();
  }

  #save() {
    writeJson(this.storage, this.#key, this.#entries);
    this.#store.touch();
  }

  /** Sends one conversation's pending entries in order, one at a time. */
  async #drain(conversation) {
    if (this.#busy.has(conversation)) return;
    this.#busy.add(conversation);
    const alarm = new Alarm();
    this.#alarms.add(alarm);
    try {
      for (let entry; !this.#stopped && (entry = this.#head(conversation)); ) {
        await this.#deliver(entry, alarm);
      }
    } finally {
      this.#alarms.delete(alarm);
      this.#busy.delete(conversation);
    }
  }

  #head(conversation) {
    return this.of(conversation).find((entry) => entry.state === "pending");
  }

  async #deliver(entry, alarm) {
    const backoff = new Backoff();
    let serverErrors = 0;
    while (!this.#stopped && this.#head(entry.conversation) === entry) {
      try {
        const { message } = await this.#api.send(entry.conversation, entry.text, entry.client_id);
        this.dispatchEvent(new Event("sent"));
        if (!this.#stopped) this.#store.applyMessage(message);
        // Should the answer speak of another id, the entry must not be sent for ever.
        this.#remove(entry.client_id);
        return;
      } catch (error) {
        const status = error instanceof Problem ? error.status : 0;
        if (status === 401) return this.stop();
        if (status >= 500 && !NOT_NOW.has(status)) serverErrors += 1;
        if ((status >= 400 && status < 500 && !NOT_NOW.has(status)) || serverErrors >= SERVER_ERRORS) {
          return this.#fail(entry, error);
        }
        if (!this.#stopped) await alarm.sleep(backoff.next(error.retryAfter));
      }
    }
  }

  #fail(entry, { code, message: reason }) {
    const failed = { ...entry, state: "failed", reason, code };
    this.#entries = this.#entries.map((one) => (one === entry ? failed : one));
    this.#save();
  }
}

/** 32 hex digits; crypto.randomUUID exists on https and localhost only. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
