/**
 * Where one writes. Enter sends, Shift+Enter makes a new line; the text of each conversation is kept as its draft until
 * it is sent. One writes something new, an answer to a message, or another text for an own one.
 */

import { countCharacters } from "../format.js";
import { t } from "../i18n.js";
import { setText } from "./dom.js";
import { FileEntry } from "./file_entry.js";
import { openEmoji } from "./reactions.js";
import { wordsOf } from "./snippets.js";

/** The server's limit, in code points. */
const LIMIT = 4_000;
/** The counter shows from here on. */
const NEAR = 3_800;
const TALLEST_PX = 180;

export class Composer {
  #parts;
  #drafts;
  #directory;
  #act;
  #files;
  /** Completes names; loaded with the first @. */
  #mentions = null;
  #loading = null;
  #candidates;
  #key = null;
  #id = null;
  /** By conversation: `{kind: "reply" | "edit", message}`. */
  #contexts = new Map();

  /**
   * `act` has `send(text, more)`, `edit(message, text)`, `typed()`, `lastOwn()` (the message that the arrow up edits),
   * `up()` (into the messages) and `say(sentence)`; `candidates()` gives those whom one can name with @.
   */
  constructor(parts, { api, drafts, directory, candidates, act, signal }) {
    this.#parts = parts;
    this.#drafts = drafts;
    this.#directory = directory;
    this.#act = act;
    this.#files = new FileEntry(parts, {
      api, signal,
      say: act.say,
      changed: () => this.#fit(),
      canAttach: () => this.#context?.kind !== "edit",
    });
    this.#candidates = candidates;
    parts.text.placeholder = t("composer.placeholder");
    parts.composer.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    parts.text.addEventListener("input", () => this.#changed());
    parts.text.addEventListener("keydown", (event) => this.#onKey(event));
    parts.contextCancel.addEventListener("click", () => this.#leaveContext());
    parts.emoji.addEventListener("click", () => openEmoji({ anchor: parts.emoji, choose: (emoji) => this.insert(emoji) }));
    // Touching the button must not take the focus (and with it the keyboard) from the text.
    parts.send.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  /** Shows what was begun in this conversation; `key` names its draft, `title` whom it is for. */
  open({ id, key, title }) {
    this.#id = id;
    this.#key = key;
    this.#parts.text.setAttribute("aria-label", t("composer.label", { name: title }));
    this.#files.open(id);
    this.#mentions?.close();
    this.#showContext();
  }

  focus() {
    this.#parts.text.focus({ preventScroll: true });
  }

  reply(message) {
    this.#enterContext({ kind: "reply", message });
  }

  edit(message) {
    this.#enterContext({ kind: "edit", message });
  }

  /** Puts text where the caret is. */
  insert(text) {
    const { text: area } = this.#parts;
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    this.#changed();
    this.focus();
  }

  get #context() {
    return this.#contexts.get(this.#id) ?? null;
  }

  #enterContext(context) {
    this.#contexts.set(this.#id, context);
    this.#showContext();
    this.focus();
  }

  #leaveContext() {
    this.#contexts.delete(this.#id);
    this.#showContext();
    this.focus();
  }

  /** Draws what is above the text, and the text that belongs to it. */
  #showContext() {
    const { context: bar, contextIcon, contextTitle, contextText, text } = this.#parts;
    const context = this.#context;
    bar.hidden = !context;
    if (context) {
      const { kind, message } = context;
      contextIcon.setAttribute("href", `#icon-${kind}`);
      setText(contextTitle, kind === "edit" ? t("composer.editing") : t("composer.replying", { name: this.#directory.shown(message.from) }));
      setText(contextText, wordsOf(message).text);
    }
    text.value = context?.kind === "edit" ? context.message.text : this.#drafts.get(this.#key);
    text.setSelectionRange(text.value.length, text.value.length);
    this.#fit();
  }

  #onKey(event) {
    // While an input method composes, Enter belongs to it (229: Safari reports it too late).
    if (event.isComposing || event.keyCode === 229 || this.#mentions?.onKey(event)) return;
    const empty = this.#parts.text.value === "";
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape" && this.#context) {
      event.preventDefault();
      event.stopPropagation();
      this.#leaveContext();
    } else if (event.key === "ArrowUp" && empty && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      const own = this.#act.lastOwn();
      if (own && !this.#context) this.edit(own);
      else this.#act.up();
    }
  }

  #submit() {
    const text = this.#text();
    if (!this.#canSend(text)) return;
    const context = this.#context;
    this.#contexts.delete(this.#id);
    if (context?.kind === "edit") {
      this.#showContext();
      if (text !== context.message.text) this.#act.edit(context.message, text);
      return;
    }
    const files = this.#files.take();
    this.#parts.text.value = "";
    this.#parts.context.hidden = true;
    this.#changed(false);
    this.#act.send(text, { ...(context ? { reply_to: quoted(context.message) } : {}), ...(files.length > 0 ? { files } : {}) });
  }

  #canSend(text) {
    if (countCharacters(text) > LIMIT) return false;
    if (this.#context?.kind === "edit") return text !== "";
    return (text !== "" || this.#files.count > 0) && this.#files.areReady;
  }

  /** What would be sent: without the blank ends, which nobody meant. */
  #text() {
    return this.#parts.text.value.replace(/^\s*\n/, "").trimEnd();
  }

  #changed(typed = true) {
    const edits = this.#context?.kind === "edit"; // no draft, and nobody waits for it
    if (!edits) this.#drafts.set(this.#key, this.#parts.text.value);
    if (typed && !edits && this.#parts.text.value) this.#act.typed();
    this.#completeNames();
    this.#fit();
  }

  async #completeNames() {
    if (this.#mentions) return this.#mentions.look();
    if (!this.#parts.text.value.includes("@")) return;
    this.#loading ??= import("./mentions.js").catch(() => null);
    const module = await this.#loading;
    // The line is down; the next letter tries again.
    if (!module) this.#loading = null;
    else this.#mentions ??= new module.Mentions(this.#parts, { candidates: this.#candidates, changed: () => this.#changed() });
    this.#mentions?.look();
  }

  #fit() {
    const { text, count, send } = this.#parts;
    text.style.setProperty("height", "auto");
    text.style.setProperty("height", `${Math.min(text.scrollHeight, TALLEST_PX)}px`);
    text.classList.toggle("tall", text.scrollHeight > TALLEST_PX);
    const written = this.#text();
    // A text has at most as many code points as code units: short ones need no counting.
    const length = written.length < NEAR ? written.length : countCharacters(written);
    count.hidden = length < NEAR;
    count.textContent = `${LIMIT - length}`;
    count.classList.toggle("over", length > LIMIT);
    send.disabled = !this.#canSend(written);
  }
}

/** What an answer carries of the message that it answers, as the server will have it. */
const quoted = ({ id, number, from, text, files }) => ({ id, number, from, text: text.slice(0, 200), files: files?.length });
