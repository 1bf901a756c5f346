"""Planted bugs in what becomes of a message later."""

from __future__ import annotations

from typing import Any

from webchat.data import changes
from webchat.data.transaction import Transaction
from webchat.entities.talk import Message
from webchat.node import Node


def untold_changes(node: Node) -> None:
    """A change is written, and told to nobody."""
    Transaction.tell_change = lambda *_: None  # type: ignore[method-assign]


def changes_untold_in_groups(node: Node) -> None:
    """The same, in groups alone."""
    tell = Transaction.tell_change

    def partial(tx: Transaction, message: Message) -> None:
        if tx.on.rows("SELECT 1 FROM conversation WHERE id = ? AND kind = 'direct'", (message.conversation,)):
            tell(tx, message)

    Transaction.tell_change = partial  # type: ignore[method-assign, assignment]


def lost_reactions(node: Node) -> None:
    """A reaction is written as if nobody else had reacted meanwhile."""
    react = changes.react

    def forgetful(tx: Transaction, held: changes.HeldMessage, reactions: dict[str, list[str]]) -> Any:
        return react(tx, held, {emoji: names[-1:] for emoji, names in [*reactions.items()][-1:]})

    changes.react = forgetful
