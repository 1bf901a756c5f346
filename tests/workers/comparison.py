"""What the two workers of a pair made of the same bytes, held against each other.

Compared are what the application saw, what came back, in which framing, how many answers, and whether the connection
went on. `tests.workers.differences` lists what may differ; a difference that is listed and does not occur is one, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.faults.processes import children
from tests.workers.answers import Answer, parse
from tests.workers.corpus import cases
from tests.workers.differences import BY_CASE, as_problems
from tests.workers.pair import Pair, Server
from tests.workers.requests import AFTER, Case

CASES = cases()


def same(case: Case, raw: tuple[bytes, bytes], after: list[Answer] | None = None, loosely: bool = False) -> str:
    """What differs and may not, for a person to read; empty when all is well.

    `after`: what `AFTER` is answered with, where it was sent. `loosely`: an intended difference may show or not.
    """
    ours, stock = ([answer._replace(fast=False) for answer in parse(each, case.head)] for each in raw)
    listed = BY_CASE.get(case.name)
    differing = listed.expect(stock, after or []) if listed else stock
    expected = as_problems(differing, case.head)
    if loosely and ours == as_problems(stock, case.head):
        return ""
    if ours == expected:
        return "" if not listed or differing != stock else f"{case.name}: this difference is listed and does not occur"
    return f"{case.name}: {case.data[:300]!r}\n  expected {shown(expected)}\n  got      {shown(ours)}"


def shown(answers: list[Answer]) -> str:
    return "\n           ".join(str(answer)[:900] for answer in answers) or "nothing"


def unlike(differing: Iterable[str]) -> list[str]:
    return [each for each in differing if each]


def everything(pair: Pair) -> list[str]:
    """All cases, whole, each with a request behind it."""
    after = [answer._replace(fast=False) for answer in parse(pair.stock.ask(AFTER))]
    came = pair.exchange([case.data + AFTER] for case in CASES)
    return unlike(same(case, raw, after) for case, raw in zip(CASES, came, strict=True))


def workers(server: Server) -> list[int]:
    """The pids of its worker processes."""
    return children(server.process.pid)
