"""Redis or Valkey: whether one can ring, and hear it, as the user that the nodes are."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import redis

from webchat.data import one_host
from webchat.data.database import is_postgres
from webchat.doctor.clock import compared
from webchat.doctor.finding import Finding, ok, problem, seconds, warning
from webchat.errors import SetupError
from webchat.settings import Settings
from workers.doorbell import without_password
from workers.embedded import OLDEST, connect, find_server, socket_path

PART = "doorbell"
ROUNDS = 11  # of which the median counts
SLOW = 0.01  # seconds
PATIENCE = 2.0  # seconds
ACL = "give its user what deploy/valkey/users.acl does"


def examine(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url:
        yield from _guarded(settings.redis_url)
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
    yield from _asked(f"unix://{path}")


def _guarded(url: str) -> Iterator[Finding]:
    parts = urlsplit(url)
    if parts.scheme == "redis" and not parts.password and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        yield warning(
            PART,
            f"{url}: no password, over the network: whoever reaches it can read what is said",
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
    shown = without_password(url)
    try:
        options: dict[str, Any] = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "protocol": 2}
        with redis.Redis.from_url(url, retry=None, **options) as client:
            client.ping()
            trip = statistics.median(_round_trip(client) for _ in range(ROUNDS))
            says = f"{shown} answers in {seconds(trip)}"
            yield ok(PART, says) if trip <= SLOW else warning(PART, says, "nearer to the nodes: every message rings it")
            yield from _version(client)
            yield from _rung(client)
            yield from _clock(client, trip)
    except redis.exceptions.NoPermissionError as error:
        yield problem(PART, f"{shown} refuses: {error}", ACL)
    except redis.exceptions.AuthenticationError as error:
        yield problem(PART, f"{shown} refuses: {error}", "the user and the password in WEBCHAT_REDIS_URL")
    except (redis.RedisError, OSError, ValueError) as error:
        remedy = "see that it runs, and that WEBCHAT_REDIS_URL leads to it"
        yield problem(PART, f"{shown} does not answer: {error}", remedy)


def _round_trip(client: Any) -> float:
    started = time.perf_counter()
    client.ping()
    return time.perf_counter() - started


def _version(client: Any) -> Iterator[Finding]:
    try:
        told = client.info("server")
    except redis.exceptions.NoPermissionError:
        return
    name = "Valkey" if "valkey_version" in told else "Redis"
    version = str(told.get("valkey_version") or told["redis_version"])
    if int(version.split(".", maxsplit=1)[0]) < OLDEST:
        yield problem(PART, f"it is {name} {version}", f"{OLDEST} or newer is needed")
    else:
        yield ok(PART, f"it is {name} {version}")


def _rung(client: Any) -> Iterator[Finding]:
    """Ring a channel of our own, and wait until that is heard."""
    channel = f"webchat:doctor:{secrets.token_hex(6)}"
    with client.pubsub() as ears:
        ears.subscribe(channel)
        deadline = time.monotonic() + PATIENCE
        started = 0.0
        while time.monotonic() < deadline:
            heard = ears.get_message(timeout=0.1)
            if heard and heard["type"] == "subscribe":
                started = time.perf_counter()
                client.publish(channel, b"")
            elif heard and heard["type"] == "message":
                yield ok(PART, f"what is rung is heard after {seconds(time.perf_counter() - started)}")
                return
    remedy = "is there a proxy in between that does not know pub/sub?"
    yield problem(PART, f"what is rung is not heard within {PATIENCE:g} s", remedy)


def _clock(client: Any, trip: float) -> Iterator[Finding]:
    try:
        before = time.time()
        whole, micro = client.time()
        yield compared("the doorbell's", whole + micro / 1e6 - (before + time.time()) / 2, trip)
    except redis.exceptions.NoPermissionError:
        return
