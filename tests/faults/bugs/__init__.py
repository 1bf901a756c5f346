"""The self-test: a harness that has never caught anything proves nothing.

Each bug is planted in a stage of its own and must be caught by an invariant that its scenario names; the same
scenario without the bug must pass, or the catch would be worth nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gevent
from rich.console import Console
from rich.table import Table

from tests.faults.bugs import changes, delivery, people, storage
from tests.faults.bugs.scenario import Scenario, play
from tests.faults.oracle import Violation
from tests.faults.report import show_violations
from tests.faults.stage import check_engine

SCENARIOS: dict[str, type[Scenario]] = {
    scenario.bug(): scenario
    for scenario in (
        storage.IgnoredClientIds,
        storage.DeduplicationPerWorker,
        storage.RingBeforeCommit,
        storage.AnswerBeforeCommit,
        storage.LostJobs,
        storage.UnlockedNumbers,
        storage.EarlyReceipts,
        storage.UnreadNotMoved,
        storage.DishonestRefusal,
        storage.RevokedPollsOn,
        storage.Ghosts,
        storage.KeptEpoch,
        storage.UnattachedFiles,
        delivery.LateSubscription,
        delivery.NoGapCheck,
        delivery.DeafToReconnects,
        delivery.CursorPastUnseen,
        delivery.ShuffledAnswers,
        delivery.ForgetfulLinger,
        delivery.DroppingDrain,
        delivery.EndlessPoll,
        delivery.LeakingMailboxes,
        changes.UntoldChanges,
        changes.ChangesUntoldInGroups,
        changes.LostReactions,
        people.LostBlocks,
        people.UntoldProfiles,
    )
}


def check_names(names: Sequence[str]) -> str:
    """Empty, or a sentence on what is no bug of ours."""
    wrong = [name for name in names if name not in SCENARIOS]
    return f"there is no bug {wrong[0]!r}; --list shows them" if wrong else ""


def self_test(console: Console, names: Sequence[str], seed: int, out: Path, engine: str) -> int:
    """Plant each bug, show what caught it; 1 where one was missed, or where its scenario fails without it."""
    check_engine(engine)
    table = Table("planted bug", "caught by", "seed", "seconds", "without it", title="self-test")
    failures = 0
    for name in names or SCENARIOS:
        scenario = SCENARIOS[name]
        if engine not in scenario.engines:
            continue
        console.print(f"{name}: {scenario.summary()} …", highlight=False)
        planted, clean = try_one(scenario, seed, out, engine)
        caught = verdict(scenario, planted[0])
        passed = caught and not clean[0]
        failures += not passed
        table.add_row(
            name,
            ", ".join(caught) or "[red]MISSED[/red]",
            str(seed),
            f"{planted[1]:.1f}",
            "[red]violations[/red]" if clean[0] else "clean",
        )
        if not caught or clean[0]:
            show_violations(console, clean[0] if caught else planted[0])
    console.print(table)
    console.print(f"histories: {out}", highlight=False)
    return 1 if failures else 0


def try_one(scenario: type[Scenario], seed: int, out: Path, engine: str) -> tuple[tuple[list[Violation], float], ...]:
    """(violations, seconds) with the bug and without it, side by side."""
    sides = [
        gevent.spawn(play, scenario, planted, seed, out / f"{engine}-{scenario.bug()}-{side}.jsonl", engine)
        for planted, side in ((True, "planted"), (False, "clean"))
    ]
    gevent.joinall(sides, raise_error=True)
    return sides[0].value, sides[1].value


def verdict(scenario: type[Scenario], violations: Sequence[Violation]) -> list[str]:
    """By which of the invariants that count for it the bug was caught."""
    found = {violation.invariant for violation in violations}
    return [invariant for invariant in scenario.caught_by if invariant in found]
