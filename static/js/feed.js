/**
 * The poll loop, and nothing else: ask, deliver what came, ask again at once.
 *
 *   connecting ──answer──▶ live ──failure──▶ connecting (or offline) ──answer──▶ live
 *        any ──cursor lost (reset, bad_cursor)──▶ snapshot, then on from its cursor
 *        any ──stop(), 401──▶ stopped
 *
 * The first poll after trouble is a probe (`timeout=0`): answered at once, it shows that the server
 * is back, where a held one would leave the banner standing for 25 s.
 *
 * Fires `status` with "connecting", "live" or "offline" as detail.
 */

import { POLL_MS, Problem, Unreachable } from "./api.js";
import { Alarm, Backoff } from "./backoff.js";

const TICK_MS = 3_000;
/** A timer that comes this late in a visible tab means that the machine slept. */
const SLEPT_MS = 15_000;
/** In a hidden tab browsers may run timers once a minute only. */
const SLEPT_HIDDEN_MS = 90_000;
/** Empty answers that come quicker than this are not long polls: something is wrong over there. */
const HASTY_MS = 200;
const HASTY_ANSWERS = 3;

export class Feed extends EventTarget {
  status = "connecting";
  #events;
  #snapshot;
  #deliver;
  #cursor = null;
  #stopped = false;
  #call = null;
  #calledAt = 0;
  #interrupted = false;
  #hasty = 0;
  #alarm = new Alarm();
  #backoff = new Backoff();
  #listening = new AbortController();

  /**
   * `events(cursor, {signal, probe})` polls; `snapshot(signal)` loads and applies the whole state
   * and gives its cursor; `deliver(events)` applies what a poll brought.
   */
  constructor({ events, snapshot, deliver }) {
    super();
    this.#events = events;
    this.#snapshot = snapshot;
    this.#deliver = deliver;
  }

  async start() {
    this.#watch();
    while (!this.#stopped) {
      try {
        await this.#round();
      } catch (error) {
        await this.#fail(error);
      }
    }
  }

  stop() {
    this.#stopped = true;
    this.#listening.abort();
    this.#interrupt();
    this.#alarm.ring();
  }

  /** Ends any waiting: try now. */
  wake() {
    if (this.status === "live") return;
    this.#backoff.reset();
    this.#alarm.ring();
  }

  /** Something is missing that the feed will not bring: load the snapshot. */
  resync() {
    this.#cursor = null;
    this.#interrupt();
  }

  async #round() {
    if (this.#cursor === null) {
      this.#cursor = await this.#timed((signal) => this.#snapshot(signal));
      this.#live();
    }
    const asked = Date.now();
    const probe = this.status !== "live";
    const answer = await this.#timed((signal) => this.#events(this.#cursor, { signal, probe }));
    if (this.#stopped) return;
    if (this.#cursor !== null) this.#take(answer);
    this.#live();
    const hasty = !probe && answer.events.length === 0 && Date.now() - asked < HASTY_MS;
    this.#hasty = hasty ? this.#hasty + 1 : 0;
    const pause = answer.retry_in ?? (this.#hasty >= HASTY_ANSWERS ? 1 : 0);
    if (pause) await this.#alarm.sleep(pause * 1000);
  }

  #take(answer) {
    if (answer.reset) {
      this.#cursor = null;
      return;
    }
    this.#deliver(answer.events);
    // Delivering may have found a gap and called resync(): then the cursor stays lost.
    if (this.#cursor !== null) this.#cursor = answer.cursor;
  }

  async #fail(error) {
    if (this.#stopped) return;
    if (error instanceof Problem && error.status === 401) {
      this.stop();
      return;
    }
    const known = error instanceof Problem || error instanceof Unreachable;
    if (!known) reportError(error);
    if (error.code === "bad_cursor") this.#cursor = null;
    const hungUp = this.#interrupted;
    this.#interrupted = false;
    // Not the server's failure: we hung up ourselves, to ask again now.
    if (hungUp && navigator.onLine) return;
    this.#setStatus(navigator.onLine ? "connecting" : "offline");
    await this.#alarm.sleep(this.#backoff.next(error.retryAfter));
  }

  async #timed(call) {
    this.#call = new AbortController();
    this.#calledAt = Date.now();
    this.#interrupted = false;
    try {
      return await call(this.#call.signal);
    } finally {
      this.#call = null;
    }
  }

  #interrupt() {
    this.#interrupted = this.#call !== null;
    this.#call?.abort();
  }

  #live() {
    if (this.#stopped) return;
    this.#backoff.reset();
    this.#setStatus("live");
  }

  #setStatus(status) {
    if (status === this.status) return;
    this.status = status;
    this.dispatchEvent(new CustomEvent("status", { detail: status }));
  }

  /** Hangs up on a poll that cannot be alive any more, and asks afresh. */
  #doubt() {
    if (this.#call) {
      this.#setStatus("connecting");
      this.#interrupt();
    }
    this.wake();
  }

  #watch() {
    const { signal } = this.#listening;
    const look = () => {
      if (document.visibilityState !== "visible") return;
      if (Date.now() - this.#calledAt > POLL_MS) this.#doubt();
      else this.wake();
    };
    addEventListener("online", () => this.#doubt(), { signal });
    addEventListener("offline", () => this.#doubt(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.#doubt(), { signal });
    document.addEventListener("visibilitychange", look, { signal });
    let ticked = Date.now();
    const ticker = setInterval(() => {
      const gap = Date.now() - ticked;
      ticked = Date.now();
      if (gap > (document.hidden ? SLEPT_HIDDEN_MS : SLEPT_MS)) this.#doubt();
    }, TICK_MS);
    signal.addEventListener("abort", () => clearInterval(ticker));
  }
}
