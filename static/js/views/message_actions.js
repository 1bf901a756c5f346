/**
 * What one can do with a message, by pointer (a toolbar on the message under it, the context menu), by finger (a long
 * press) and by keyboard: up and down go from message to message, Enter opens the menu, R answers, E edits.
 */

import { t } from "../i18n.js";
import { h, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";
import { rowOf } from "./message.js";
import { openEmoji, QUICK } from "./reactions.js";

/** A finger that rests this long means the menu; one that moves this far scrolls. */
const LONG_PRESS_MS = 450;
/** What a touch still makes comes within this time. */
const CLICK_MS = 500;
const MOVED_PX = 10;

export class MessageActions {
  #messages;
  #may;
  #act;
  #toolbar;
  #row = null;
  /** While a finger is on a message: says that it has rested there for long. */
  #rest = null;

  /**
   * `may()`: may one write here? `act` has
   * `react(message, emoji)`, `reply(message)`, `edit(message)`, `remove(message)`, `unread(message)`, `retry(clientId)`,
   * `discard(clientId)` and `write()`, which goes back to the composer.
   */
  constructor(messages, scroller, { may, act }) {
    this.#messages = messages;
    this.#may = may;
    this.#act = act;
    this.#toolbar = h("div", { class: "toolbar", role: "toolbar", "aria-label": t("actions.label") });
    messages.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.#hover(event.target));
    messages.addEventListener("pointerleave", () => this.#toolbar.remove());
    messages.addEventListener("contextmenu", (event) => this.#onContextMenu(event));
    messages.addEventListener("pointerdown", (event) => event.pointerType !== "mouse" && this.#press(event));
    scroller.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** The last message that one may edit, for the arrow up in an empty composer. */
  lastOwn() {
    const own = [...this.#messages.querySelectorAll('.message[data-own="true"]')].reverse();
    return own.map((element) => rowOf(element)).find((row) => this.#can(row).edit)?.message ?? null;
  }

  /** Puts the focus on the last message, if there is one. */
  enter() {
    const last = this.#all().at(-1);
    last?.focus();
    return Boolean(last);
  }

  #write() {
    this.#act.write();
    return true;
  }

  #all() {
    return [...this.#messages.querySelectorAll(".message")];
  }

  #can({ own, state, message }) {
    const stored = state === "sent" || state === "received";
    const alive = stored && !message.deleted && this.#may();
    return {
      react: alive,
      reply: alive,
      copy: Boolean(message.text),
      edit: alive && own && Boolean(message.text),
      unread: stored && !own,
      remove: stored && own && !message.deleted,
      failed: state === "failed",
      discard: !stored,
    };
  }

  /** What one points at may have become another: what was pending is sent. */
  refresh() {
    const element = this.#toolbar.isConnected && this.#toolbar.closest(".message");
    if (element && rowOf(element)?.state !== this.#row?.state) this.#hover(element);
  }

  #hover(target) {
    const element = target.closest(".message");
    const row = element && rowOf(element);
    if (!row || row === this.#row) {
      if (element && row && !this.#toolbar.isConnected) element.querySelector(".bubble").append(this.#toolbar);
      return;
    }
    this.#row = row;
    const can = this.#can(row);
    const { message } = row;
    const tools = [
      can.react && iconButton("smile", t("actions.react"), ({ currentTarget }) => this.#pick(message, currentTarget), { tabIndex: -1 }),
      can.reply && iconButton("reply", t("actions.reply"), () => this.#act.reply(message), { tabIndex: -1 }),
      can.edit && iconButton("edit", t("actions.edit"), () => this.#act.edit(message), { tabIndex: -1 }),
      can.failed && iconButton("retry", t("message.retry"), () => this.#act.retry(row.clientId), { tabIndex: -1 }),
      can.discard && iconButton("trash", t(discarding(row)), () => this.#act.discard(row.clientId), { tabIndex: -1 }),
      !can.discard && iconButton("more", t("actions.more"), ({ currentTarget }) => this.#menu(element, { anchor: currentTarget }), { tabIndex: -1 }),
    ].filter(Boolean);
    this.#toolbar.replaceChildren(...tools);
    if (this.#items(row).length > 0) element.querySelector(".bubble").append(this.#toolbar);
    else this.#toolbar.remove();
  }

  #pick(message, anchor) {
    openEmoji({ anchor, choose: (emoji) => this.#act.react(message, emoji) });
  }

  #items(row, element) {
    const can = this.#can(row);
    const { message, clientId } = row;
    const act = this.#act;
    const react = (emoji) => ({ label: t("actions.react.with", { emoji }), text: emoji, act: () => act.react(message, emoji) });
    const other = { label: t("actions.react.other"), icon: "plus", bare: true, act: () => this.#pick(message, element) };
    const items = [
      can.react && { quick: [...QUICK.map(react), other] },
      can.react && "line",
      can.reply && { label: t("actions.reply"), icon: "reply", keys: "R", act: () => act.reply(message) },
      can.copy && { label: t("actions.copy"), icon: "copy", act: () => navigator.clipboard?.writeText(message.text) },
      can.edit && { label: t("actions.edit"), icon: "edit", keys: "E", act: () => act.edit(message) },
      can.unread && { label: t("actions.unread"), icon: "unread", act: () => act.unread(message) },
      can.failed && { label: t("message.retry"), icon: "retry", act: () => act.retry(clientId) },
      can.discard && { label: t(discarding(row)), icon: "trash", danger: true, act: () => act.discard(clientId) },
      can.remove && { label: t("actions.remove"), icon: "trash", danger: true, act: () => act.remove(message) },
    ];
    return items.filter(Boolean);
  }

  #menu(element, where) {
    const row = rowOf(element);
    const items = row ? this.#items(row, element) : [];
    if (items.length > 0) openMenu(items, { label: t("actions.label"), back: element, ...where });
    return items.length > 0;
  }

  #onContextMenu(event) {
    const element = event.target.closest(".message");
    // A link or a selection has the browser's own menu.
    if (!element || event.target.closest("a") || String(getSelection())) return;
    event.preventDefault();
    // Some browsers make one of a long press, while the finger is still there.
    if (this.#rest) this.#rest();
    else this.#menu(element, { at: { x: event.clientX, y: event.clientY } });
  }

  #press(event) {
    const element = event.target.closest(".message");
    if (!element || event.target.closest("a, button")) return;
    const { clientX: x, clientY: y } = event;
    const over = new AbortController();
    let long = false;
    const rest = () => {
      if (!long) navigator.vibrate?.(10);
      long = true;
    };
    const timer = setTimeout(rest, LONG_PRESS_MS);
    const stop = () => {
      clearTimeout(timer);
      over.abort();
      this.#rest = null;
    };
    // Not before the finger is gone: to the browser that is a press beside the menu, which would close it.
    const release = () => {
      stop();
      if (!long) return;
      // The touch makes a mouse press and a click yet, which would close it as well.
      const soon = { capture: true, once: true, passive: false, signal: AbortSignal.timeout(CLICK_MS) };
      addEventListener("touchend", (event) => event.cancelable && event.preventDefault(), soon);
      setTimeout(() => this.#menu(element, { at: { x, y } }));
    };
    const { signal } = over;
    this.#rest = rest;
    addEventListener("pointerup", release, { signal });
    addEventListener("pointercancel", release, { signal });
    addEventListener("pointermove", (at) => Math.hypot(at.clientX - x, at.clientY - y) > MOVED_PX && stop(), { signal });
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const element = event.target.closest(".message");
    const acts = {
      ArrowUp: () => (element ? this.#step(element, -1) || true : this.enter()),
      ArrowDown: () => element && (this.#step(element, 1) || this.#write()),
      Escape: () => element && this.#write(),
      Enter: () => event.target === element && this.#menu(element, { at: middleOf(element) }),
      " ": () => event.target === element && this.#menu(element, { at: middleOf(element) }),
      r: () => this.#key(element, "reply"),
      e: () => this.#key(element, "edit"),
      Delete: () => this.#key(element, "remove"),
    };
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act?.()) event.preventDefault();
  }

  #step(element, by) {
    const all = this.#all();
    const next = all[all.indexOf(element) + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return Boolean(next);
  }

  #key(element, what) {
    const row = element && rowOf(element);
    if (!row || !this.#can(row)[what]) return false;
    this.#act[what](row.message);
    return true;
  }
}

const discarding = ({ state }) => (state === "pending" ? "message.cancel" : "message.discard");

function middleOf(element) {
  const box = (element.querySelector(".bubble") ?? element).getBoundingClientRect();
  return { x: box.left + Math.min(80, box.width / 2), y: box.top + Math.min(40, box.height / 2) };
}
