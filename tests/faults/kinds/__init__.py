"""The fault kinds, in one table. A new one is a class here and a line below."""

from __future__ import annotations

from tests.faults.kinds.clients import (
    BadCursors,
    ClientsVanish,
    ReconnectStorm,
    RepeatedPosts,
    ResetInAnswer,
    SlowReader,
)
from tests.faults.kinds.clocks import ClockBack, ClockForward
from tests.faults.kinds.database import DatabaseRestart, DiskFull, SessionsEnded, WriteLock
from tests.faults.kinds.doorbell import (
    ConnectionsCut,
    Partition,
    PartitionDown,
    PartitionUp,
    PubsubKill,
    ValkeyFlush,
    ValkeyFreeze,
    ValkeyFull,
    ValkeyKill,
    ValkeyPause,
    ValkeyReadonly,
)
from tests.faults.kinds.hosts import HostCut, RollingUpgrade, ShardFailover, SlotMove
from tests.faults.kinds.kind import Kind, Scene
from tests.faults.kinds.processes import (
    CrashBeforeAnswer,
    CrashBeforeCommit,
    CrashBeforeRing,
    LauncherKill,
    RollingHup,
    WorkerFreeze,
    WorkerKill,
    WorkerTerm,
)

__all__ = ["KINDS", "Kind", "Scene"]

KINDS: dict[str, type[Kind]] = {
    kind.name(): kind
    for kind in (
        WorkerKill,
        WorkerFreeze,
        WorkerTerm,
        RollingHup,
        LauncherKill,
        CrashBeforeCommit,
        CrashBeforeRing,
        CrashBeforeAnswer,
        ValkeyKill,
        ValkeyFreeze,
        ValkeyPause,
        ValkeyFull,
        ValkeyReadonly,
        ValkeyFlush,
        PubsubKill,
        ConnectionsCut,
        PartitionUp,
        PartitionDown,
        Partition,
        WriteLock,
        DiskFull,
        DatabaseRestart,
        SessionsEnded,
        ClientsVanish,
        ReconnectStorm,
        ResetInAnswer,
        SlowReader,
        RepeatedPosts,
        BadCursors,
        ClockForward,
        ClockBack,
        HostCut,
        ShardFailover,
        SlotMove,
        RollingUpgrade,
    )
}
