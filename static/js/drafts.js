/**
 * What was typed and not sent, per person talked to. Kept in localStorage under one's own name: it survives a reload, a
 * closed tab and the end of a session, and the account's other tabs know it too. Logging out clears it.
 */

import { readJson, writeJson } from "./storage.js";

export class Drafts {
  #storage;
  #key;
  #texts;
  #listening = new AbortController();

  constructor(me, storage = localStorage) {
    this.#storage = storage;
    this.#key = `webchat.drafts.${me.toLowerCase()}`;
    this.#read();
    const hear = ({ key }) => (key === null || key === this.#key) && this.#read();
    addEventListener("storage", hear, { signal: this.#listening.signal });
  }

  get(name) {
    return Object.hasOwn(this.#texts, name) ? this.#texts[name] : "";
  }

  set(name, text) {
    if (text) this.#texts[name] = text;
    else delete this.#texts[name];
    writeJson(this.#storage, this.#key, this.#texts);
  }

  stop() {
    this.#listening.abort();
  }

  clear() {
    this.#texts = {};
    writeJson(this.#storage, this.#key, this.#texts);
  }

  #read() {
    this.#texts = readJson(this.#storage, this.#key, {});
  }
}
