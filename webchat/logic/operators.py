"""What an operator may do, each in one transaction with its line in the audit.

`by` names who does it. An act that changes nothing is refused, so that the audit tells no tales.
"""

from __future__ import annotations

from typing import NamedTuple

from webchat.data import accounts, audit, changes, people
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.talk import Message
from webchat.errors import Conflict, Invalid, NotFound
from webchat.logic.accounts import check_name

REASON_MAX = 200  # characters


class By(NamedTuple):
    """Who does it, and when (Unix ms)."""

    actor: str
    now: int

    def record(self, tx: Transaction, action: str, subject: str, detail: str = "") -> None:
        audit.record(tx, audit.Act(self.now, self.actor, action, subject, detail))


def create_user(tx: Transaction, by: By, name: str, hashed: str) -> str:
    check_name(name)
    if tx.add_user(name, hashed, by.now) is None:
        raise Conflict(f"the name {name} is taken", code="name_taken")
    by.record(tx, "user create", name)
    return name


def disable_user(tx: Transaction, by: By, name: str) -> tuple[str, int]:
    """No log-in from now on, and the end of all sessions; the name, and how many there were."""
    user, spelled = _known(tx, name, "active")
    accounts.set_disabled(tx, user, True)
    ended = accounts.end_sessions(tx, user)
    by.record(tx, "user disable", spelled, _sessions(ended))
    return spelled, ended


def enable_user(tx: Transaction, by: By, name: str) -> str:
    user, spelled = _known(tx, name, "disabled")
    accounts.set_disabled(tx, user, False)
    by.record(tx, "user enable", spelled)
    return spelled


def reset_password(tx: Transaction, by: By, name: str, hashed: str) -> tuple[str, int]:
    """The end of all sessions, too; the name, and how many there were."""
    user, spelled = _known(tx, name, "active", "disabled")
    accounts.set_password(tx, user, hashed)
    ended = accounts.end_sessions(tx, user)
    by.record(tx, "user reset-password", spelled, _sessions(ended))
    return spelled, ended


def delete_message(tx: Transaction, by: By, id: int, reason: str) -> tuple[Message, list[str]]:
    """The message as it was, and the digests of its files, for `Files.forget` after the commit."""
    if len(reason) > REASON_MAX or not reason.isprintable():
        raise Invalid(f"a reason is one line of at most {REASON_MAX} characters", code="bad_reason")
    message = _message(tx, id)
    changes.hold_members(tx, message.conversation, changes.named(tx, message.conversation, message.mentions))
    held = changes.hold(tx, id)
    if held is None or held.message.deleted:
        raise Conflict(f"message {id} is deleted already", code="deleted")
    message = held.message
    _, digests = changes.delete(tx, held, by.now)
    by.record(tx, "message delete", str(id), _where(message) + (f": {reason}" if reason else ""))
    return message, digests


def read_message(tx: Transaction, by: By, id: int) -> tuple[Message, list[changes.Said]]:
    """The message and what it said before. Recorded, as it may be what somebody has taken back."""
    message = _message(tx, id)
    by.record(tx, "message history", str(id), _where(message))
    return message, changes.versions(tx, id)


def must_exist(store: Store, name: str) -> tuple[int, str]:
    """Whose account this is, in whatever state. Raises NotFound, Invalid."""
    check_name(name)
    found = store.user_even_disabled(name)
    if found is None:
        raise NotFound(f"there is nobody of the name {name}")
    return found


def _known(tx: Transaction, name: str, *states: people.State) -> tuple[int, str]:
    """The account, which nobody else changes meanwhile. Raises Conflict where it is in another state."""
    user, spelled = must_exist(tx, name)
    accounts.hold(tx, [user])
    state = people.state(tx, user)
    if state not in states:
        advice = ": that is for good" if state == "removed" else " already"
        raise Conflict(f"the account {spelled} is {state}{advice}", code=state)
    return user, spelled


def _message(tx: Transaction, id: int) -> Message:
    message = changes.message(tx, id)
    if message is None:
        raise NotFound(f"there is no message {id}")
    return message


def _sessions(count: int) -> str:
    return f"{count} session{'' if count == 1 else 's'} ended"


def _where(message: Message) -> str:
    return f"number {message.number} in conversation {message.conversation}, from {message.sender}"
