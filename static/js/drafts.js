/**
 * What was typed and not sent, per person talked to. Kept in sessionStorage under one's own name:
 * it survives a reload and being logged out, and is seen by nobody else.
 */

import { readJson, writeJson } from "./storage.js";

export class Drafts {
  #storage;
  #key;
  #texts;

  constructor(me, storage = sessionStorage) {
    this.#storage = storage;
    this.#key = `webchat.drafts.${me.toLowerCase()}`;
    this.#texts = readJson(storage, this.#key, {});
  }

  get(name) {
    return Object.hasOwn(this.#texts, name) ? this.#texts[name] : "";
  }

  set(name, text) {
    if (text) this.#texts[name] = text;
    else delete this.#texts[name];
    writeJson(this.#storage, this.#key, this.#texts);
  }

  clear() {
    this.#texts = {};
    writeJson(this.#storage, this.#key, this.#texts);
  }
}
