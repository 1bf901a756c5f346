/**
 * Which tab of a slot leads: one at a time, and another at once when it goes.
 *
 *   join(tab)  stand for election; `tab.won()` and `tab.lost()` are called as it goes
 *   seize()    lead now: the leader does not answer any more
 *   leave()    lead no more, and stand no more
 *
 * Two leaders for a moment are a waste, not a fault: both poll for the same account, and numbers decide.
 */

import { storageWorks } from "./channel.js";
import { randomId } from "./random.js";

const PREFIX = "webchat.leader.";
/** A tab that writes its claim looks again this much later: of several claims the last one stands. */
const SETTLE_MS = 60;

/** Web Locks: the browser passes the lock on with the end of its tab, however that ends. */
class LockElection {
  #name;
  #tab = null;
  #standing = null;
  #letGo = () => {};

  constructor(name) {
    this.#name = PREFIX + name;
  }

  join(tab) {
    this.#tab = tab;
    this.#standing = new AbortController();
    this.#request({ signal: this.#standing.signal });
  }

  seize() {
    this.#standing.abort();
    this.#request({ steal: true });
  }

  leave() {
    this.#tab = null;
    this.#standing?.abort();
    this.#letGo();
  }

  async #request(options) {
    let led = false;
    try {
      await navigator.locks.request(this.#name, options, () => {
        if (!this.#tab || options.signal?.aborted) return undefined;
        led = true;
        this.#tab.won();
        return new Promise((resolve) => (this.#letGo = resolve));
      });
    } catch {
      // Aborted while standing: leave() or seize() did it. Aborted while leading: another has seized the lock.
      if (!led || !this.#tab) return;
      const tab = this.#tab;
      tab.lost();
      this.join(tab);
    }
  }
}

/** Plain http on another host has no Web Locks: the leader's name in localStorage has to do. */
class LeaseElection {
  #key;
  #me = randomId();
  #tab = null;
  #leads = false;
  #listening = null;

  constructor(name) {
    this.#key = PREFIX + name;
  }

  join(tab) {
    this.#tab = tab;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    addEventListener("storage", ({ key, newValue }) => key === this.#key && this.#changed(newValue), { signal });
    // A tab that crashed leaves its name behind; that it does not answer shows soon enough.
    if (!localStorage.getItem(this.#key)) this.seize();
  }

  async seize() {
    localStorage.setItem(this.#key, this.#me);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    if (!this.#tab || this.#leads || localStorage.getItem(this.#key) !== this.#me) return;
    this.#leads = true;
    this.#tab.won();
  }

  leave() {
    this.#listening?.abort();
    this.#tab = null;
    this.#leads = false;
    if (localStorage.getItem(this.#key) === this.#me) localStorage.removeItem(this.#key);
  }

  #changed(leader) {
    if (leader === null) this.seize();
    else if (this.#leads && leader !== this.#me) {
      this.#leads = false;
      this.#tab.lost();
    }
  }
}

/** The last resort: every tab leads itself. */
class NoElection {
  join(tab) {
    tab.won();
  }

  seize() {}
  leave() {}
}

export function election(name) {
  if (navigator.locks) return new LockElection(name);
  return storageWorks() ? new LeaseElection(name) : new NoElection();
}
