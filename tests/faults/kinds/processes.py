"""Workers and launchers that die, freeze, or are told to go."""

from __future__ import annotations

import signal

from tests.faults import processes
from tests.faults.kinds.kind import Kind
from tests.faults.plants.crash import POINTS

BOOT = 6.0  # seconds in which a new worker serves, on a machine that is busy with all the others


class WorkerKill(Kind):
    """SIGKILL to a worker"""

    cuts = True
    stalls = BOOT
    promise = BOOT

    def inject(self) -> None:
        if pid := self.stage.a_worker(self.rng, self.node):
            processes.send(pid, signal.SIGKILL)


class WorkerFreeze(Kind):
    """SIGSTOP to a worker for 5 s"""

    lasts = (5.0, 5.0)
    stalls = 6.0

    def inject(self) -> None:
        self.pid = self.stage.a_worker(self.rng, self.node)
        if self.pid:
            processes.send(self.pid, signal.SIGSTOP)

    def heal(self) -> None:
        if self.pid:
            processes.send(self.pid, signal.SIGCONT)


class WorkerTerm(Kind):
    """SIGTERM to a worker: it drains, and no request may fail"""

    stalls = BOOT
    promise = BOOT

    def inject(self) -> None:
        if pid := self.stage.a_worker(self.rng, self.node):
            processes.send(pid, signal.SIGTERM)


class RollingHup(Kind):
    """SIGHUP to the launchers one by one: every worker is replaced, and no request may fail"""

    stalls = BOOT
    promise = BOOT
    lasts = (2.0, 3.0)

    def inject(self) -> None:
        for node in self.stage.nodes:
            node.hup()


class LauncherKill(Kind):
    """SIGKILL to a launcher, and another one started on its port"""

    cuts = True
    stalls = BOOT
    promise = BOOT + 4
    lasts = (0.5, 2.0)

    def inject(self) -> None:
        self.node.kill_launcher()

    def heal(self) -> None:
        self.node.restart()


class _Crash(Kind):
    cuts = True
    stalls = BOOT
    promise = BOOT
    lasts = (1.5, 1.5)  # the next send in whichever worker is the shot
    point = ""

    def inject(self) -> None:
        self.stage.switches.on(self.point)

    def heal(self) -> None:
        self.stage.switches.off(self.point)


class CrashBeforeCommit(_Crash):
    """a worker dies with its transaction open"""

    point = POINTS[0]


class CrashBeforeRing(_Crash):
    """a worker dies after the commit, before the ring and the answer"""

    point = POINTS[1]


class CrashBeforeAnswer(_Crash):
    """a worker dies after the ring, before the answer"""

    point = POINTS[2]
