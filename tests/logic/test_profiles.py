"""Profiles and settings, and being invisible."""

from __future__ import annotations

import pytest

from tests.contracts.store_contract import NOW
from tests.logic.conftest import Company
from webchat.data import attachments
from webchat.data.tables import Attachment
from webchat.entities.people import Me, Session
from webchat.errors import Invalid
from webchat.logic.profiles import Wishes


def upload(company: Company, owner: Session, id: str, kind: str = "image/png", width: int | None = 8) -> None:
    row = {"id": id, "digest": "d", "name": "n", "type": kind, "size": 1, "width": width, "height": width}
    query = Attachment.insert(row | {"owner": owner.user, "created_at": NOW})
    company.node.committer.submit(lambda tx: tx.on.run(query))


def test_a_profile_is_told_to_oneself_and_to_friends(company: Company) -> None:
    ann, bob, cid = company.ann, company.bob, company.cid
    cursors = [company.cursor(who) for who in (ann, bob, cid)]
    changed = company.node.profiles.change(ann, Wishes(display_name=" Ann Arbor ", status="out"))
    assert changed == Me("ann", display_name="Ann Arbor", status="out")
    profile = {"name": "ann", "display_name": "Ann Arbor", "status": "out"}
    assert company.news(ann, cursors[0]) == [{"type": "me", "me": profile}]
    assert company.news(bob, cursors[1]) == [{"type": "profile", "avatar": ""} | profile]
    assert company.news(cid, cursors[2]) == []
    assert company.node.chat.snapshot(ann).me == changed
    (friend,) = company.node.chat.snapshot(bob).friends
    assert (friend.display_name, friend.status) == ("Ann Arbor", "out")
    found = company.node.profiles.look_up(cid, "ANN")
    assert (found.name, found.display_name, found.relation) == ("ann", "Ann Arbor", "none")
    company.node.blocks.block(ann, "cid")
    assert company.node.profiles.look_up(cid, "ann").display_name == ""


@pytest.mark.parametrize("name", ["👩‍💻", "می‌خواهم", "é", "小明", ""])
def test_a_name_may_be_of_any_script_or_none(company: Company, name: str) -> None:
    assert company.node.profiles.change(company.ann, Wishes(display_name=name)).display_name == name


def test_what_changes_nothing_tells_nothing(company: Company) -> None:
    cursor = company.cursor(company.ann)
    company.node.profiles.change(company.ann, Wishes())
    company.node.profiles.change(company.ann, Wishes(status="  ", invisible=False, avatar=None))
    assert company.news(company.ann, cursor) == []


def test_settings_are_told_to_oneself_alone(company: Company) -> None:
    cursors = company.cursor(company.ann), company.cursor(company.bob)
    company.node.profiles.change(company.ann, Wishes(hide_receipts=True, hide_typing=True))
    (event,) = company.news(company.ann, cursors[0])
    assert event["me"] == {"name": "ann", "hide_receipts": True, "hide_typing": True}
    assert company.news(company.bob, cursors[1]) == []


def test_an_avatar_is_an_image_of_one_s_own(company: Company) -> None:
    upload(company, company.ann, "mine")
    upload(company, company.bob, "theirs")
    upload(company, company.ann, "text", "text/plain", None)
    upload(company, company.ann, "broken", "image/png", None)
    upload(company, company.ann, "sent")
    company.node.committer.submit(lambda tx: attachments.attach(tx, ["sent"], company.talk, 1))
    for id in ("theirs", "text", "broken", "sent", "nothing", "\0"):
        with pytest.raises(Invalid):
            company.node.profiles.change(company.ann, Wishes(avatar=id))
    assert company.node.profiles.change(company.ann, Wishes(avatar="mine")).avatar == "mine"
    assert company.node.profiles.change(company.ann, Wishes(avatar=None)).avatar == ""


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(display_name="a" * 65),
        Wishes(status="a" * 141),
        Wishes(status="two\nlines"),
        Wishes(display_name="\0"),
        Wishes(display_name="\u2028"),
    ],
)
def test_a_profile_has_its_bounds(company: Company, wishes: Wishes) -> None:
    with pytest.raises(Invalid):
        company.node.profiles.change(company.ann, wishes)


# --- invisible


def test_who_becomes_invisible_seems_to_go_and_sees_everything(company: Company) -> None:
    ann, bob, profiles = company.ann, company.bob, company.node.profiles
    company.come(ann, bob)
    cursors = company.cursor(ann), company.cursor(bob)
    profiles.change(ann, Wishes(invisible=True))
    assert company.news(bob, cursors[1]) == [{"type": "presence", "name": "ann", "online": False}]
    assert (company.online(bob), company.online(ann)) == ({"ann": False}, {"bob": True})
    company.go(bob)
    company.come(bob)
    assert company.news(ann, cursors[0])[-1] == {"type": "presence", "name": "bob", "online": True}


def test_an_invisible_one_comes_and_goes_unseen(company: Company) -> None:
    ann, bob = company.ann, company.bob
    company.come(bob)
    company.node.profiles.change(ann, Wishes(invisible=True))
    cursor = company.cursor(bob)
    company.come(ann)
    company.go(ann)
    company.come(ann)
    assert company.news(bob, cursor) == []
    assert company.cursor(bob) == cursor, "not even a mark moves"
    assert company.online(bob) == {"ann": False}
    company.node.profiles.change(ann, Wishes(invisible=False))
    assert company.news(bob, cursor) == [{"type": "presence", "name": "ann", "online": True}]
    assert company.online(bob) == {"ann": True}


def test_turning_it_on_and_off_while_away_tells_nothing(company: Company) -> None:
    company.come(company.bob)
    cursor = company.cursor(company.bob)
    for invisible in (True, False):
        company.node.profiles.change(company.ann, Wishes(invisible=invisible))
    assert company.news(company.bob, cursor) == []


def test_friends_who_are_there_are_rung(company: Company) -> None:
    """A parked poll hears of it at once."""
    company.come(company.ann)
    cursor = company.room.poll(company.room.cursor(), hold=0).cursor
    poll = company.room.parked(cursor)
    company.node.profiles.change(company.ann, Wishes(invisible=True))
    (event,) = poll.get(timeout=5).events
    assert event == b'{"type":"presence","name":"ann","online":false}'


def test_a_new_friend_does_not_see_it_either(company: Company) -> None:
    company.come(company.ann)
    company.node.profiles.change(company.ann, Wishes(invisible=True, display_name="A."))
    company.node.friends.ask(company.ann, "cid")
    cursor = company.cursor(company.cid)
    standing = company.node.friends.accept(company.cid, "ann")
    assert (standing.online, standing.display_name) == (False, "A.")
    (event,) = company.news(company.cid, cursor)
    assert (event["online"], event["display_name"]) == (False, "A.")
