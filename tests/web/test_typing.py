"""Typing: told to whoever polls just now, stored nowhere, and silent wherever somebody does not want it."""

from __future__ import annotations

import pytest

from tests.client import Client
from tests.web.background import Held
from tests.web.conftest import QuickCluster
from tests.web.rows import written
from webchat.entities.talk import TYPING_MAX

QUIET = 0.7  # seconds: several times what a ring takes


def typing(who: Client, conversation: int) -> None:
    assert who.call("POST", f"/api/conversations/{conversation}/typing").status == 204


def waiting(who: Client, timeout: float) -> Held:
    """A poll that is parked, with nothing of presence left to tell."""
    cursor = who.cursor()
    who.poll(cursor, 0)
    cursor = who.cursor()
    return Held.parked(lambda: who.call("GET", f"/api/events?after={cursor}&timeout={timeout}"))


def heard(held: Held, within: float = 5.0) -> list[dict[str, object]]:
    return [event for event in held.answer(within).body["events"] if event["type"] == "typing"]


def test_who_waits_is_told_at_once_and_nothing_is_written(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    cursor = other.cursor()
    held = waiting(other, 5)
    before = written(cluster.data)
    typing(one, talk)
    assert heard(held, 2) == [{"type": "typing", "conversation": talk, "name": one.name}]
    assert written(cluster.data) == before
    assert other.cursor().rsplit(".", 1)[0] == cursor.rsplit(".", 1)[0], "it has no number"


def test_a_poll_that_comes_soon_after_is_told_once(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    alone = Client(cluster.nodes[:1], other.name, other.token)  # the mailbox is that of one worker
    cursor = alone.poll(alone.cursor(), 0)["cursor"]
    typing(one, talk)
    for expected in ([{"type": "typing", "conversation": talk, "name": one.name}], []):
        events = alone.poll(cursor, QUIET)["events"]
        assert [event for event in events if event["type"] == "typing"] == expected


def test_nobody_hears_who_hides_it_or_is_blocked(cluster: QuickCluster) -> None:
    owner = cluster.user()
    names = [cluster.user() for _ in range(4)]
    for one in names:
        owner.befriend(one)
    body = {"name": "quiet", "members": [one.name for one in names]}
    group = owner.ok("POST", "/api/conversations", body)["conversation"]["id"]
    hides, blocks, blocked, hears = names
    with cluster.engine.writing() as connection:
        ids = {one.name: connection.rows('SELECT id FROM "user" WHERE name = ?', (one.name,))[0][0] for one in names}
        writer = connection.rows('SELECT id FROM "user" WHERE name = ?', (owner.name,))[0][0]
        connection.rows('UPDATE "user" SET hide_typing = TRUE WHERE id = ?', (ids[hides.name],))
        for who, whom in ((ids[blocks.name], writer), (writer, ids[blocked.name])):
            connection.rows('INSERT INTO block ("user", blocked) VALUES (?, ?)', (who, whom))
    held = {one.name: waiting(one, 2) for one in names}
    typing(owner, group)
    assert len(heard(held[hears.name])) == 1
    for one in (hides, blocks, blocked):
        assert heard(held[one.name]) == [], one.name
    waits = waiting(owner, QUIET)
    typing(hides, group)
    assert heard(waits) == [], "who hides it does not show it"


@pytest.mark.parametrize(("members", "told"), [(TYPING_MAX, 1), (TYPING_MAX + 1, 0)])
def test_large_groups_are_silent(cluster: QuickCluster, members: int, told: int) -> None:
    owner, one, _ = cluster.pair()
    group = owner.ok("POST", "/api/conversations", {"name": "all", "members": [one.name]})["conversation"]["id"]
    with cluster.engine.writing() as connection:
        for user in range(10**6, 10**6 + members - 2):  # members need no account to be counted
            connection.rows(
                "INSERT INTO member (conversation, \"user\", read_number, role) VALUES (?, ?, 0, 'member')",
                (group, user),
            )
    held = waiting(one, 2)
    typing(owner, group)
    assert len(heard(held)) == told


def test_where_one_cannot_send_one_cannot_type(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    stranger = cluster.user()
    path = f"/api/conversations/{talk}/typing"
    assert stranger.call("POST", path).status == 404
    one.ok("DELETE", f"/api/friends/{other.name}")
    assert one.call("POST", path).status == 404, "closed"
