/**
 * Calls for somebody who does not look: a notification of the system, and a sound. One tab of an account does it, the
 * leading one, and only when no tab has the conversation in view: it asks the others first, since a tab that is frozen
 * or gone does not answer. Quiet are conversations that are muted, and whoever has switched it off (kept per browser).
 */

import { readJson, writeJson } from "./storage.js";
import { wordsOf } from "./views/snippets.js";

const KEY = "webchat.notify";
/** Notifications need a permission, which is asked for when they are switched on. */
const DEFAULTS = { notifications: false, sound: true };
/** The others answer in milliseconds; a hidden tab that is slow is not in view. */
const ANSWER_MS = 300;

export class Notify {
  #store;
  #channel;
  #leads;
  #inView;
  #open;
  /** By conversation: the message that waits for the others' answers. */
  #asked = new Map();
  #shown = new Map();

  /** `inView(id)`: does this tab show the conversation, to somebody who looks? `open(conversation)` opens it. */
  constructor({ store, channel, leads, inView, open }) {
    this.#store = store;
    this.#channel = channel;
    this.#leads = leads;
    this.#inView = inView;
    this.#open = open;
    store.addEventListener("said", ({ detail: message }) => this.#said(message));
    store.addEventListener("change", () => this.#tidy());
    channel.addEventListener("message", ({ detail: { type, conversation } }) => {
      if (type === "chime") this.#chime();
      if (type === "in view?" && inView(conversation)) channel.post({ type: "in view", conversation });
      if (type === "in view") this.#asked.delete(conversation);
    });
  }

  /** "notifications" or "sound": is it switched on? */
  get(what) {
    return { ...DEFAULTS, ...readJson(localStorage, KEY, {}) }[what];
  }

  set(what, on) {
    writeJson(localStorage, KEY, { ...readJson(localStorage, KEY, {}), [what]: on });
  }

  /** Asks for the permission, which a browser lets a page do on a click only. Whether it is there. */
  async allow() {
    return "Notification" in globalThis && (await Notification.requestPermission()) === "granted";
  }

  stop() {
    this.#asked.clear();
    for (const notice of this.#shown.values()) notice.close();
  }

  #said(message) {
    const { conversation: id, from, kind } = message;
    const { conversations, me } = this.#store.state;
    const wanted = from !== me && !kind && !conversations.get(id)?.muted;
    if (!wanted || !this.#leads() || this.#inView(id)) return;
    const isAsked = this.#asked.has(id);
    this.#asked.set(id, message);
    if (isAsked) return;
    this.#channel.post({ type: "in view?", conversation: id });
    setTimeout(() => this.#call(id), ANSWER_MS);
  }

  #call(id) {
    const message = this.#asked.get(id);
    const conversation = this.#store.state.conversations.get(id);
    if (!this.#asked.delete(id) || !conversation?.unread) return;
    if (this.get("sound")) this.#chime({ ask: true });
    const allowed = globalThis.Notification?.permission === "granted";
    if (this.get("notifications") && allowed) this.#show(conversation, message);
  }

  /** Where this tab may not sound, since nobody has used it yet, another one that was used does. */
  async #chime({ ask = false } = {}) {
    const module = await import("./chime.js").catch(() => null);
    if (module?.maySound()) module.chime();
    else if (ask) this.#channel.post({ type: "chime" });
  }

  #show(conversation, message) {
    const { from } = message;
    const { display_name: shown = from } = this.#store.state.friends.get(from) ?? {};
    const title = conversation.name ? `${shown} · ${conversation.name}` : shown;
    // One for each conversation: a later one takes its place.
    const tag = `webchat ${this.#store.state.me} ${conversation.id}`;
    try {
      const notice = new Notification(title, { body: wordsOf(message).text, tag, icon: "/static/favicon.svg" });
      notice.addEventListener("click", () => {
        focus();
        notice.close();
        this.#open(conversation);
      });
      this.#shown.set(conversation.id, notice);
    } catch {
      // Chrome for Android lets only service workers notify.
    }
  }

  /** What was read, here or elsewhere, calls no more. */
  #tidy() {
    for (const [id, notice] of this.#shown) {
      if (this.#store.state.conversations.get(id)?.unread) continue;
      notice.close();
      this.#shown.delete(id);
    }
  }
}
