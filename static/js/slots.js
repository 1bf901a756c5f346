/**
 * Which of this browser's sessions the tab speaks for.
 *
 * Two tabs of one browser share all cookies, so every session has a *slot*, which names its cookie.
 * The tab's slot stands in sessionStorage (it survives a reload); the accounts that this browser
 * knows, `[{slot, name}]` with the latest first, stand in localStorage. A live tab holds a lock on
 * its slot, so that a new tab can take up the account that no other tab is using.
 */

import { readJson, writeJson } from "./storage.js";

const TAB_KEY = "webchat.slot";
const ACCOUNTS_KEY = "webchat.accounts";

export class Slots {
  #locks;
  #tab;
  #browser;

  constructor({ locks, tab = sessionStorage, browser = localStorage }) {
    this.#locks = locks;
    this.#tab = tab;
    this.#browser = browser;
  }

  /** The accounts known in this browser, each name once, the latest first. */
  accounts() {
    const known = readJson(this.#browser, ACCOUNTS_KEY, []);
    return known.filter((one, at) => known.findIndex((other) => other.name === one.name) === at);
  }

  /** What this tab had before a reload, or else a known account that no live tab uses, or null. */
  async resume() {
    const mine = readJson(this.#tab, TAB_KEY, null);
    const account = this.#known().find(({ slot }) => slot === mine);
    if (account) {
      this.#locks.hold(account.slot);
      return account;
    }
    for (const candidate of this.accounts()) {
      if (await this.#locks.tryHold(candidate.slot)) {
        writeJson(this.#tab, TAB_KEY, candidate.slot);
        return candidate;
      }
    }
    return null;
  }

  /** The slot to log in with: the person's old one where no live tab uses it, or else a new one. */
  async forLogin(name) {
    const old = this.#known().find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (old && (await this.#locks.tryHold(old.slot))) return old.slot;
    const random = crypto.getRandomValues(new Uint8Array(12));
    return Array.from(random, (byte) => (byte % 36).toString(36)).join("");
  }

  /** Binds this tab to a session and remembers it for the browser's other tabs to come. */
  adopt({ slot, name }) {
    this.#locks.hold(slot);
    writeJson(this.#tab, TAB_KEY, slot);
    this.#remember([{ slot, name }, ...this.#known().filter((one) => one.slot !== slot)]);
  }

  /** The session of this tab is over. */
  forget(slot) {
    this.#locks.release();
    writeJson(this.#tab, TAB_KEY, undefined);
    this.#remember(this.#known().filter((one) => one.slot !== slot));
  }

  /** Lets go of a slot that was tried but not adopted. */
  release() {
    this.#locks.release();
  }

  #known() {
    return readJson(this.#browser, ACCOUNTS_KEY, []);
  }

  #remember(accounts) {
    writeJson(this.#browser, ACCOUNTS_KEY, accounts);
  }
}
