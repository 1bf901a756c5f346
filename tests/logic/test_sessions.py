"""One's sessions, one's password, and the end of the account, on either engine."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from tests.contracts.store_contract import NOW
from tests.logic.conftest import Company
from webchat.data import accounts as data
from webchat.entities.people import Found, Session
from webchat.errors import Conflict, NotFound, NotLoggedIn, WrongCredentials, WrongPassword
from webchat.logic.accounts import SEEN_EVERY, Accounts
from webchat.logic.export import Everything
from webchat.logic.farewell import Farewell
from webchat.logic.profiles import Wishes
from webchat.node import now_ms

PASSWORD = "correct horse"


@pytest.fixture
def dora(company: Company) -> Session:
    """Somebody with a password and a session of her own."""
    company.node.accounts.register("dora", PASSWORD)
    return log_in(company)


def log_in(company: Company, password: str = PASSWORD, agent: str = "", address: str = "") -> Session:
    _, secret = company.node.accounts.log_in("dora", password, address, agent)
    return company.node.accounts.session(secret)


def names(company: Company, who: Session) -> list[str]:
    return [friend.name for friend in company.node.chat.snapshot(who).friends]


# --- sessions


def test_sessions_say_where_from_and_with_what(company: Company, dora: Session) -> None:
    phone = log_in(company, agent="Phone\x1b[2J/1 " + "x" * 300, address="2001:db8::1")
    lines = {line.id: line for line in company.node.sessions.list(dora)}
    assert lines.keys() == {str(dora.id), str(phone.id)}
    assert (lines[str(dora.id)].current, lines[str(phone.id)].current) == (True, False)
    line = lines[str(phone.id)]
    assert (line.address, line.agent) == ("2001:db8::1", ("Phone[2J/1 " + "x" * 300)[:200])
    assert line.created_at
    assert line.created_at == line.seen_at
    assert company.node.sessions.list(company.ann)[0].created_at is None, "older than our records"


def test_one_ends_one_s_own_sessions_alone(company: Company, dora: Session) -> None:
    phone = log_in(company)
    for id in (company.ann.id, 7, 2**63 - 1):
        with pytest.raises(NotFound):
            company.node.sessions.end(dora, id)
    company.node.sessions.end(dora, phone.id)
    with pytest.raises(NotFound):
        company.node.sessions.end(dora, phone.id)
    assert [line.id for line in company.node.sessions.list(dora)] == [str(dora.id)]


def test_that_a_session_is_used_is_written_once_an_hour(company: Company, dora: Session) -> None:
    clock = [now_ms()]
    accounts = company.node.accounts
    accounts._now = lambda: clock[0]
    _, secret = accounts.log_in("dora", PASSWORD)

    def seen() -> int:
        accounts._write_seen()
        company.node.committer.submit(lambda _: None, in_order=True)  # after all that was posted
        session = company.node.store.session(digest(secret), clock[0])
        assert session is not None
        return session.seen_at

    begun = clock[0]
    clock[0] += SEEN_EVERY - 1
    accounts.claim(secret)
    assert seen() == begun
    clock[0] += 2
    accounts.claim(secret)
    assert seen() == begun, "what is claimed already costs no look"
    accounts.forget_old_claims()
    accounts.claim(secret)
    assert seen() == clock[0]


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


# --- the password


def test_a_new_password_ends_all_other_sessions(company: Company, dora: Session) -> None:
    phone = log_in(company)
    company.node.sessions.change_password(dora, PASSWORD, "another horse")
    assert [line.id for line in company.node.sessions.list(dora)] == [str(dora.id)]
    assert not company.node.store.living_sessions([phone.id], NOW)
    with pytest.raises(WrongCredentials):
        log_in(company)
    log_in(company, "another horse")


def test_a_wrong_password_changes_nothing(company: Company, dora: Session) -> None:
    log_in(company)
    with pytest.raises(WrongPassword):
        company.node.sessions.change_password(dora, "wrong horse", "another horse")
    with pytest.raises(WrongPassword):
        company.node.farewell.remove(dora, "wrong horse")
    assert len(company.node.sessions.list(dora)) == 2


class Meddled(Accounts):
    """Between the look at the password and the new session, the password changes."""

    meddle: Any = None

    def __init__(self, company: Company) -> None:
        whole = company.node.accounts
        super().__init__(whole._store, whole._committer, whole._hasher, whole._now, whole.lifetime)
        fits = whole._hasher.fits

        def slow(password: str, password_hash: str | None) -> bool:
            fitted = fits(password, password_hash)
            self.meddle()
            return fitted

        whole._hasher.fits = slow  # type: ignore[method-assign]


@pytest.mark.parametrize("meddling", ["password", "disabled"])
def test_no_session_begins_with_a_password_that_has_just_been_changed(
    company: Company, dora: Session, meddling: str
) -> None:
    meddled = Meddled(company)
    user, submit = dora.user, company.node.committer.submit
    meddled.meddle = {
        "password": lambda: submit(lambda tx: data.set_password(tx, user, "new")),
        "disabled": lambda: submit(lambda tx: tx.disable_user(user)),
    }[meddling]
    with pytest.raises(WrongCredentials):
        meddled.log_in("dora", PASSWORD)
    with pytest.raises(WrongPassword):
        company.node.sessions.change_password(dora, PASSWORD, "another horse")


# --- the end


def test_a_removed_account_leaves_what_was_said_and_nothing_else(company: Company, dora: Session) -> None:
    node, ann, bob, cid = company.node, company.ann, company.bob, company.cid
    for friend in (ann, bob):
        node.friends.ask(dora, friend.name)
        node.friends.accept(friend, "dora")
    node.friends.ask(cid, "dora")
    node.blocks.block(dora, "bob")
    node.profiles.change(dora, Wishes(display_name="Dora", status="here"))
    said = node.chat.send(dora, "ann", None, "hello", "c1").message
    cursors = company.cursor(ann), company.cursor(bob), company.cursor(cid)
    left: list[str] = []
    Farewell(node.committer, node.sessions, (lambda who: left.append(who.name),)).remove(dora, PASSWORD)
    assert left == ["dora"]
    none = [{"type": "friend", "name": "dora", "state": "none"}]
    assert [company.news(who, cursor) for who, cursor in zip((ann, bob, cid), cursors, strict=True)] == [none, [], none]
    assert (names(company, ann), node.store.requests(cid.user)) == (["bob"], [])
    (talk,) = [line for line in node.chat.snapshot(ann).conversations if line.partner == "dora"]
    assert not talk.open
    assert node.chat.history(ann, talk.id, 9)[0] == [said]
    assert node.store.living_sessions([dora.id], NOW) == set()
    for call in (
        lambda: log_in(company),
        lambda: node.profiles.look_up(cid, "dora"),
        lambda: node.friends.ask(ann, "dora"),
        lambda: node.accounts.register("Dora", PASSWORD),
        lambda: node.chat.send(dora, "ann", None, "from beyond", "c2"),
    ):
        with pytest.raises((WrongCredentials, NotFound, Conflict, NotLoggedIn)):
            call()
    assert node.profiles.look_up(ann, "dora") == Found("dora", "none", gone=True), "they have talked"
    assert node.accounts.find(ann, "dora") == []
    assert node.store.on.rows("SELECT display_name, status, password_hash FROM \"user\" WHERE name = 'dora'") == [
        ("", "", "!")
    ]
    node.blocks.block(bob, "dora")  # it is still somebody's name


# --- the download


def test_a_download_has_all_that_is_one_s_own(company: Company, dora: Session) -> None:
    node, ann = company.node, company.ann
    node.friends.ask(dora, "ann", "hi")
    node.friends.accept(ann, "dora")
    node.blocks.block(dora, "cid")
    first = node.chat.send(dora, "ann", None, "one 一", "c1").message
    second = node.chat.send(ann, "dora", None, "two", "c2").message
    lost = node.chat.send(dora, "ann", None, "three", "c3").message
    document = msgspec.json.decode(b"".join(node.export.everything(dora)), type=Everything)
    assert (document.me.name, document.blocked) == ("dora", ["cid"])
    assert [friend.name for friend in document.friends] == ["ann"]
    assert [talk.messages for talk in document.conversations] == [[first, second, lost]]
    assert document.left == []
    node.committer.submit(
        lambda tx: tx.on.rows('DELETE FROM member WHERE "user" = ? AND conversation > ?', (dora.user, company.talk))
    )
    document = msgspec.json.decode(b"".join(node.export.everything(dora)), type=Everything)
    assert document.conversations == []
    assert document.left == [first, lost]


def test_a_download_ends_with_its_session(company: Company, dora: Session) -> None:
    pieces = company.node.export.everything(dora)
    next(pieces)
    company.node.sessions.end(dora, dora.id)
    with pytest.raises(NotLoggedIn):
        list(pieces)
