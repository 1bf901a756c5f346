"""Redis or Valkey: whether one can ring, and hear it, as the user that the nodes are."""

from __future__ import annotations

import itertools
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import redis

from webchat.data import one_host
from webchat.data.bus_redis.line import client
from webchat.data.bus_redis.servers import servers
from webchat.data.bus_redis.topology import first_view
from webchat.data.database import is_postgres
from webchat.doctor.clock import compared
from webchat.doctor.finding import Finding, ok, problem, seconds, warning
from webchat.errors import SetupError
from webchat.redis_url import RedisUrl, parse, without_password
from webchat.settings import Settings
from workers.embedded import OLDEST, connect, find_server, socket_path

PART = "doorbell"
ROUNDS = 11  # of which the median counts
SLOW = 0.01  # seconds
PATIENCE = 2.0  # seconds
ACL = "give its user what deploy/valkey/users.acl does"


def examine(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url:
        yield from _asked(settings.redis_url)
        if not is_postgres(settings):
            yield from _alone(settings.redis_url)
        return
    try:
        server = find_server()
    except SetupError as error:
        yield problem(PART, error.detail, "WEBCHAT_REDIS_URL, or a valkey-server on PATH")
        return
    path = socket_path(settings.folder / "run")
    line = connect(path) if path.exists() else None
    if line is None:
        yield ok(PART, f"the bundled one will be started: {server}")
        return
    line.close()
    yield from _asked(f"unix://{quote(str(path))}")


def _guarded(url: RedisUrl) -> Iterator[Finding]:
    hosts = {host for host, _ in url.hosts} - {"localhost", "127.0.0.1", "::1"}
    if url.scheme == "redis" and not url.guarded and hosts:
        yield warning(
            PART,
            f"{', '.join(sorted(hosts))}: no password, over the network: whoever reaches it can read what is said",
            f"{ACL}, and use rediss:// where the network is not yours alone",
        )


def _alone(url: str) -> Iterator[Finding]:
    for host in one_host.others(url):
        yield problem(
            PART,
            f"SQLite serves one host, and {host.name} ({host.engine}) rings at the same doorbell",
            "share a PostgreSQL (WEBCHAT_DATABASE_URL), or take another database of that Redis (redis://…/1)",
        )


def _asked(url: str) -> Iterator[Finding]:
    try:
        parsed = parse(url)
    except SetupError as error:
        yield problem(PART, error.detail, "the table in README.md has the forms")
        return
    yield from _guarded(parsed)
    if parsed.kind == "cluster":
        yield from _answering(url, lambda: _cluster(parsed))
    else:
        yield from _answering(url, lambda: _server(servers(parsed, PATIENCE)[0]))


def _cluster(url: RedisUrl) -> Iterator[Finding]:
    view = first_view(url, PATIENCE)
    if view.uncovered:
        yield problem(
            PART, f"nobody serves {view.uncovered} of its slots", "CLUSTER NODES says which master is missing"
        )
    else:
        yield ok(PART, f"its {len(view.masters)} masters serve all slots")
    for master in view.masters:
        names = (f"webchat:doctor:{secrets.token_hex(6)}" for _ in itertools.count())
        channel = next(name for name in names if view.owner(name.encode()) == master)
        server = url.server(master)
        yield from _answering(server, partial(_server, server, channel))


def _answering(url: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What is found there, or why there is no answer."""
    shown = without_password(url)
    try:
        yield from look()
    except redis.exceptions.NoPermissionError as error:
        yield problem(PART, f"{shown} refuses: {error}", ACL)
    except redis.exceptions.AuthenticationError as error:
        yield problem(PART, f"{shown} refuses: {error}", "the user and the password in WEBCHAT_REDIS_URL")
    except (redis.RedisError, OSError, ValueError, TypeError) as error:
        remedy = "see that it runs, and that WEBCHAT_REDIS_URL leads to it"
        yield problem(PART, f"{shown} does not answer: {error}", remedy)


def _server(url: str, shard_channel: str = "") -> Iterator[Finding]:
    """`shard_channel`: one that is served there, where it is a master of a cluster."""
    with client(url, PATIENCE) as one:
        one.ping()
        trip = statistics.median(_round_trip(one) for _ in range(ROUNDS))
        says = f"{without_password(url)} answers in {seconds(trip)}"
        yield ok(PART, says) if trip <= SLOW else warning(PART, says, "nearer to the nodes: every message rings it")
        yield from _version(one, sharded=bool(shard_channel))
        yield from _rung(one, shard_channel)
        yield from _clock(one, trip)


def _round_trip(one: Any) -> float:
    started = time.perf_counter()
    one.ping()
    return time.perf_counter() - started


def _version(one: Any, *, sharded: bool) -> Iterator[Finding]:
    try:
        told = one.info("server")
    except redis.exceptions.NoPermissionError:
        return
    name = "Valkey" if "valkey_version" in told else "Redis"
    version = str(told.get("valkey_version") or told["redis_version"])
    if int(version.split(".", maxsplit=1)[0]) < OLDEST:
        yield problem(PART, f"it is {name} {version}", f"{OLDEST} or newer is needed")
    else:
        yield ok(PART, f"it is {name} {version}")
    mode = told.get("server_mode") or told.get("redis_mode")
    if mode == "cluster" and not sharded:
        yield warning(
            PART,
            "it is a node of a cluster, and asked as a single server: each ring goes to all of its nodes",
            "write redis+cluster:// in WEBCHAT_REDIS_URL",
        )


def _rung(one: Any, shard_channel: str) -> Iterator[Finding]:
    """Ring a channel of our own, and wait until that is heard."""
    channel = shard_channel or f"webchat:doctor:{secrets.token_hex(6)}"
    with one.pubsub() as ears:
        (ears.ssubscribe if shard_channel else ears.subscribe)(channel)
        deadline = time.monotonic() + PATIENCE
        started = 0.0
        while time.monotonic() < deadline:
            heard = ears.get_message(timeout=0.1)
            if heard and heard["type"] in ("subscribe", "ssubscribe"):
                started = time.perf_counter()
                (one.spublish if shard_channel else one.publish)(channel, b"")
            elif heard and heard["type"] in ("message", "smessage"):
                yield ok(PART, f"what is rung is heard after {seconds(time.perf_counter() - started)}")
                return
    remedy = "is there a proxy in between that does not know pub/sub?"
    yield problem(PART, f"what is rung is not heard within {PATIENCE:g} s", remedy)


def _clock(one: Any, trip: float) -> Iterator[Finding]:
    try:
        before = time.time()
        whole, micro = one.time()
        yield compared("the doorbell's", whole + micro / 1e6 - (before + time.time()) / 2, trip)
    except redis.exceptions.NoPermissionError:
        return
