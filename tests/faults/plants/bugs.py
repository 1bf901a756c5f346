"""Bugs, planted one at a time to see whether the harness catches them: each is a mistake that somebody could make.

`BUGS[name](node)` makes the worker wrong. Where a bug would show only now and then, it is made to show
always (a wait in the window that it opens): a self-test that needs luck proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.plants import bugs_changes as changes
from tests.faults.plants import bugs_delivery as delivery
from tests.faults.plants import bugs_people as people
from tests.faults.plants import bugs_storage as storage
from tests.faults.switches import Switches
from webchat.node import Node

BUGS: dict[str, Callable[[Node], None]] = {
    make.__name__: make
    for make in (
        storage.ignored_client_ids,
        storage.deduplication_per_worker,
        delivery.late_subscription,
        delivery.no_gap_check,
        storage.ring_before_commit,
        storage.answer_before_commit,
        delivery.cursor_past_unseen,
        delivery.deaf_to_reconnects,
        delivery.dropping_drain,
        delivery.forgetful_linger,
        storage.early_receipts,
        storage.unread_not_moved,
        storage.revoked_polls_on,
        storage.dishonest_refusal,
        delivery.endless_poll,
        storage.ghosts,
        delivery.leaking_mailboxes,
        delivery.shuffled_answers,
        storage.lost_jobs,
        storage.unlocked_numbers,
        storage.unattached_files,
        changes.untold_changes,
        changes.changes_untold_in_groups,
        changes.lost_reactions,
        people.lost_blocks,
        people.untold_profiles,
    )
}


def install(node: Node, switches: Switches) -> None:
    for name, make in BUGS.items():
        if switches.is_on(f"bug.{name}"):
            make(node)
