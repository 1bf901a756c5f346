"""build_node(settings): the one place that picks the engines and wires the parts of a worker together."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from webchat.data.blobs import Blobs
from webchat.data.bus import Bus
from webchat.data.bus_redis import open_bus
from webchat.data.committer import Committer
from webchat.data.database import is_postgres, open_committer, open_duty, open_engine, open_replica, open_retention
from webchat.data.duty import Duty
from webchat.data.engine import Engine
from webchat.data.one_host import POSTGRESQL, SQLITE, OneHost
from webchat.data.replica import Replica
from webchat.data.retention import Retention
from webchat.data.spans import Spans
from webchat.data.store import Store
from webchat.entities.feed import Alarm, Ring
from webchat.errors import Unavailable
from webchat.logic import files
from webchat.logic.accounts import Accounts
from webchat.logic.blocks import Blocks
from webchat.logic.changes import Changes
from webchat.logic.chat import Chat
from webchat.logic.export import Export
from webchat.logic.farewell import Farewell
from webchat.logic.files import Files
from webchat.logic.friends import Friends
from webchat.logic.groups import Groups
from webchat.logic.hub import Hub, Limits
from webchat.logic.passwords import Hasher
from webchat.logic.presence import Presence
from webchat.logic.profiles import Profiles
from webchat.logic.receipts import Receipts
from webchat.logic.search import Search
from webchat.logic.sessions import Sessions
from webchat.logic.traces import TracedChat, TracedCommits, TracedHub, Traces
from webchat.logic.typing import Typing
from webchat.settings import Settings

PARKED_SHARE = 0.8  # of a worker's connections: the rest is for sends and all else

log = structlog.get_logger()


@dataclass(frozen=True)
class Node:
    """One worker's parts, wired; `start` once inside the worker process."""

    settings: Settings
    worker: str
    engine: Engine
    store: Store
    committer: Committer
    duty: Duty
    replica: Replica
    retention: Retention
    one_host: OneHost
    bus: Bus
    hub: Hub
    presence: Presence
    accounts: Accounts
    sessions: Sessions
    farewell: Farewell
    friends: Friends
    blocks: Blocks
    profiles: Profiles
    chat: Chat
    export: Export
    files: Files
    groups: Groups
    receipts: Receipts
    typing: Typing
    changes: Changes
    search: Search
    spans: Spans | None

    def start(self) -> None:
        if self.spans:
            self.spans.start()
        self.committer.start()
        self.bus.start(self.hub)
        # We may be the successor of a worker that was killed between a commit and its rings.
        self.bus.ring([Alarm()])
        self.presence.beat(deaf=False)

    def drain(self) -> None:
        """Answer all parked polls now; see `Hub.drain`."""
        self.hub.drain()

    def stop(self) -> None:
        """Commit what waits, then let go of everything."""
        self.committer.stop()
        self.bus.stop()
        self.duty.close()
        self.replica.close()
        self.engine.close()
        if self.spans:
            self.spans.stop()

    def database_ok(self) -> bool:
        try:
            return bool(self.store.epoch())
        except Unavailable:
            return False


def build_node(settings: Settings) -> Node:
    """Open the (prepared) database and wire a worker. Starts nothing."""
    worker = secrets.token_hex(6)
    engine = open_engine(settings)
    store = Store(engine.reader)
    epoch = store.epoch()
    bus = open_bus(settings.redis_url, epoch, worker)
    limits = Limits(
        linger=settings.linger,
        per_session=settings.polls_per_session,
        per_user=settings.polls_per_user,
        per_worker=int(settings.connections * PARKED_SHARE),
    )
    spans = Spans(settings.traces_url, worker) if settings.traces_url else None
    traces = Traces(spans, epoch, settings.traces_share) if spans else None
    beside = store, bus, epoch, limits, now_ms
    hub = TracedHub(traces, *beside) if traces else Hub(*beside)

    def committed(rings: Sequence[Ring]) -> None:
        """Tell this worker's own polls at once, and everybody else's through the doorbell."""
        hub.deliver(rings)
        bus.ring(rings)

    committer = open_committer(engine, traces.ringing(committed) if traces else committed)
    duty = open_duty(settings, engine)
    replica = open_replica(settings, engine, committer, duty)
    presence = Presence(store, committer, worker, hub.users, settings.dead_after)
    hub.residents = presence
    hasher = Hasher()
    sessions = Sessions(store, committer, hasher, now_ms)
    kept = open_files(settings, store, committer)
    groups = Groups(store, committer, now_ms, settings.group_max)
    rest = hub.cursor, now_ms
    if traces:
        chat: Chat = TracedChat(traces, engine, store, replica, TracedCommits(traces, committer), *rest)
    else:
        chat = Chat(engine, store, replica, committer, *rest)
    return Node(
        settings,
        worker,
        engine,
        store,
        committer,
        duty,
        replica,
        open_retention(settings, engine, committer),
        OneHost(settings.redis_url, POSTGRESQL if is_postgres(settings) else SQLITE, duty),
        bus,
        hub,
        presence,
        Accounts(store, committer, hasher, now_ms, settings.session_days),
        sessions,
        Farewell(committer, sessions, (groups.leave_all,)),
        Friends(store, committer),
        Blocks(store, committer),
        Profiles(store, committer, now_ms),
        chat,
        Export(store, chat, sessions, now_ms),
        kept,
        groups,
        Receipts(store, committer),
        Typing(store, bus),
        Changes(committer, now_ms, kept.forget_later),
        Search(engine, store, replica, committer),
        spans,
    )


def open_files(settings: Settings, store: Store, committer: Committer) -> Files:
    limits = files.Limits(settings.file_max * files.MIB, settings.files_unsent * files.MIB, settings.file_types)
    return Files(store, committer, Blobs(settings.files_folder), now_ms, limits)


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000
