/** From messages to the rows of a thread: days, the "new messages" line, notes of the group, groups of bubbles. Pure. */

import { dayOf, minuteOf } from "../format.js";
import { stateOf } from "./snippets.js";

/**
 * `messages` are the stored ones by number, `waiting` the outbox's entries, `firstNew` the number
 * under the "new messages" line (or null), `conversation` has the receipts. Rows have a stable `key`; a message's row
 * says whether it begins or ends a group: one sender, one minute.
 */
export function rowsOf({ messages, waiting, me, firstNew, conversation = {} }) {
  const stored = new Set(messages.filter((one) => one.from === me).map((one) => one.client_id));
  const items = [
    ...messages.map((one) => fromMessage(one, me, conversation)),
    ...waiting.filter((entry) => !stored.has(entry.client_id)).map((entry) => fromEntry(entry, me)),
  ];
  const rows = [];
  let previous = null;
  let day = null;
  let divided = firstNew === null;
  for (const item of items) {
    if (day !== dayOf(item.at)) {
      day = dayOf(item.at);
      rows.push({ kind: "day", key: `day before ${item.key}`, at: item.at });
      previous = null;
    }
    if (!divided && !item.own && item.number >= firstNew) {
      rows.push({ kind: "divider", key: "divider" });
      divided = true;
      previous = null;
    }
    const joined = previous !== null && belongTogether(previous, item);
    if (joined) previous.last = false;
    const row = { ...item, first: !joined, last: true };
    rows.push(row);
    previous = row;
  }
  return rows;
}

function belongTogether(one, other) {
  const alike = one.kind === "message" && other.kind === "message" && one.from === other.from;
  return alike && one.state !== "failed" && minuteOf(one.at) === minuteOf(other.at);
}

function fromMessage(message, me, conversation) {
  const own = message.from === me;
  return {
    kind: message.kind ? "event" : "message",
    // Own ones go by client id, so that a pending bubble becomes the stored one.
    key: own ? `own ${message.client_id}` : `id ${message.id}`,
    own,
    state: own ? "sent" : "received",
    receipt: own && !message.deleted ? stateOf(message, conversation) : null,
    number: message.number,
    clientId: message.client_id,
    from: message.from,
    at: message.sent_at,
    message,
  };
}

function fromEntry(entry, me) {
  return {
    kind: "message",
    key: `own ${entry.client_id}`,
    own: true,
    state: entry.state,
    receipt: entry.state,
    number: Infinity,
    clientId: entry.client_id,
    from: me,
    at: entry.created_at,
    reason: entry.reason,
    message: entry,
  };
}
