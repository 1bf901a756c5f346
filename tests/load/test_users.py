"""The count of `./chat load users`: what is lost, doubled, overdue, out of order; and who is chosen."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.load.users.accounts import Account, choose
from tests.load.users.ledger import LATE, Ledger, Letter
from tests.load.users.tab import Tab


def message(number: int, client_id: str, id: int = 0, sender: str = "ann") -> dict[str, Any]:
    return {"id": id or number, "conversation": 1, "number": number, "from": sender, "client_id": client_id}


def tab(name: str = "bob", last_number: int = 0) -> Tab:
    conversations = [{"id": 1, "last_number": last_number, "read_number": 0}]
    return Tab(name, {"cursor": "c", "friends": [{"name": "ann", "conversation": 1}], "conversations": conversations})


def send(ledger: Ledger, number: int, acknowledge: bool = True) -> Letter:
    """Ann writes to Bob."""
    letter = Letter("ann", "bob", 1, time.perf_counter())
    ledger.sent(f"m{number}", letter)
    if acknowledge:
        ledger.acknowledged(f"m{number}", message(number, f"m{number}"))
    return letter


def bring(ledger: Ledger, at: Tab, number: int) -> bool:
    in_order = at.bring(message(number, f"m{number}"))
    ledger.brought(at.name, message(number, f"m{number}"))
    return in_order


def test_what_a_poll_brought_is_delivered_once() -> None:
    ledger, bob = Ledger(), tab()
    letter = send(ledger, 1)
    assert ledger.is_owed(bob)
    assert bring(ledger, bob, 1)
    assert letter.is_delivered
    assert not ledger.is_owed(bob)
    ledger.close(bob, is_end=True)
    assert (ledger.delivered, ledger.doubled, letter.is_lost) == (1, 0, False)


def test_the_poll_may_be_quicker_than_the_acknowledgement() -> None:
    ledger, bob = Ledger(), tab()
    letter = send(ledger, 1, acknowledge=False)
    bring(ledger, bob, 1)
    ledger.acknowledged("m1", message(1, "m1"))
    assert letter.is_delivered
    assert ledger.doubled == 0


def test_the_sender_gets_his_own_and_that_is_no_delivery() -> None:
    ledger = Ledger()
    send(ledger, 1)
    assert ledger.brought("ann", message(1, "m1")) is None
    assert (ledger.delivered, ledger.doubled) == (0, 0)


def test_brought_twice_is_doubled() -> None:
    ledger, bob = Ledger(), tab()
    send(ledger, 1)
    bring(ledger, bob, 1)
    bring(ledger, bob, 1)
    assert (ledger.delivered, ledger.doubled) == (1, 1)


def test_stored_twice_under_one_client_id_is_doubled() -> None:
    ledger, bob = Ledger(), tab()
    send(ledger, 1)
    bring(ledger, bob, 1)
    ledger.brought("bob", message(2, "m1", id=2))
    assert (ledger.delivered, ledger.doubled) == (1, 1)


def test_skipped_by_the_feed_is_lost_even_where_the_next_snapshot_covers_it() -> None:
    ledger, bob = Ledger(), tab()
    first, second = send(ledger, 1), send(ledger, 2)
    assert not bring(ledger, bob, 2)  # out of order
    ledger.close(bob)
    ledger.close(tab(last_number=2), is_end=True)
    assert (first.is_lost, second.is_lost) == (True, False)


def test_covered_by_the_snapshot_is_looked_up_in_the_history() -> None:
    ledger = Ledger()
    letter = send(ledger, 1)
    ledger.close(tab(last_number=1), is_end=True)
    assert not letter.is_lost
    assert ledger.to_verify() == {1: {"m1": letter}}


def test_due_in_a_tab_that_is_open_at_the_end_is_lost() -> None:
    ledger = Ledger()
    letter = send(ledger, 1)
    ledger.close(tab(), is_end=True)
    assert letter.is_lost


def test_never_acknowledged_is_never_lost() -> None:
    ledger = Ledger()
    letter = send(ledger, 1, acknowledge=False)
    ledger.close(tab(), is_end=True)
    assert not letter.is_lost
    assert not ledger.to_verify()


@pytest.mark.parametrize(("ago", "overdue"), [(LATE + 1, True), (LATE - 1, False)])
def test_long_due_when_the_tab_is_closed_is_overdue_and_not_lost(ago: float, overdue: bool) -> None:
    ledger, bob = Ledger(), tab()
    letter = send(ledger, 1)
    bob.since = letter.acknowledged_at = time.perf_counter() - ago
    ledger.close(bob)
    assert (letter.is_overdue, letter.is_lost) == (overdue, False)


def test_what_the_snapshot_held_may_come_again() -> None:
    bob = tab(last_number=2)
    assert [bob.bring(message(number, "x")) for number in (1, 2, 3, 5, 4)] == [True, True, True, False, False]


def test_the_chosen_know_one_another() -> None:
    friends = {"a": "d", "b": "e", "c": "f", "d": "af", "e": "b", "f": "cd"}
    accounts = [Account(name, friends=list(of_name)) for name, of_name in friends.items()]
    assert [account.name for account in choose(accounts, 4)] == ["a", "d", "f", "c"]
    assert len(choose(accounts, 6)) == 6
    assert len(choose(accounts, 9)) == 6
