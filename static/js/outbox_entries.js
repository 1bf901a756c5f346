/**
 * The unsent messages of one account, in localStorage: they outlive a reload, a closed tab and the end of a session,
 * and all tabs of the account see the same. Kept under the person's name: never can one person's words leave in
 * another's session. Each entry has a key of its own, so that two tabs never write over each other's.
 *
 * Fires `change` when another tab has changed something.
 */

import { readJson, writeJson } from "./storage.js";

export class OutboxEntries extends EventTarget {
  #storage;
  #prefix;
  #entries = [];
  /** What found no room in the storage, by client id: this tab alone knows it. */
  #unwritten = new Set();
  #listening = new AbortController();

  constructor(me, storage = localStorage) {
    super();
    this.#storage = storage;
    this.#prefix = `webchat.outbox.${me.toLowerCase()}.`;
    this.#read();
    const hear = ({ key }) => (key === null || key.startsWith(this.#prefix)) && this.#refresh();
    addEventListener("storage", hear, { signal: this.#listening.signal });
  }

  /** The oldest first. */
  get all() {
    return this.#entries;
  }

  stop() {
    this.#listening.abort();
  }

  put(entry) {
    const written = writeJson(this.#storage, this.#prefix + entry.client_id, entry);
    this.#unwritten[written ? "delete" : "add"](entry.client_id);
    const others = this.#entries.filter((one) => one.client_id !== entry.client_id);
    this.#entries = inOrder([...others, entry]);
  }

  remove(clientId) {
    const rest = this.#entries.filter((one) => one.client_id !== clientId);
    if (rest.length === this.#entries.length) return false;
    writeJson(this.#storage, this.#prefix + clientId, undefined);
    this.#unwritten.delete(clientId);
    this.#entries = rest;
    return true;
  }

  #refresh() {
    this.#read();
    this.dispatchEvent(new Event("change"));
  }

  #read() {
    const keys = Object.keys(this.#storage).filter((key) => key.startsWith(this.#prefix));
    const stored = keys.map((key) => readJson(this.#storage, key, null)).filter(Boolean);
    this.#entries = inOrder([...stored, ...this.#entries.filter((one) => this.#unwritten.has(one.client_id))]);
  }
}

/** By the time when they were written, and in one tab by the order in which. */
const inOrder = (entries) =>
  entries.sort((one, other) => one.created_at.localeCompare(other.created_at) || one.order - other.order);
