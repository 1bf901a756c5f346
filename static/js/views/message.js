/** One row of a thread as an element. */

import { completeTime, dayName, timeOfDay } from "../format.js";
import { t } from "../i18n.js";
import { fromTemplate, setStateIcon, setText } from "./dom.js";

const STATE_WORDS = { pending: "message.pending", sent: "message.sent", failed: "message.failed" };

export const createRow = (row) => fromTemplate(row.kind);

/** `act` has `retry(clientId)` and `discard(clientId)`. */
export function updateRow(parts, row, element, act) {
  if (row.kind === "day") setText(parts.label, dayName(row.at));
  if (row.kind === "message") updateMessage(parts, row, element, act);
}

function updateMessage(parts, row, element, act) {
  // A thread may have thousands of rows, and nearly all are as they were.
  const drawn = `${row.state} ${row.first} ${row.last} ${row.at}`;
  if (parts.drawn === drawn) return;
  parts.drawn = drawn;
  element.dataset.clientId = row.clientId;
  element.dataset.state = row.state;
  element.dataset.own = String(row.own);
  element.classList.toggle("first", row.first);
  element.classList.toggle("last", row.last);
  setText(parts.sender, row.own ? t("message.from_you") : t("message.from", { name: row.from }));
  setText(parts.text, row.text);
  setText(parts.time, timeOfDay(row.at));
  // Keeps room for the time at the end of the last line (see thread.css).
  parts.text.dataset.time = timeOfDay(row.at);
  parts.time.dateTime = row.at;
  parts.time.title = completeTime(row.at);
  setStateIcon(parts.icon, row.own ? row.state : null);
  setText(parts.state, STATE_WORDS[row.state] ? t(STATE_WORDS[row.state]) : "");
  element.querySelector(".failure")?.remove();
  if (row.state === "failed") element.append(failure(row, act));
}

function failure({ reason, clientId }, act) {
  const { element, parts } = fromTemplate("failure");
  setText(parts.reason, reason ?? t("message.failed_reason"));
  parts.retry.addEventListener("click", () => act.retry(clientId));
  parts.discard.addEventListener("click", () => act.discard(clientId));
  return element;
}
