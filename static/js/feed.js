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
 * One tab of an account runs it for all (shared_feed.js).
 *
 * Fires `status` with "connecting", "live" or "offline" as detail.
 */

import { POLL_MS, Problem, Unreachable } from "./api.js";
import { Alarm, Backoff } from "./backoff.js";

/** Empty answers that come quicker than this are not long polls: something is wrong over there. */
const HASTY_MS = 200;
const HASTY_ANSWERS = 3;

export class Feed extends EventTarget {
  status = "connecting";
  #events;
  #snapshot;
  #deliver;
  #cursor;
  #stopped = false;
  #call = null;
  #calledAt = 0;
  #interrupted = false;
  #hasty = 0;
  #alarm = new Alarm();
  #backoff = new Backoff();

  /**
   * `events(cursor, {signal, probe})` polls; `snapshot(signal)` loads and applies the whole state
   * and gives its cursor; `deliver(events, {after, cursor})` applies what a poll brought that
   * continued one cursor and led to the other. `cursor`: where to go on, or null to load the snapshot.
   */
  constructor({ events, snapshot, deliver, cursor = null }) {
    super();
    this.#cursor = cursor;
    this.#events = events;
    this.#snapshot = snapshot;
    this.#deliver = deliver;
  }

  /** How far all that was delivered reaches; null while that is unknown. */
  get cursor() {
    return this.#cursor;
  }

  async start() {
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
    this.#interrupt();
    this.#alarm.ring();
  }

  /** Ends any waiting: try now. */
  wake() {
    if (this.status === "live") return;
    this.#backoff.reset();
    this.#alarm.ring();
  }

  /** Hangs up on a poll that may be dead, and asks afresh. */
  doubt() {
    if (this.#call) {
      this.#setStatus("connecting");
      this.#interrupt();
    }
    this.wake();
  }

  /** Somebody looks: now is the time to find out that the line is dead. */
  look() {
    if (this.#call && Date.now() - this.#calledAt > POLL_MS) this.doubt();
    else this.wake();
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
    this.#deliver(answer.events, { after: this.#cursor, cursor: answer.cursor });
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
}
