/** One row of a thread as an element. */

import { completeTime, dayName, timeOfDay } from "../format.js";
import { t } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { fromTemplate, h, setStateIcon, setText } from "./dom.js";
import { drawFiles } from "./files.js";
import { drawReactions } from "./reactions.js";
import { fillText } from "./rich_text.js";
import { noteOf, wordsOfQuote } from "./snippets.js";

/** Longer texts are folded; a fold that hides three lines would be silly. */
const FOLD_CHARACTERS = 1_600;
const FOLD_LINES = 24;

export const createRow = (row) => fromTemplate(row.kind);

const shownIn = new WeakMap();

/** The row that an element of the thread shows. */
export const rowOf = (element) => shownIn.get(element) ?? null;

/**
 * `context` has what the rows share: `me`, `group` (is it one?), `directory`, `unfolded` (a Set of keys), and `act`:
 * `retry(clientId)`, `discard(clientId)`, `react(message, emoji)`, `jump(number)`, `show(files, at)`.
 */
export function updateRow(parts, row, element, context) {
  if (row.kind === "day") setText(parts.label, dayName(row.at));
  if (row.kind === "event") updateEvent(parts, row, element, context);
  if (row.kind === "message") updateMessage(parts, row, element, context);
  shownIn.set(element, row);
}

function updateEvent(parts, row, element, { me, directory }) {
  element.title = completeTime(row.at);
  setText(parts.label, noteOf(row.message, me, directory.shown));
}

function updateMessage(parts, row, element, context) {
  const who = context.directory.of(row.from);
  // A thread may have thousands of rows, and nearly all are as they were.
  const drawn = [row.state, row.receipt, row.first, row.last, row.at, row.message.revision, who.shown, who.avatar].join(" ");
  if (parts.drawn === drawn && parts.message === row.message) return;
  const changed = parts.message !== row.message;
  parts.drawn = drawn;
  parts.message = row.message;
  element.dataset.clientId = row.clientId;
  element.dataset.state = row.state;
  element.dataset.own = String(row.own);
  if (Number.isFinite(row.number)) element.dataset.number = row.number;
  element.classList.toggle("first", row.first);
  element.classList.toggle("last", row.last);
  drawSender(parts, row, who, context);
  if (changed) drawContent(parts, row, element, context);
  drawMeta(parts, row, element);
  element.querySelector(".failure")?.remove();
  if (row.state === "failed") element.append(failure(row, context.act));
}

function drawSender(parts, row, who, { group }) {
  const named = group && !row.own;
  parts.avatar.hidden = !named;
  if (named) drawAvatar(parts.avatar, who);
  // Where the name is not seen it is still said.
  const seen = named && row.first;
  parts.sender.className = seen ? "sender" : "unseen";
  if (seen) parts.sender.style.setProperty("--hue", parts.avatar.style.getPropertyValue("--hue"));
  setText(parts.sender, row.own ? `${t("person.you")}:` : seen ? who.shown : `${who.shown}:`);
}

function drawContent(parts, row, element, context) {
  const { text = "", files = [], deleted, mentions = [] } = row.message;
  const { me, act } = context;
  parts.bubble.classList.toggle("deleted", Boolean(deleted));
  parts.bubble.classList.toggle("files-only", files.length > 0 && !text);
  element.classList.toggle("mentions-me", mentions.includes(me));
  parts.quote?.remove();
  parts.quote = row.message.reply_to ? quote(row.message.reply_to, context) : null;
  if (parts.quote) (parts.files ?? parts.text).before(parts.quote);
  // A reaction must not make the pictures load again.
  const ids = files.map(({ id }) => id).join(" ");
  if (ids !== (parts.fileIds ?? "")) {
    parts.fileIds = ids;
    parts.files?.remove();
    parts.files = files.length > 0 ? drawFiles(files, act.show) : null;
    if (parts.files) parts.text.before(parts.files);
  }
  parts.text.hidden = !text && !deleted;
  if (deleted) parts.text.replaceChildren(t("message.deleted"));
  else fillText(parts.text, { text, mentions }, me);
  fold(parts, row, context);
  drawReactions(parts, row.message, element, context);
}

function fold(parts, { key, message: { text = "" } }, { unfolded }) {
  const long = text.length > FOLD_CHARACTERS || text.split("\n").length > FOLD_LINES;
  const folded = long && !unfolded.has(key);
  parts.text.classList.toggle("folded", folded);
  parts.unfold?.remove();
  if (!folded) return;
  const open = () => {
    unfolded.add(key);
    parts.text.classList.remove("folded");
    parts.unfold.remove();
  };
  parts.unfold = h("button", { type: "button", class: "unfold", onclick: open }, t("message.more"));
  parts.text.after(parts.unfold);
}

function quote(said, { directory, act, me }) {
  const { text, faint } = wordsOfQuote(said);
  const name = said.from === me ? t("person.you") : directory.shown(said.from);
  const button = h("button", { type: "button", class: "quote", tabIndex: -1, onclick: () => act.jump(said) });
  button.append(h("b", {}, name), h("span", { dir: "auto", class: faint ? "faint" : null }, text));
  return button;
}

function drawMeta(parts, row, element) {
  const edited = Boolean(row.message.edited_at) && !row.message.deleted;
  element.classList.toggle("edited", edited);
  parts.edited.hidden = !edited;
  if (edited) parts.edited.title = completeTime(row.message.edited_at);
  const time = timeOfDay(row.at);
  setText(parts.time, time);
  // Keeps room for the time at the end of the last line (see message.css).
  parts.text.dataset.meta = [edited ? t("message.edited") : "", row.last || row.state !== "sent" ? time : ""].join(" ").trim();
  parts.time.dateTime = row.at;
  parts.time.title = completeTime(row.at);
  setStateIcon(parts.icon, row.own ? row.receipt : null);
  setText(parts.state, row.own && row.receipt ? t(`state.${row.receipt}`) : "");
}

function failure({ reason, clientId }, act) {
  const { element, parts } = fromTemplate("failure");
  setText(parts.reason, reason ?? t("message.failed_reason"));
  parts.retry.addEventListener("click", () => act.retry(clientId));
  parts.discard.addEventListener("click", () => act.discard(clientId));
  return element;
}
