"""Planted bugs on the way from the commit to the screen."""

from __future__ import annotations

import os

import gevent
from gevent import monkey

from webchat.entities.feed import Cursor
from webchat.entities.people import Session
from webchat.logic.hub import Hub
from webchat.logic.mailbox import Mailbox, Parked, Put
from webchat.logic.poll import Answer
from webchat.node import Node
from workers import janitor

WINDOW = 0.4  # seconds for which the bug's window stands open
native_sleep = monkey.get_original("time", "sleep")


def _without_the_net() -> None:
    """No look into the database now and then: it would mend the bug some seconds later, too late but unseen."""
    janitor.IN_ANY_CASE = janitor.SESSIONS_TOO = 1_000_000


def late_subscription(node: Node) -> None:
    """The feed is read before the SUBSCRIBE is confirmed: what is committed in between rings for nobody."""
    _without_the_net()
    subscribe = node.bus.subscribe
    node.bus.subscribe = lambda user: gevent.spawn_later(WINDOW, subscribe, user)  # type: ignore[method-assign]


def no_gap_check(node: Node) -> None:
    """A mailbox appends whatever comes."""

    def put(self: Mailbox, number: int, event: bytes, device: str = "") -> Put:
        if number <= self.top:
            return Put.KNOWN
        self._append(number, event, device)
        self._wake()
        return Put.APPENDED

    Mailbox.put = put  # type: ignore[method-assign]


def cursor_past_unseen(node: Node) -> None:
    """Where several entries wait, the answer brings all but the last, and its cursor counts them all."""
    look = Hub.look

    def short(self: Hub, box: Mailbox, cursor: Cursor) -> Answer:
        answer = look(self, box, cursor)
        return answer._replace(events=answer.events[:-1]) if len(answer.events) > 1 else answer

    Hub.look = short  # type: ignore[method-assign]


def deaf_to_reconnects(node: Node) -> None:
    """After its pub/sub connection broke, a worker goes on as if nothing could have been missed, even meanwhile."""
    type(node.bus).deaf = False  # type: ignore[assignment]
    node.hub.missed = lambda _: None  # type: ignore[method-assign, assignment]
    node.hub.look_all_the_same = lambda: None  # type: ignore[method-assign]


def dropping_drain(node: Node) -> None:
    """A worker that is told to stop just goes, and its parked polls with it."""
    node.hub.drain = lambda: os._exit(0)  # type: ignore[method-assign]


def forgetful_linger(node: Node) -> None:
    """When lingering ends, a mailbox loses its tail and lives on: what it no longer has, it takes for told."""
    look = Hub.look

    def sweep() -> None:
        before = node.hub.clock() - node.hub._limits.linger
        for box in node.hub._boxes.values():
            if not box.parked and box.polled_at < before:
                box.tail.clear()

    def forgetful(self: Hub, box: Mailbox, cursor: Cursor) -> Answer:
        if not box.tail and cursor.number < box.top:
            cursor = cursor._replace(number=box.top)
        return look(self, box, cursor)

    node.hub.sweep = sweep  # type: ignore[method-assign]
    Hub.look = forgetful  # type: ignore[method-assign]


def endless_poll(node: Node) -> None:
    """A parked poll with no news is never answered."""
    park = Hub.park

    def forever(self: Hub, box: Mailbox, session: Session, hold: float, device: str) -> Parked:
        return park(self, box, session, hold + 60, device)

    Hub.park = forever  # type: ignore[method-assign]


def leaking_mailboxes(node: Node) -> None:
    """Mailboxes are never closed."""
    node.hub.sweep = lambda: None  # type: ignore[method-assign]


def shuffled_answers(node: Node) -> None:
    """Of several entries in one answer the newest comes first."""
    look = Hub.look

    def shuffled(self: Hub, box: Mailbox, cursor: Cursor) -> Answer:
        answer = look(self, box, cursor)
        return answer._replace(events=answer.events[::-1])

    Hub.look = shuffled  # type: ignore[method-assign]
