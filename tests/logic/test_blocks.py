"""Blocking: what it ends, what it forbids, and that the blocked one learns nothing of it."""

from __future__ import annotations

import pytest

from tests.logic.conftest import Company
from webchat.data import blocks
from webchat.entities.people import Session
from webchat.entities.talk import Member
from webchat.errors import Conflict, NotFound
from webchat.logic.profiles import Wishes


def relation(company: Company, who: Session, other: Session) -> str:
    return company.node.profiles.look_up(who, other.name).relation


def test_a_block_ends_a_friendship_as_its_end_does(company: Company) -> None:
    ann, bob = company.ann, company.bob
    cursors = company.cursor(ann), company.cursor(bob)
    company.node.blocks.block(ann, "BOB")
    none = {"type": "friend", "state": "none"}
    assert company.news(bob, cursors[1]) == [none | {"name": "ann"}]
    assert company.news(ann, cursors[0]) == [
        none | {"name": "bob"},
        {"type": "blocked", "name": "bob", "blocked": True},
    ]
    for who, names in ((ann, ["bob"]), (bob, [])):
        state = company.node.chat.snapshot(who)
        assert state.friends == []
        assert [line.open for line in state.conversations] == [False]
        assert state.blocked == names
        for to, place in (("bob" if who is ann else "ann", None), (None, company.talk)):
            with pytest.raises(NotFound):
                company.node.chat.send(who, to, place, "hello", "c1")


def test_blocking_and_unblocking_again_changes_and_tells_nothing(company: Company) -> None:
    company.node.blocks.block(company.ann, "cid")
    cursor = company.cursor(company.ann)
    company.node.blocks.block(company.ann, "cid")
    company.node.blocks.unblock(company.ann, "bob")
    assert company.news(company.ann, cursor) == []
    assert company.news(company.cid, company.cursor(company.cid)._replace(number=0)) == []


def test_a_question_of_one_who_is_blocked_is_asked_and_not_heard(company: Company) -> None:
    ann, cid, friends = company.ann, company.cid, company.node.friends
    company.node.blocks.block(ann, "cid")
    cursors = company.cursor(ann), company.cursor(cid)
    standing, changed = friends.ask(cid, "ann", "please")
    assert (standing.state, standing.note, changed) == ("outgoing", "please", True)
    assert [event["state"] for event in company.news(cid, cursors[1])] == ["outgoing"]
    assert company.news(ann, cursors[0]) == []
    assert company.node.store.requests(ann.user) == []
    assert [request.name for request in company.node.store.requests(cid.user)] == ["ann"]
    assert (relation(company, ann, cid), relation(company, cid, ann)) == ("none", "outgoing")
    assert [found.relation for found in company.node.accounts.find(ann, "cid")] == ["none"]
    for call in (friends.accept, friends.remove):
        with pytest.raises(NotFound):
            call(ann, "cid")
    friends.remove(cid, "ann")
    assert company.news(ann, cursors[0]) == [], "nor that it was withdrawn"


def test_nobody_asks_whom_they_block(company: Company) -> None:
    company.node.blocks.block(company.ann, "cid")
    with pytest.raises(Conflict, match="you block"):
        company.node.friends.ask(company.ann, "cid")


def test_a_block_declines_a_question(company: Company) -> None:
    company.node.friends.ask(company.cid, "ann")
    cursor = company.cursor(company.cid)
    company.node.blocks.block(company.ann, "cid")
    assert company.news(company.cid, cursor) == [{"type": "friend", "name": "ann", "state": "none"}]


def test_a_block_withdraws_one_s_own_question(company: Company) -> None:
    company.node.friends.ask(company.ann, "cid")
    company.node.blocks.block(company.ann, "cid")
    assert company.node.store.requests(company.cid.user) == []


def test_unblocking_restores_no_friendship_and_tells_what_was_asked_meanwhile(company: Company) -> None:
    ann, bob = company.ann, company.bob
    company.node.blocks.block(ann, "bob")
    company.node.friends.ask(bob, "ann", "sorry")
    cursors = company.cursor(ann), company.cursor(bob)
    company.node.blocks.unblock(ann, "bob")
    assert company.news(ann, cursors[0]) == [
        {"type": "blocked", "name": "bob", "blocked": False},
        {"type": "friend", "name": "bob", "state": "incoming", "note": "sorry"},
    ]
    assert company.news(bob, cursors[1]) == []
    state = company.node.chat.snapshot(ann)
    assert (state.friends, state.blocked) == ([], [])
    assert [(request.name, request.note) for request in state.requests] == [("bob", "sorry")]
    company.node.friends.accept(ann, "bob")
    assert company.node.chat.snapshot(ann).conversations[0].open, "friends again, by both their wills"


def test_who_blocks_is_not_found_and_has_no_profile(company: Company) -> None:
    ann, cid = company.ann, company.cid
    assert [found.name for found in company.node.accounts.find(cid, "a")] == ["ann"]
    company.node.blocks.block(ann, "cid")
    assert company.node.accounts.find(cid, "a") == []
    (found,) = company.node.accounts.find(ann, "c")
    assert (found.name, found.blocked) == ("cid", True)
    assert company.node.profiles.look_up(ann, "cid").blocked


def test_the_closed_conversation_names_who_blocks_and_shows_no_profile(company: Company) -> None:
    ann, bob = company.ann, company.bob
    group, _ = company.node.groups.create(ann, "us", ["bob"], None)
    company.node.blocks.block(ann, "bob")
    for who in (ann, bob):
        company.node.profiles.change(who, Wishes(display_name=f"{who.name} the new", status="here"))

    def seen(who: Session, conversation: int) -> dict[str, str]:
        return {member.name: member.display_name for member in company.node.groups.look(who, conversation)[1]}

    both = {"ann": "ann the new", "bob": "bob the new"}
    assert company.node.groups.look(bob, company.talk)[1][0] == Member("ann")
    assert seen(bob, company.talk) == both | {"ann": ""}
    assert seen(ann, company.talk) == both, "it is the other who is blocked"
    assert seen(bob, group.id) == both, "blocking does not reach into groups"


def test_who_blocks_whom(company: Company) -> None:
    ann, bob, cid = company.ann.user, company.bob.user, company.cid.user
    company.node.blocks.block(company.ann, "bob")
    company.node.blocks.block(company.cid, "ann")
    store = company.node.store
    assert (blocks.has(store, ann, bob), blocks.has(store, bob, ann)) == (True, False)
    assert blocks.between(store, bob, ann)
    assert not blocks.between(store, bob, cid)
