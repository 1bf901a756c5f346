/**
 * The messages of the open conversation: draws them, keeps one's place while they change, fetches
 * older ones when one scrolls up, and marks as read what one looks at.
 */

import { t } from "../i18n.js";
import { countLabel, reconcile, setText } from "./dom.js";
import { createRow, updateRow } from "./message.js";
import { rowsOf } from "./thread_rows.js";

/** This close to the end counts as being at it. */
const AT_END_PX = 40;
/** Older messages are fetched this far before the top is reached. */
const AHEAD_PX = 800;
/** The "new messages" line is shown this far below the upper edge. */
const DIVIDER_TOP_PX = 72;
/** A loaded page is not news: screen readers are told of additions again this long after it. */
const QUIET_MS = 1_000;
/** At its end a thread that has grown past the one is cut to the other: a tab may be open for weeks. */
const ROWS_MAX = 400;
const ROWS_KEPT = 200;

export class Thread {
  #parts;
  #store;
  #outbox;
  #history;
  #marks;
  #id = null;
  #firstNew = null;
  /** Whether the end is in view, and to be kept in view. */
  #atEnd = true;
  /** Whether the first draw has found its place, at the end or at the first new message. */
  #placed = false;
  #opening = null;
  #quietTimer;

  constructor(parts, { store, outbox, history, marks }) {
    this.#parts = parts;
    this.#store = store;
    this.#outbox = outbox;
    this.#history = history;
    this.#marks = marks;
    parts.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    parts.jump.addEventListener("click", () => this.#toEnd());
    parts.noteRetry.addEventListener("click", () => history.retry(this.#id));
    // The keyboard, the banner or a growing composer must not push the end out of view.
    new ResizeObserver(() => this.#atEnd && this.#toEnd()).observe(parts.scroller);
  }

  /** Shows a conversation: at its first unread message, or at its end. */
  open(conversation) {
    const { id, unread, read_number: read } = conversation;
    this.#id = id;
    this.#placed = false;
    this.#atEnd = true;
    this.#firstNew = unread > 0 ? read + 1 : null;
    this.#parts.messages.setAttribute("aria-label", t("thread.label", { name: conversation.with }));
    const opening = this.#history.ensure(id, this.#firstNew ?? Infinity);
    this.#opening = opening;
    opening.then(() => {
      if (this.#opening !== opening) return;
      this.#opening = null;
      this.render();
    });
  }

  close() {
    this.#id = null;
    this.#opening = null;
  }

  /** One has just sent something: the end is where one wants to be. */
  sent() {
    this.#firstNew = null;
    this.#atEnd = true;
  }

  render() {
    const conversation = this.#store.state.conversations.get(this.#id);
    if (!conversation) return;
    const thread = this.#store.state.threads.get(this.#id);
    const current = thread?.stale === false;
    const messages = thread?.messages ?? [];
    if (conversation.unread > 0 && !this.#isLooking(current)) this.#firstNew = conversation.read_number + 1;
    const anchor = this.#atEnd ? null : this.#anchor();
    if (!this.#placed || this.#history.isLoading(this.#id)) this.#quiet();
    const rows = rowsOf({
      messages, waiting: this.#outbox.of(this.#id), me: this.#store.state.me, firstNew: this.#firstNew,
    });
    reconcile(this.#parts.messages, rows, {
      key: (row) => row.key,
      create: createRow,
      update: (parts, row, element) => updateRow(parts, row, element, this.#outbox),
    });
    this.#renderNote(thread);
    if (current && !this.#placed && !this.#opening) this.#place();
    else if (anchor) this.#restore(anchor);
    else this.#toEnd();
    this.#fetch(thread);
    this.look();
  }

  #quiet() {
    const { messages } = this.#parts;
    messages.setAttribute("aria-live", "off");
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => {
      if (this.#history.isLoading(this.#id)) this.#quiet();
      else messages.setAttribute("aria-live", "polite");
    }, QUIET_MS);
  }

  #renderNote(thread) {
    const { note, noteText, noteRetry } = this.#parts;
    const failed = this.#history.hasFailed(this.#id);
    const empty = thread?.messages.length === 0 && this.#outbox.of(this.#id).length === 0;
    const waits = !thread || thread.more;
    note.hidden = !failed && !waits && !empty;
    noteRetry.hidden = !failed;
    if (failed) setText(noteText, t("thread.failed"));
    else setText(noteText, t(empty ? "thread.empty" : "thread.loading"));
  }

  #place() {
    this.#placed = true;
    const { scroller, messages } = this.#parts;
    const divider = messages.querySelector(".divider");
    this.#toEnd();
    if (!divider) return;
    const above = divider.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    if (above < DIVIDER_TOP_PX) scroller.scrollTop += above - DIVIDER_TOP_PX;
    this.#measure();
  }

  #fetch(thread) {
    if (this.#opening || this.#history.isLoading(this.#id) || this.#history.hasFailed(this.#id)) return;
    const last = thread?.messages.at(-1)?.number;
    if (thread?.stale !== false) this.#history.ensure(this.#id, last ? last + 1 : Infinity);
    else if (thread.more && this.#placed && this.#parts.scroller.scrollTop < AHEAD_PX) this.#history.older(this.#id);
  }

  #scrolled() {
    if (this.#id === null) return;
    this.#measure();
    this.#fetch(this.#store.state.threads.get(this.#id));
    this.look();
  }

  #measure() {
    const { scrollHeight, scrollTop, clientHeight } = this.#parts.scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight <= AT_END_PX;
  }

  /** At once, not smoothly: a page that arrives on the way would end the ride halfway. */
  #toEnd() {
    this.#parts.scroller.scrollTop = this.#parts.scroller.scrollHeight;
  }

  /** The first message in view, and where it is. */
  #anchor() {
    const top = this.#parts.scroller.getBoundingClientRect().top;
    for (const element of this.#parts.messages.querySelectorAll(".message")) {
      const box = element.getBoundingClientRect();
      if (box.bottom > top) return { element, top: box.top };
    }
    return null;
  }

  #restore({ element, top }) {
    if (element.isConnected) this.#parts.scroller.scrollTop += element.getBoundingClientRect().top - top;
    this.#measure();
  }

  #isLooking(current) {
    return document.visibilityState === "visible" && current && this.#placed && this.#atEnd;
  }

  /** Marks as read what is in view, and says on the jump button what is not. */
  look() {
    const { conversations, threads } = this.#store.state;
    const conversation = conversations.get(this.#id);
    const thread = threads.get(this.#id);
    if (!conversation) return;
    if (this.#isLooking(thread?.stale === false) && thread.messages.length > 0) {
      this.#marks.mark(this.#id, thread.messages.at(-1).number);
      if (thread.messages.length > ROWS_MAX) this.#store.trim(this.#id, ROWS_KEPT);
    }
    this.#parts.jump.hidden = this.#atEnd;
    this.#parts.jumpCount.hidden = conversation.unread === 0;
    setText(this.#parts.jumpCount, countLabel(conversation.unread));
  }
}
