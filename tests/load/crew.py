"""All client processes, as one: the scenario's hand on them."""

from __future__ import annotations

import multiprocessing
import secrets
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from tests.load import crowd
from tests.load.crowd import Share, Status
from tests.load.dialect import Dialect, User
from tests.load.net import Address
from tests.load.tally import Delivery, Record, count

STEP = 0.1  # seconds between two looks
RENEWED = 0.06  # of all polls are answered in a second because their hold of some 25 s is over, and some spare
PARK, PARK_EACH = 60.0, 0.02  # seconds that all may take, and each besides
QUIET = 1.0  # seconds without any answer after which all are settled
Show = Callable[[str, float], None]  # what is going on, and which part of it is done (0 to 1)


class Stuck(Exception):
    """The clients wait for something that does not come."""


class Crew:
    """`users` in the order of their indexes; the processes share them out among themselves."""

    def __init__(
        self, addresses: list[Address], dialect: Dialect, users: list[User], processes: int, show: Show, seed: int = 1
    ) -> None:
        self.users = users
        self._show = show
        self._processes: list[Any] = []
        self._pipes: list[Connection] = []
        run = secrets.token_hex(3).encode()
        names = [user.name for user in users]
        context = multiprocessing.get_context("spawn")  # a fork would inherit the threads of the progress bar
        for process in range(processes):
            ours, theirs = context.Pipe()
            share = Share(process, processes, run, seed, addresses, dialect, users[process::processes], names)
            child = context.Process(target=crowd.main, args=(share, theirs), daemon=True)
            child.start()
            theirs.close()
            self._processes.append(child)
            self._pipes.append(ours)

    def tell(self, *command: Any) -> list[Any]:
        """The same command to all, at the same time; what they answer. Raises Stuck."""
        try:
            for pipe in self._pipes:
                pipe.send(command)
            return [pipe.recv() for pipe in self._pipes]
        except (EOFError, OSError):
            raise Stuck("a client process has ended by itself; what it wrote stands above") from None

    def pids(self) -> list[int]:
        return [child.pid for child in self._processes if child.pid is not None]

    def status(self) -> Status:
        return Status(*map(sum, zip(*self.tell("status"), strict=True)))

    def park(self, count: int) -> float:
        """The first `count` users park, and nothing happens any more; the seconds until the last one's poll was
        under way. Raises Stuck."""
        started = time.monotonic()
        self.tell("park", count)
        limit = PARK + count * PARK_EACH
        self.until(lambda now: not now.entering and now.parked >= count, f"{count:,} polls parked", limit, count)
        took = time.monotonic() - started
        self.settle()
        return took

    def renew(self, count: int) -> None:
        """All polls end and begin anew, each on its node: none of them then ends soon. Raises Stuck."""
        self.tell("drop")
        self.tell("back", False)
        self.until(lambda now: now.parked >= count, f"{count:,} polls begun anew", PARK + count * PARK_EACH, count)
        self.settle()

    def settle(self, quiet: float = QUIET, seconds: float = 30.0) -> None:
        """Wait until no polls were answered for `quiet` seconds but those whose hold is over: comings and goings have
        been told. Raises nothing: where it is never quiet, the run goes on."""
        deadline = time.monotonic() + seconds
        before = self.status()
        while time.monotonic() < deadline:
            time.sleep(quiet)
            now = self.status()
            if now.answers - before.answers <= RENEWED * quiet * now.parked:
                return
            before = now

    def until(self, look: Callable[[Status], bool], what: str, seconds: float, count: int = 0) -> None:
        """Wait for the condition. Raises Stuck that names it, with what went wrong."""
        deadline = time.monotonic() + seconds
        while not look(status := self.status()):
            if time.monotonic() > deadline:
                complaints = "; ".join(line for record in self.tell("take") for line in record.complaints)
                raise Stuck(f"not within {seconds:g} s: {what} ({status}) {complaints}")
            self._show(what, status.parked / count if count else 0.0)
            time.sleep(STEP)

    def finish(self, patience: float = 10.0, seconds: float = 120.0) -> tuple[list[Record], Delivery]:
        """No more sends; wait until all is there that was acknowledged, or until nothing has come for `patience`
        seconds, or for `seconds`. The records since the last `finish`, and their counts. Raises Stuck."""
        self.tell("still")
        deadline = time.monotonic() + seconds
        last, since = self.status(), time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - since < patience:
            time.sleep(STEP)
            now = self.status()
            if (now.acknowledged, now.delivered) != (last.acknowledged, last.delivered):
                last, since = now, time.monotonic()
            elif now.acknowledged == now.sent and now.delivered >= now.expected:
                break  # it has been so for one step: what would be doubled has had its chance
        records: list[Record] = self.tell("take")
        return records, count(records)

    def close(self) -> None:
        for pipe in self._pipes:
            try:
                pipe.send(("quit",))
                pipe.close()
            except OSError:
                continue
        for child in self._processes:
            child.join(3)
            if child.is_alive():
                child.kill()
                child.join()
