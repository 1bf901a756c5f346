"""What operators may do, on either engine: each act with its line in the audit, or neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from tests.contracts.store_contract import NOW
from tests.logic.conftest import Company
from webchat.data import accounts, audit, changes
from webchat.data.people import people
from webchat.data.transaction import Transaction
from webchat.errors import ChatError, Conflict, Invalid, NotFound
from webchat.logic import operators
from webchat.logic.operators import By

T = TypeVar("T")
BY = By("ops@host", NOW)


def act(company: Company, work: Callable[..., T], *arguments: Any) -> T:
    return company.node.committer.submit(lambda tx: work(tx, BY, *arguments))


def acts(company: Company) -> list[tuple[str, ...]]:
    return [each[2:] for each in audit.acts(company.node.store, 50)]


def states(company: Company) -> dict[str, str]:
    return {each.name: each.state for each in people(company.node.store, "", NOW)}


def test_an_account_goes_out_and_in_again(company: Company) -> None:
    assert act(company, operators.create_user, "Dora", "hash") == "Dora"
    assert act(company, operators.disable_user, "ANN") == ("ann", 1)
    assert states(company) == {"ann": "disabled", "bob": "active", "cid": "active", "Dora": "active"}
    assert company.node.store.credentials("ann") is None
    assert not company.node.store.living_sessions([company.ann.id], NOW)
    assert [friend.name for friend in company.node.store.friends(company.bob.user)] == ["ann"], "they are friends still"
    company.node.friends.remove(company.bob, "ann")
    assert act(company, operators.enable_user, "ann") == "ann"
    assert act(company, operators.reset_password, "bob", "new hash") == ("bob", 1)
    known = company.node.store.credentials("bob")
    assert known is not None
    assert known.password_hash == "new hash"
    assert acts(company) == [
        ("user reset-password", "bob", "1 session ended"),
        ("user enable", "ann", ""),
        ("user disable", "ann", "1 session ended"),
        ("user create", "Dora", ""),
    ]
    assert audit.acts(company.node.store, 1)[0][:2] == (NOW, "ops@host")


def test_what_is_refused_is_not_in_the_audit(company: Company) -> None:
    company.node.committer.submit(lambda tx: accounts.remove(tx, company.cid.user))
    assert states(company)["cid"] == "removed"
    refused: list[tuple[type[ChatError], Callable[..., Any], tuple[Any, ...]]] = [
        (Conflict, operators.create_user, ("ANN", "hash")),
        (Invalid, operators.create_user, ("a", "hash")),
        (NotFound, operators.disable_user, ("nobody",)),
        (Invalid, operators.disable_user, ("\udcff",)),
        (Conflict, operators.disable_user, ("cid",)),
        (Conflict, operators.enable_user, ("ann",)),
        (Conflict, operators.enable_user, ("cid",)),
        (Conflict, operators.reset_password, ("cid", "hash")),
        (NotFound, operators.delete_message, (99, "")),
        (Invalid, operators.delete_message, (99, "\udcff")),
        (Invalid, operators.delete_message, (99, "a" * 201)),
        (NotFound, operators.read_message, (99,)),
    ]
    for error, work, arguments in refused:
        with pytest.raises(error):
            act(company, work, *arguments)
    assert acts(company) == []


def test_a_message_is_deleted_for_everybody_and_kept_for_operators(company: Company) -> None:
    message = company.node.chat.send(company.ann, "bob", None, "something bad", "c1").message
    cursors = company.cursor(company.ann), company.cursor(company.bob)
    assert act(company, operators.delete_message, message.id, "spam") == (message, [])
    for who, cursor in zip((company.ann, company.bob), cursors, strict=True):
        (event,) = company.news(who, cursor)
        assert event["type"] == "changed"
        changed = event["message"]
        assert (changed["id"], changed["text"], changed["deleted"], changed["revision"]) == (message.id, "", True, 1)
        (shown,), *_ = company.node.chat.history(who, company.talk, 9)
        assert (shown.text, shown.deleted) == ("", True)
        first = company.node.store.entries(who.user, cursor.number - 1, 1)
        assert b"something bad" not in first[0].event, "nor in what was told of it before"
    with pytest.raises(Conflict):
        act(company, operators.delete_message, message.id, "")
    now, before = act(company, operators.read_message, message.id)
    assert now.deleted
    assert before == [changes.Said(0, NOW, "something bad")]
    where = "number 1 in conversation 1, from ann"
    assert acts(company) == [
        ("message history", str(message.id), where),
        ("message delete", str(message.id), f"{where}: spam"),
    ]


def test_people_are_listed_with_what_an_operator_looks_for(company: Company) -> None:
    company.come(company.bob)
    company.node.committer.submit(lambda tx: Transaction.add_session(tx, company.bob.user, b"x" * 32, NOW + 9, now=NOW))
    (bob,) = people(company.node.store, "B", NOW)
    assert (bob.name, bob.created_at, bob.sessions, bob.seen_at, bob.online) == ("bob", NOW, 2, NOW, True)
    assert [each.name for each in people(company.node.store, "", NOW)] == ["ann", "bob", "cid"]
    for prefix in ("x", "\0", "\udcff", "%"):
        assert people(company.node.store, prefix, NOW) == []
