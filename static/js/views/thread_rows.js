/** From messages to the rows of a thread: days, the "new messages" line, groups. Pure. */

import { dayOf, minuteOf } from "../format.js";

/**
 * `messages` are the stored ones by number, `waiting` the outbox's entries, `firstNew` the number
 * under the "new messages" line (or null). Rows have a stable `key`; a message's row says whether it
 * begins or ends a group: one sender, one minute.
 */
export function rowsOf({ messages, waiting, me, firstNew }) {
  const stored = new Set(messages.filter((one) => one.from === me).map((one) => one.client_id));
  const items = [
    ...messages.map((one) => fromMessage(one, me)),
    ...waiting.filter((entry) => !stored.has(entry.client_id)).map(fromEntry),
  ];
  const rows = [];
  let previous = null;
  let divided = firstNew === null;
  for (const item of items) {
    if (!previous || dayOf(previous.at) !== dayOf(item.at)) {
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
  return one.own === other.own && one.state !== "failed" && minuteOf(one.at) === minuteOf(other.at);
}

function fromMessage(message, me) {
  const own = message.from === me;
  return {
    kind: "message",
    // Own ones go by client id, so that a pending bubble becomes the stored one.
    key: own ? `own ${message.client_id}` : `id ${message.id}`,
    own,
    state: own ? "sent" : "received",
    number: message.number,
    clientId: message.client_id,
    from: message.from,
    text: message.text,
    at: message.sent_at,
  };
}

function fromEntry(entry) {
  return {
    kind: "message",
    key: `own ${entry.client_id}`,
    own: true,
    state: entry.state,
    number: Infinity,
    clientId: entry.client_id,
    text: entry.text,
    at: entry.created_at,
    reason: entry.reason,
  };
}
