/**
 * Messages on their way to the server.
 *
 *   pending ──stored (answer, feed or history)──▶ gone from here: it is in the thread
 *   pending ──refused (4xx)──▶ failed ──retry──▶ pending
 *                              failed ──discard──▶ gone
 *
 * An entry keeps its `client_id` through every retry, reload and tab, so that the server stores it once. One
 * conversation's entries are sent one after another, which keeps their order. All tabs of an account share them
 * (outbox_entries.js); with Web Locks one tab at a time sends, and where its tab ends another one takes over. Without,
 * the tab in which they were written does, and the leading one what stays behind: twice is harmless.
 *
 * Fires `sent` with the stored message when the server has taken one: it can be reached, and the other tabs are to know.
 */

import { isFinal, isServerError } from "./api.js";
import { Alarm, Backoff } from "./backoff.js";
import { wording } from "./i18n.js";
import { randomId } from "./random.js";

/** A server error that persists this often is about this message. */
const SERVER_ERRORS = 5;
/** What another tab has written it mostly sends itself; so this one does not stand in line at once. */
const GIVE_WAY_MS = 1_000;
/** Without Web Locks: an entry of another tab that is this old is the leader's to send. */
const LEFT_BEHIND_MS = 5_000;

export class Outbox extends EventTarget {
  #api;
  #store;
  #entries;
  #lockName;
  #leads;
  #order = 0;
  #busy = new Set();
  #alarms = new Set();
  #stopped = false;
  #giveWay;
  #ticker;

  /** `leads()`: is this the tab that does what one tab must do? */
  constructor({ api, store, entries, leads }) {
    super();
    this.#api = api;
    this.#store = store;
    this.#entries = entries;
    this.#leads = leads;
    this.#lockName = `webchat.outbox.${store.state.me.toLowerCase()}.`;
    entries.addEventListener("change", () => {
      store.touch();
      clearTimeout(this.#giveWay);
      if (navigator.locks) this.#giveWay = setTimeout(() => this.#drainAll(), GIVE_WAY_MS);
    });
    store.addEventListener("stored", ({ detail: message }) => {
      if (message.from === store.state.me) this.#remove(message.client_id);
    });
  }

  /** `{client_id, conversation, text, created_at, state: "pending" | "failed", reason?}`, oldest first. */
  of(conversation) {
    return this.#entries.all.filter((entry) => entry.conversation === conversation);
  }

  get pending() {
    return this.#entries.all.filter((entry) => entry.state === "pending").length;
  }

  /** Sends whatever is left from before a reload, or from another tab. */
  start() {
    this.#drainAll();
    if (!navigator.locks) this.#ticker = setInterval(() => this.#adopt(), LEFT_BEHIND_MS);
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#giveWay);
    clearInterval(this.#ticker);
    this.#entries.stop();
    this.wake();
  }

  /** The line is up again: no need to wait any longer. */
  wake() {
    this.#alarms.forEach((alarm) => alarm.ring());
  }

  /** `more`: whatever else the message has, such as `reply_to` or `files`. */
  add(conversation, text, more = {}) {
    this.#push({ ...more, client_id: randomId(), conversation, text, created_at: new Date().toISOString() });
  }

  /** Tries a failed one again. */
  retry(clientId) {
    const entry = this.#entries.all.find((one) => one.client_id === clientId);
    if (!entry) return;
    const { reason, code, ...again } = entry;
    this.#entries.remove(clientId);
    // The server holds another message under this id: only a new id can ever succeed.
    this.#push({ ...again, client_id: code === "client_id_reused" ? randomId() : clientId });
  }

  discard(clientId) {
    this.#remove(clientId);
  }

  clear() {
    for (const { client_id: id } of this.#entries.all) this.#remove(id);
  }

  #push(entry) {
    this.#entries.put({ ...entry, state: "pending", order: (this.#order += 1) });
    this.#store.touch();
    this.#drain(entry.conversation);
  }

  #remove(clientId) {
    if (this.#entries.remove(clientId)) this.#store.touch();
  }

  #adopt() {
    const old = Date.now() - LEFT_BEHIND_MS;
    if (this.#leads() && this.#entries.all.some(({ created_at: at }) => Date.parse(at) < old)) this.#drainAll();
  }

  #drainAll() {
    for (const { conversation, state } of this.#entries.all) if (state === "pending") this.#drain(conversation);
  }

  /** Sends one conversation's pending entries in order, one at a time. */
  async #drain(conversation) {
    if (this.#stopped || this.#busy.has(conversation)) return;
    this.#busy.add(conversation);
    const alarm = new Alarm();
    this.#alarms.add(alarm);
    const work = async () => {
      for (let entry; !this.#stopped && (entry = this.#head(conversation)); ) {
        await this.#deliver(entry, alarm);
      }
    };
    try {
      await (navigator.locks ? navigator.locks.request(this.#lockName + conversation, work) : work());
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
    while (!this.#stopped && this.#head(entry.conversation)?.client_id === entry.client_id) {
      try {
        const { message } = await this.#api.send(entry);
        this.dispatchEvent(new CustomEvent("sent", { detail: message }));
        if (!this.#stopped) this.#store.applyMessage(message);
        // Should the answer speak of another id, the entry must not be sent for ever.
        this.#remove(entry.client_id);
        return;
      } catch (error) {
        if (error.status === 401) return this.stop();
        if (isServerError(error)) serverErrors += 1;
        if (isFinal(error) || serverErrors >= SERVER_ERRORS) return this.#fail(entry, error);
        if (!this.#stopped) await alarm.sleep(backoff.next(error.retryAfter));
      }
    }
  }

  #fail(entry, error) {
    this.#entries.put({ ...entry, state: "failed", reason: wording(error), code: error.code });
    this.#store.touch();
  }
}
