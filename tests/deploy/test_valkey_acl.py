"""The chat under the shipped ACL: it can do all that it needs, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from tests.client import Client, Reader, request, until
from tests.conftest import FAST
from tests.load.peers.deployment import connects, free_ports
from tests.valkey import PASSWORD, shipped_acl
from tests.workers.launched import Launched
from workers.embedded import find_server
from workers.processes import spawn, stop


class Guarded(NamedTuple):
    url: str
    as_chat: redis.Redis
    as_admin: redis.Redis


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Guarded]:
    """A server with the shipped ACL, and one user more: who looks into its log."""
    (port,) = free_ports(1)
    acl = shipped_acl(tmp_path)
    command: list[str | Path] = [find_server(), "--bind", "127.0.0.1", "--port", str(port), "--aclfile", acl]
    with (tmp_path / "log").open("wb") as log:
        server = spawn([*command, "--save", ""], cwd=tmp_path, stdout=log.fileno(), stderr=subprocess.STDOUT)
    try:
        until("it listens", lambda: connects(("127.0.0.1", port)))
        chat = redis.Redis(port=port, username="webchat", password=PASSWORD, protocol=2)
        admin = redis.Redis(port=port, username="admin", password="admin", protocol=2)
        with chat, admin:
            yield Guarded(f"redis://webchat:{PASSWORD}@127.0.0.1:{port}", chat, admin)
    finally:
        stop(server, 2)


def test_chat_goes_through_it_and_nothing_is_refused(valkey: Guarded, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Launched(data, redis_url=valkey.url, **FAST) as first, Launched(data, redis_url=valkey.url, **FAST) as second:
        nodes = [("127.0.0.1", node.ready().port) for node in (first, second)]
        for node in nodes:
            until("its doorbell is heard", lambda node=node: heard(node))  # type: ignore[misc]
        one, other = Client(nodes[:1]).register(), Client(nodes[1:]).register()
        conversation = one.befriend(other)
        with Reader(other) as reader:
            for number in range(20):
                one.send(conversation, f"m{number}")
            until("all have come to the other node", lambda: len(reader.texts()) == 20)
        assert valkey.as_admin.execute_command("ACL", "LOG") == []
        assert all(heard(node) for node in nodes)
        first.stop()
        second.stop()


def heard(node: tuple[str, int]) -> bool:
    return bool(request(node, "GET", "/readyz").body["doorbell"] == "heard")


@pytest.mark.parametrize(
    "command",
    [
        ("GET", "webchat:1"),
        ("SET", "webchat:1", "x"),
        ("KEYS", "*"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("CLIENT", "LIST"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("EVAL", "return 1", "0"),
        ("PUBLISH", "another", "x"),
        ("SUBSCRIBE", "another"),
        ("PSUBSCRIBE", "*"),
        ("SPUBLISH", "another", "x"),
        ("SSUBSCRIBE", "another"),
        ("PUBSUB", "CHANNELS"),
        ("CLUSTER", "NODES"),
        ("CLUSTER", "RESET"),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_it_may_do_nothing_else(valkey: Guarded, command: tuple[str, ...]) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        valkey.as_chat.execute_command(*command)


def test_who_has_no_name_may_do_nothing(valkey: Guarded) -> None:
    port = valkey.as_chat.connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port, protocol=2) as nobody, pytest.raises(redis.exceptions.AuthenticationError):
        nobody.ping()
