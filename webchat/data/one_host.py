"""SQLite serves one host, and a second one is told so before it serves.

Two ways lead there without anybody meaning it: the same file on a network file system (its locks tell, see
`engine_sqlite`), and the same Redis beside a database of one's own, as if that were enough to share a chat. So whoever
starts with SQLite asks at the doorbell who is there. Nothing is kept anywhere: only who lives can answer, so neither a
crash nor a wiped Redis, a restored backup, a new name or a new boot leaves anything that could refuse a start. Two that
start within a few seconds are both let in, and say so in their logs a minute later.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import redis
import structlog

from webchat.data.bus_redis.line import client
from webchat.data.bus_redis.servers import servers
from webchat.data.duty import Duty
from webchat.data.host import boot_id
from webchat.errors import SetupError
from webchat.redis_url import parse

PATIENCE = 1.0  # seconds for all answers: one that has died without a word is waited for in vain
TIMEOUT = 2.0  # seconds for Redis itself
LOOK_EVERY = 60.0  # seconds
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
BROKEN = (redis.RedisError, OSError, ValueError, SetupError)  # the doorbell is, or its URL


log = structlog.get_logger()


class Host(msgspec.Struct, frozen=True, tag="host"):
    """An answer. `boot`: of the kernel, see `boot_id`; `name` is for people, as is `engine`."""

    boot: str
    name: str
    engine: str


class Who(msgspec.Struct, frozen=True, tag="who"):
    """The question."""


_decoder: msgspec.json.Decoder[Host | Who] = msgspec.json.Decoder(Host | Who)


def refuse_a_second(url: str, shown: str) -> None:
    """For a node with SQLite, before it serves. Raises SetupError, with the doorbell's URL as it may be `shown`."""
    if found := others(url):
        raise SetupError(
            f"SQLite serves one host, and the doorbell {shown} is that of {found[0].name} ({found[0].engine}): share a "
            "PostgreSQL (WEBCHAT_DATABASE_URL), or give a chat of its own another database of that Redis (redis://…/1)"
        )


def others(url: str) -> list[Host]:
    """Other hosts whose nodes use this doorbell; none where it cannot be asked, which others will say."""
    ours = boot_id()
    if not ours or _is_local(url):
        return []
    try:
        with _ears(url) as (asker, ears, channel):
            waited_for = asker.publish(channel, msgspec.json.encode(Who())) - 1  # we hear ourselves
            return [host for host in _answers(ears, waited_for) if host.boot != ours]
    except BROKEN:
        return []


class OneHost:
    """What a worker that has the `duty` does about it: it answers who asks, and looks itself now and then."""

    def __init__(self, url: str, engine: str, duty: Duty) -> None:
        self._url = url
        self._engine = engine
        self._duty = duty

    def turn(self) -> None:
        """A minute of it; call it again and again. Whether the doorbell works is for others to say."""
        if _is_local(self._url):
            return
        # SQLite's is asked for with a system call; of PostgreSQL the janitor asks often enough.
        if not (self._duty.mine() if self._engine == SQLITE else self._duty.held):
            return
        with contextlib.suppress(*BROKEN):
            self._answer(time.monotonic() + LOOK_EVERY)
            if self._engine == SQLITE:
                for host in others(self._url):
                    log.error("SQLite serves one host, and there is another at this doorbell", host=host.name)

    def _answer(self, deadline: float) -> None:
        here = msgspec.json.encode(Host(boot_id(), socket.gethostname(), self._engine))
        with _ears(self._url) as (asker, ears, channel):
            while (left := deadline - time.monotonic()) > 0:
                if isinstance(_heard(ears, left), Who):
                    asker.publish(channel, here)


def _is_local(url: str) -> bool:
    """A socket of this host leads to no other one."""
    return not url or url.startswith("unix:")


@contextlib.contextmanager
def _ears(url: str) -> Iterator[tuple[Any, Any, str]]:
    """A client, subscribed to the channel of all whose URL names the same database of that Redis."""
    # Of a Cluster everybody takes the same server: there the answers are counted.
    with client(min(servers(parse(url), TIMEOUT)), TIMEOUT) as asker:
        channel = f"webchat:one-host:{asker.get_connection_kwargs().get('db') or 0}"
        with asker.pubsub() as ears:
            ears.subscribe(channel)
            deadline = time.monotonic() + TIMEOUT
            while (heard := ears.get_message(timeout=TIMEOUT)) is None or heard["type"] != "subscribe":
                if time.monotonic() > deadline:
                    raise redis.TimeoutError("the subscription is not confirmed")
            yield asker, ears, channel


def _answers(ears: Any, waited_for: int) -> Iterator[Host]:
    deadline = time.monotonic() + PATIENCE
    while waited_for > 0 and (left := deadline - time.monotonic()) > 0:
        said = _heard(ears, left)
        if isinstance(said, Host):
            waited_for -= 1
            yield said


def _heard(ears: Any, seconds: float) -> Host | Who | None:
    heard = ears.get_message(timeout=seconds)
    if heard is None or heard["type"] != "message":
        return None
    with contextlib.suppress(msgspec.DecodeError):
        return _decoder.decode(heard["data"])
    return None
