/**
 * "A live tab uses this slot", told between tabs. Both classes have the same three methods; a tab
 * holds one slot at most.
 */

import { readJson, writeJson } from "./storage.js";

const PREFIX = "webchat.live.";
const BEAT_MS = 2_000;
/** Browsers wake the timers of a hidden tab only once a minute; a closed tab says so itself. */
const STALE_MS = 75_000;

/** Web Locks: the browser frees a lock with its tab, however that ends. */
class WebLocks {
  #slot = null;
  #letGo = () => {};

  /** Holds the slot, or waits for it in the background: a duplicated tab inherits it in the end. */
  hold(slot) {
    if (slot !== this.#slot) this.#request(slot, {});
  }

  /** Takes the slot unless another tab has it. */
  async tryHold(slot) {
    return slot === this.#slot || this.#request(slot, { ifAvailable: true });
  }

  release() {
    this.#letGo();
    this.#slot = null;
  }

  #request(slot, options) {
    this.release();
    const until = new Promise((resolve) => (this.#letGo = resolve));
    const letGo = this.#letGo;
    this.#slot = slot;
    return new Promise((resolve) => {
      navigator.locks
        .request(PREFIX + slot, options, (lock) => {
          resolve(lock !== null);
          if (lock) return until;
          if (this.#letGo === letGo) this.#slot = null;
          return undefined;
        })
        .catch(() => resolve(false));
    });
  }
}

/** Plain http on another host has no Web Locks: a heartbeat in localStorage has to do. */
class Heartbeats {
  #slot = null;
  #me = Math.random().toString(36).slice(2);

  constructor() {
    setInterval(() => this.#beat(), BEAT_MS);
    addEventListener("pagehide", () => this.#erase());
    addEventListener("pageshow", () => this.#beat());
  }

  hold(slot) {
    this.release();
    this.#slot = slot;
    this.#beat();
  }

  async tryHold(slot) {
    const { tab, at } = readJson(localStorage, PREFIX + slot, { at: 0 });
    if (tab !== this.#me && Date.now() - at < STALE_MS) return false;
    this.hold(slot);
    return true;
  }

  release() {
    this.#erase();
    this.#slot = null;
  }

  #beat() {
    if (this.#slot) writeJson(localStorage, PREFIX + this.#slot, { tab: this.#me, at: Date.now() });
  }

  #erase() {
    const mine = readJson(localStorage, PREFIX + this.#slot, {}).tab === this.#me;
    if (this.#slot && mine) writeJson(localStorage, PREFIX + this.#slot, undefined);
  }
}

export const slotLocks = () => (navigator.locks ? new WebLocks() : new Heartbeats());
