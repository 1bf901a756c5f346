"""What was sent against what is in history."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.faults.oracle.facts import Facts, Send, Violation
from tests.faults.screen import revision, same

Message = dict[str, Any]


def check(facts: Facts) -> list[Violation]:
    kept: dict[tuple[str, str], list[Message]] = defaultdict(list)  # (sender, text): every text is said once
    for history in facts.histories.values():
        for message in history:
            kept[message["from"], _said(facts, message)].append(message)
    found = [violation for cid, send in facts.sends.items() for violation in _sent(facts, cid, send, kept)]
    return found + _unsent(facts) + _orders(facts, kept)


def _sent(facts: Facts, cid: str, send: Send, kept: dict[tuple[str, str], list[Message]]) -> list[Violation]:
    there = kept[send.who, send.text]
    acks = send.acks
    found: list[Violation] = []
    if not acks:
        if len(there) > 1:
            found.append(Violation("at-most-once", f"{cid} was never acknowledged and is there {len(there)} times"))
        return found
    first, t = acks[0]["message"], acks[0]["t"]
    found += _answers(cid, send)
    if facts.is_lost(t) or send.conversation not in facts.histories:
        return found
    if len(there) != 1:
        found.append(Violation("acknowledged", f"{cid} was acknowledged and is in history {len(there)} times", t))
    elif not same(first, there[0]):
        found.append(Violation("acknowledged", f"{cid} is in history as {there[0]}, acknowledged as {first}", t))
    return found


def _answers(cid: str, send: Send) -> list[Violation]:
    """Every acknowledgement says the same, and says it of a message that is committed."""
    found = []
    first, t = send.acks[0]["message"], send.acks[0]["t"]
    for ack in send.acks:
        if ack.get("uncommitted"):
            found.append(Violation("committed-first", f"{cid} was acknowledged and is not in the database", ack["t"]))
        if not same(first, ack["message"]):
            found.append(Violation("acknowledged", f"{cid} was acknowledged as two different messages", ack["t"]))
    if sum(ack["status"] == 201 for ack in send.acks) > 1:
        found.append(Violation("acknowledged", f"{cid} was accepted as new more than once", t))
    said = send.text if revision(first) else first["text"]  # what it was changed to is another check's
    if (said, first["client_id"], first["conversation"]) != (send.text, cid, send.conversation):
        found.append(Violation("acknowledged", f"{cid} was acknowledged as something else: {first}", t))
    return found


def _said(facts: Facts, message: Message) -> str:
    """What the message said when it was sent, whatever became of it."""
    send = facts.sends.get(message["client_id"]) if revision(message) else None
    return send.text if send else str(message["text"])


def _unsent(facts: Facts) -> list[Violation]:
    sent = {(send.who, send.conversation, send.text) for send in facts.sends.values()}
    return [
        Violation("unsent", f"conversation {conversation} has {message['text']!r}, which nobody sent")
        for conversation, history in facts.histories.items()
        for message in history
        if "kind" not in message and (message["from"], conversation, _said(facts, message)) not in sent
    ]


def _orders(facts: Facts, kept: dict[tuple[str, str], list[Message]]) -> list[Violation]:
    """Acknowledged messages only: one that a client let be may arrive behind the next."""
    found = []
    last: dict[tuple[str, int], tuple[int, int]] = {}
    for send in sorted(facts.sends.values(), key=lambda send: send.count):
        there = kept[send.who, send.text]
        if not send.acks or len(there) != 1:
            continue
        key, now = (send.client, send.conversation), (send.count, there[0]["number"])
        if key in last and last[key][1] > now[1]:
            found.append(
                Violation("sender-order", f"{send.client}'s message {now[0]} stands before its {last[key][0]}")
            )
        last[key] = now
    for conversation, history in facts.histories.items():
        if [message["number"] for message in history] != list(range(1, len(history) + 1)):
            found.append(Violation("slice", f"the history of conversation {conversation} is not numbered 1, 2, 3, …"))
    return found
