/**
 * One feed for all tabs of a slot: the leading tab polls (feed.js) and hands on what it hears, the
 * others follow. To the rest of the client it is a feed like any other.
 *
 *   following ──won the election──▶ leading, on from the cursor that this tab has itself
 *   following ──the leader is silent, or hidden and in trouble──▶ seizes the lead
 *   leading   ──another has seized it (this tab was frozen)──▶ following
 *   any       ──stop(), 401──▶ stopped
 *
 * A follower applies what continues its own cursor. Whatever does not shows that it has missed
 * something; it then asks the leader for the state as it is, which is its snapshot. The leader's every
 * message says how it stands: `{status, hidden, device, cursor}`.
 *
 * Timers of a hidden tab may stand still, messages do not. So a leader that is silent is asked, and
 * one that does not answer is frozen.
 */

import { Feed } from "./feed.js";
import { snapshotOf } from "./state.js";
import { keepVigil } from "./vigil.js";

const TICK_MS = 1_000;
/** After this much silence the leader is asked whether it is there … */
const QUIET_MS = 2_000;
/** … and after as many questions without an answer it is not. */
const QUESTIONS = 2;
/** A hidden leader may be this many ticks in trouble until a tab in view does better. */
const TROUBLED_TICKS = 2;

export class SharedFeed extends EventTarget {
  status = "connecting";
  #api;
  #store;
  #channel;
  #election;
  #device;
  /** The feed while this tab leads. */
  #feed = null;
  /** How far this tab has come while it follows; null: not known, or something is missing. */
  #cursor = null;
  #heardAt = performance.now();
  #questions = 0;
  #troubled = 0;
  #leaderHidden = false;
  #ticker;
  #listening = new AbortController();

  /** `device` is this page's own name; whichever tab leads lends its own to all (see api.js). */
  constructor({ api, store, channel, election, device }) {
    super();
    this.#api = api;
    this.#store = store;
    this.#channel = channel;
    this.#election = election;
    this.#device = device;
  }

  get leads() {
    return this.#feed !== null;
  }

  start() {
    const { signal } = this.#listening;
    this.#channel.addEventListener("message", ({ detail }) => this.#hear(detail), { signal });
    // A page in the browser's cache must not hold the lead: it is frozen.
    addEventListener("pagehide", () => this.#resign(), { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#stand(), { signal });
    document.addEventListener("visibilitychange", () => this.#feed && this.#post("pong"), { signal });
    keepVigil({ doubt: () => this.#doubt(), look: () => this.#look() }, signal);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#stand();
  }

  stop() {
    this.#listening.abort();
    clearInterval(this.#ticker);
    this.#resign();
  }

  /** Polls no more until `resume`; should this tab lead, it keeps the lead. */
  pause() {
    this.#feed?.stop();
  }

  resume() {
    if (!this.#feed) return;
    this.#cursor = this.#feed.cursor;
    this.#lead();
  }

  /** Ends any waiting: try now. */
  wake() {
    if (this.#feed) this.#feed.wake();
    else if (this.status !== "live") this.#channel.post({ type: "wake" });
  }

  /** Something is missing that the feed will not bring. */
  resync() {
    if (this.#feed) return this.#feed.resync();
    this.#cursor = null;
    this.#ask();
  }

  #stand() {
    this.#follow();
    this.#election.join({ won: () => this.#lead(), lost: () => this.#follow() });
  }

  #resign() {
    this.#election.leave();
    this.#yield();
  }

  #yield() {
    if (!this.#feed) return;
    this.#cursor = this.#feed.cursor;
    this.#feed.stop();
    this.#feed = null;
  }

  #lead() {
    this.#api.device = this.#device;
    const feed = new Feed({
      cursor: this.#cursor,
      events: this.#api.events.bind(this.#api),
      snapshot: async (signal) => {
        const snapshot = await this.#api.state(signal);
        if (this.#feed !== feed) throw new Error("the lead was lost");
        this.#store.applySnapshot(snapshot);
        this.#post("state", { cursor: snapshot.cursor, snapshot, fresh: true });
        return snapshot.cursor;
      },
      deliver: (events, { after, cursor }) => {
        this.#store.applyEvents(events);
        if (events.length > 0 || after !== cursor) this.#post("fed", { after, cursor, events });
      },
    });
    feed.addEventListener("status", ({ detail }) => {
      if (this.#feed !== feed) return;
      this.#setStatus(detail);
      this.#post("pong");
    });
    this.#feed = feed;
    this.#setStatus(feed.status);
    feed.start();
    this.#post("pong");
  }

  /** Also where another tab has seized the lead: what it heard meanwhile is asked for. */
  #follow() {
    this.#yield();
    this.#questions = 0;
    this.#heardAt = performance.now();
    this.#ask();
  }

  #ask() {
    this.#channel.post({ type: "ask" });
  }

  #post(type, more = {}) {
    const { status, cursor } = this.#feed ?? this;
    const hidden = document.visibilityState !== "visible";
    this.#channel.post({ type, status, hidden, device: this.#device, cursor, ...more });
  }

  #hear(message) {
    if (this.#feed) this.#answer(message);
    else if (message.status) this.#take(message);
  }

  /** As the leader. */
  #answer({ type }) {
    const { cursor } = this.#feed;
    if (type === "ask" && cursor !== null) this.#post("state", { snapshot: snapshotOf(this.#store.state) });
    else if (type === "ask" || type === "ping") this.#post("pong");
    else if (type === "wake") this.#feed.wake();
    else if (type === "look") this.#feed.look();
  }

  /** As a follower, from the leader. */
  #take({ type, status, hidden, device, cursor, after, events, snapshot, fresh }) {
    this.#heardAt = performance.now();
    this.#questions = 0;
    this.#leaderHidden = hidden;
    this.#api.device = device;
    if (type === "state" && cursor !== this.#cursor) {
      this.#cursor = cursor;
      this.#store.applySnapshot(snapshot, { fresh });
    } else if (type === "fed" && this.#cursor === after) {
      this.#cursor = cursor;
      this.#store.applyEvents(events);
    } else if (cursor !== null && cursor !== this.#cursor) {
      this.#ask();
    }
    this.#setStatus(status);
  }

  #tick() {
    if (this.#feed) return;
    if (performance.now() - this.#heardAt > QUIET_MS) {
      if (this.#questions >= QUESTIONS) {
        this.#questions = 0;
        this.#heardAt = performance.now();
        this.#election.seize();
        return;
      }
      this.#questions += 1;
      this.#channel.post({ type: "ping" });
    }
    const better = this.status !== "live" && this.#leaderHidden && document.visibilityState === "visible";
    this.#troubled = better ? this.#troubled + 1 : 0;
    if (this.#troubled > TROUBLED_TICKS) {
      this.#troubled = 0;
      this.#election.seize();
    }
  }

  #doubt() {
    if (this.#feed) this.#feed.doubt();
    // Every tab notices the same; the leader may have noticed by itself, and must not hang up twice.
    else this.#channel.post({ type: "look" });
  }

  #look() {
    if (this.#feed) this.#feed.look();
    else this.#channel.post({ type: "look" });
  }

  #setStatus(status) {
    if (status === this.status) return;
    this.status = status;
    this.dispatchEvent(new CustomEvent("status", { detail: status }));
  }
}
