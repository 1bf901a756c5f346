/**
 * Which of this browser's sessions the tab speaks for.
 *
 * All tabs of one browser share their cookies, so every session has a *slot*, which names its cookie. The tab's slot
 * stands in sessionStorage (it survives a reload); the accounts that this browser knows, `[{slot, name, over?}]` with
 * the latest first, stand in localStorage. `over`: the session has ended by itself; who logs in again under that name
 * gets the same slot, and the other tabs that speak for it go on.
 *
 * A new tab opens in the account that was taken up last. Fires `change` when another tab has changed the list.
 */

import { readJson, writeJson } from "./storage.js";

const TAB_KEY = "webchat.slot";
const ACCOUNTS_KEY = "webchat.accounts";
/** In the place of a slot: this tab is to log in, whoever else is there. */
const NOBODY = "";

export class Slots extends EventTarget {
  #tab;
  #browser;

  constructor({ tab = sessionStorage, browser = localStorage } = {}) {
    super();
    this.#tab = tab;
    this.#browser = browser;
    const hear = ({ key }) => key === ACCOUNTS_KEY && this.dispatchEvent(new Event("change"));
    globalThis.addEventListener("storage", hear);
  }

  /** The accounts one may go on as in this browser, each name once, the latest first. */
  accounts() {
    const live = this.#known().filter(({ over }) => !over);
    return live.filter((one, at) => live.findIndex((other) => other.name === one.name) === at);
  }

  /** The account of this tab: what it had before a reload, in a new tab the latest; or null. */
  resume() {
    const isNew = readJson(this.#tab, TAB_KEY, null) === null;
    return isNew ? (this.accounts()[0] ?? null) : this.awaited();
  }

  /** The account that this tab spoke for until its session ended, if another tab has logged in to it again. */
  awaited() {
    const mine = readJson(this.#tab, TAB_KEY, null);
    return this.accounts().find(({ slot }) => slot === mine) ?? null;
  }

  /** The slot to log in with: the one that this browser has for the person, or else a new one. */
  forLogin(name) {
    const old = this.#known().find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (old) return old.slot;
    const random = crypto.getRandomValues(new Uint8Array(12));
    return Array.from(random, (byte) => (byte % 36).toString(36)).join("");
  }

  /** Binds this tab to a session and remembers it for the browser's other tabs. */
  adopt({ slot, name }) {
    writeJson(this.#tab, TAB_KEY, slot);
    this.#remember([{ slot, name }, ...this.#without(slot)]);
  }

  /** The account in this slot, taken up by this tab; or null if it is gone. */
  switchTo(slot) {
    const account = this.accounts().find((one) => one.slot === slot) ?? null;
    if (account) this.adopt(account);
    return account;
  }

  /** This tab is about to log in as somebody else; the account that it had goes on in other tabs. */
  addAccount() {
    writeJson(this.#tab, TAB_KEY, NOBODY);
  }

  /** Logged out: nothing is left of it. */
  forget(slot) {
    this.addAccount();
    this.#remember(this.#without(slot));
  }

  /** The session has ended by itself; this tab waits for the person's next login. */
  expire({ slot, name }) {
    this.#remember([...this.#without(slot), { slot, name, over: true }]);
  }

  #without(slot) {
    return this.#known().filter((one) => one.slot !== slot);
  }

  #known() {
    return readJson(this.#browser, ACCOUNTS_KEY, []);
  }

  #remember(accounts) {
    writeJson(this.#browser, ACCOUNTS_KEY, accounts);
  }
}
