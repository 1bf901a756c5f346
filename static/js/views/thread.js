/**
 * The messages of the open conversation: draws them, keeps one's place while they change, fetches
 * older ones when one scrolls up, and marks as read what one looks at.
 */

import { t } from "../i18n.js";
import { countLabel, setText } from "./dom.js";
import { createRow, updateRow } from "./message.js";
import { rowsOf } from "./thread_rows.js";
import { ThreadWindow } from "./thread_window.js";

/** This close to the end counts as being at it. */
const AT_END_PX = 40;
/** More messages are fetched this far before the edge of what is loaded is reached. */
const AHEAD_PX = 3_000;
/** The "new messages" line is shown this far below the upper edge. */
const DIVIDER_TOP_PX = 72;
/** A loaded page is not news: screen readers are told of additions again this long after it. */
const QUIET_MS = 1_000;
/** At its end a thread that has grown past the one is cut to the other: a tab may be open for weeks. */
const MESSAGES_MAX = 20_000;
const MESSAGES_KEPT = 1_000;
/** A message that one was led to is marked for so long. */
const FLASH_MS = 1_600;

export class Thread {
  #parts;
  #store;
  #outbox;
  #history;
  #marks;
  #directory;
  #unfolded = new Set();
  #id = null;
  #firstNew = null;
  /** Whether the end is in view, and to be kept in view. */
  #atEnd = true;
  /** Whether the first draw has found its place, at the end or at the first new message. */
  #placed = false;
  #opening = null;
  /** Whether another device has marked it unread while it was in view here: it stays so until somebody acts here. */
  #held = false;
  /** What one reads, `{key, number, offset}`, while it is not the end; kept while its row is away to be loaded again. */
  #place = null;
  #window;
  #made = null;
  #drawn = [];
  #quietTimer;

  /** `directory` knows what people are called; `act` is what messages can do (see message.js). */
  constructor(parts, { store, outbox, history, marks, directory, act }) {
    this.#parts = parts;
    this.#store = store;
    this.#outbox = outbox;
    this.#history = history;
    this.#marks = marks;
    this.#directory = directory;
    const context = { directory, act, unfolded: this.#unfolded };
    this.#window = new ThreadWindow(parts.scroller, parts.messages, {
      create: createRow,
      update: (drawn, row, element) => updateRow(drawn, row, element, { ...context, ...this.#shared() }),
    });
    parts.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    parts.jump.addEventListener("click", () => this.#toNewest());
    parts.noteRetry.addEventListener("click", () => history.retry(this.#id));
    store.addEventListener("unread", ({ detail: id }) => (this.#held ||= id === this.#id));
    // The keyboard, the banner or a growing composer must not push the end out of view.
    new ResizeObserver(() => this.#atEnd && this.#toEnd()).observe(parts.scroller);
  }

  /** Shows a conversation: at its first unread message, or at its end. */
  open(conversation) {
    const { id, unread, read_number: read } = conversation;
    this.#id = id;
    this.#placed = false;
    this.#atEnd = true;
    this.#held = false;
    this.#place = null;
    this.#window.clear();
    this.#firstNew = unread > 0 ? read + 1 : null;
    this.#parts.messages.setAttribute("aria-label", t("thread.label", { name: this.#directory.face(conversation).shown }));
    const past = this.#store.state.threads.get(id)?.newer;
    this.#after(past ? this.#history.newest(id) : this.#history.ensure(id, this.#firstNew ?? Infinity));
  }

  /** Shows a message `{id, number}` of the open conversation, wherever in its history it is. */
  async show({ id, number }) {
    if (this.#putAt(number)) this.render();
    // Once more when it is there: meanwhile the page may have been scrolled, by hand or by what came.
    else await this.#after(this.#history.around(this.#id, id), () => this.#putAt(number));
    this.#flash(number);
  }

  /** The next draw has this message in view; whether it is loaded. */
  #putAt(number) {
    const row = this.#rows().find((one) => one.number === number);
    this.#atEnd = false;
    this.#placed = true;
    this.#place = { key: row?.key, number, offset: this.#parts.scroller.clientHeight / 3 };
    return Boolean(row);
  }

  #flash(number) {
    const element = this.#parts.messages.querySelector(`[data-number="${number}"]`);
    if (!element) return;
    element.focus({ preventScroll: true });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), FLASH_MS);
  }

  close() {
    this.#id = null;
    this.#opening = null;
  }

  /** One has just sent something: the end is where one wants to be. */
  sent() {
    this.#firstNew = null;
    this.#toNewest();
  }

  render() {
    const conversation = this.#store.state.conversations.get(this.#id);
    if (!conversation) return;
    const thread = this.#store.state.threads.get(this.#id);
    const current = thread?.stale === false;
    if (conversation.unread > 0 && !this.#isLooking(thread)) this.#firstNew = conversation.read_number + 1;
    if (!this.#placed || this.#history.isLoading(this.#id)) this.#quiet();
    this.#renderNote(thread);
    if (current && !this.#placed && !this.#opening) this.#findPlace();
    else this.#window.draw(this.#rows(), this.#atEnd ? null : this.#place, { wait: this.#history.isLoading(this.#id) });
    this.#fetch(thread);
    this.look();
  }

  get #conversation() {
    return this.#store.state.conversations.get(this.#id);
  }

  /** What all rows share. */
  #shared() {
    return { me: this.#store.state.me, group: this.#conversation?.kind === "group" };
  }

  #messages() {
    return this.#store.state.threads.get(this.#id)?.messages ?? [];
  }

  /** Made anew only when something of it has changed: there may be thousands. */
  #rows() {
    const messages = this.#messages();
    const newer = this.#store.state.threads.get(this.#id)?.newer;
    // What is on its way belongs to the end.
    const waiting = newer ? [] : this.#outbox.of(this.#id);
    const { read, delivered } = this.#conversation ?? {};
    const made = [messages, this.#firstNew, read, delivered, ...waiting];
    if (made.length !== this.#made?.length || made.some((one, at) => one !== this.#made[at])) {
      this.#made = made;
      const { me } = this.#store.state;
      this.#drawn = rowsOf({ messages, waiting, me, firstNew: this.#firstNew, conversation: { read, delivered } });
    }
    return this.#drawn;
  }

  /** Draws once `loading` is done, unless something else is to be shown by then. */
  async #after(loading, before = () => {}) {
    this.#opening = loading;
    await loading;
    if (this.#opening !== loading) return;
    this.#opening = null;
    before();
    this.render();
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
    const { note, noteText, noteRetry, bones } = this.#parts;
    const failed = this.#history.hasFailed(this.#id);
    const empty = thread?.messages.length === 0 && this.#outbox.of(this.#id).length === 0;
    const waits = !thread || thread.more;
    note.hidden = !failed && !waits && !empty;
    bones.hidden = failed || !waits;
    // What is to come of the first page takes the whole view, of an older one a strip above what is there.
    bones.classList.toggle("first", !thread?.messages.length);
    // While it loads, the words are for those who do not see that.
    noteText.classList.toggle("unseen", waits && !failed);
    noteRetry.hidden = !failed;
    if (failed) setText(noteText, t("thread.failed"));
    else setText(noteText, t(empty ? "thread.empty" : "thread.loading"));
  }

  /** The first draw: at the line above what is new, or at the end. */
  #findPlace() {
    this.#placed = true;
    const rows = this.#rows();
    this.#window.draw(rows, null);
    if (rows.some(({ key }) => key === "divider")) {
      this.#window.draw(rows, { key: "divider", offset: DIVIDER_TOP_PX });
      this.#measure();
    }
  }

  #fetch(thread) {
    if (this.#opening || this.#history.isLoading(this.#id) || this.#history.hasFailed(this.#id)) return;
    if (thread?.stale !== false) {
      this.#history.ensure(this.#id, this.#wanted(thread));
      return;
    }
    const { scrollTop, scrollHeight, clientHeight } = this.#parts.scroller;
    if (thread.more && this.#placed && scrollTop < AHEAD_PX) this.#history.older(this.#id);
    else if (thread.newer && scrollHeight - scrollTop - clientHeight < AHEAD_PX) this.#history.newer(this.#id);
  }

  /** Back to which number the newest messages are needed: what follows the loaded ones, or all back to what one reads. */
  #wanted(thread) {
    const last = thread?.messages.at(-1)?.number;
    if (last === undefined) return Infinity;
    if (!thread.unsure || this.#atEnd) return last + 1;
    return this.#rows().find(({ key }) => key === this.#place?.key)?.number ?? last + 1;
  }

  #scrolled() {
    if (this.#id === null) return;
    if (this.#window.follow()) this.#quiet();
    this.#measure();
    this.#fetch(this.#store.state.threads.get(this.#id));
    this.look();
  }

  #measure() {
    const { scrollHeight, scrollTop, clientHeight } = this.#parts.scroller;
    const past = this.#store.state.threads.get(this.#id)?.newer ?? false;
    this.#atEnd = !past && scrollHeight - scrollTop - clientHeight <= AT_END_PX;
    this.#place = this.#atEnd ? null : (this.#window.place() ?? this.#place);
  }

  #toNewest() {
    this.#atEnd = true;
    // What is loaded meanwhile may have been measured as not being the end.
    const arrived = () => (this.#atEnd = true);
    if (this.#store.state.threads.get(this.#id)?.newer) this.#after(this.#history.newest(this.#id).then(arrived));
    else this.#toEnd();
  }

  /** At once, not smoothly: a page that arrives on the way would end the ride halfway. */
  #toEnd() {
    this.#window.draw(this.#rows(), null);
  }

  #isLooking(thread) {
    const current = thread?.stale === false && !thread.newer;
    return document.visibilityState === "visible" && current && this.#placed && this.#atEnd && !this.#held;
  }

  /** Somebody does something here, so that what is in view is seen. */
  attend() {
    if (!this.#held) return;
    this.#held = false;
    this.look();
  }

  /** Marks as read what is in view, and says on the jump button what is not. */
  look() {
    const { conversations, threads } = this.#store.state;
    const conversation = conversations.get(this.#id);
    const thread = threads.get(this.#id);
    if (!conversation) return;
    if (this.#isLooking(thread) && thread.messages.length > 0) {
      this.#marks.mark(this.#id, thread.messages.at(-1).number);
      if (thread.messages.length > MESSAGES_MAX) this.#store.trim(this.#id, MESSAGES_KEPT);
    }
    this.#parts.jump.hidden = this.#atEnd;
    this.#parts.jumpCount.hidden = conversation.unread === 0;
    setText(this.#parts.jumpCount, countLabel(conversation.unread));
  }
}
