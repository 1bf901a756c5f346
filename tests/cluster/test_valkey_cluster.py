"""Two nodes on a Valkey Cluster, under the shipped ACL: a shard may fail over and slots may move while people chat."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.client import Client, Reader, until
from tests.cluster.test_two_nodes import chat, check
from tests.conftest import Cluster, two_nodes
from tests.valkey import ADMIN, PASSWORD, REPLICA, loopback, shipped_acl
from tests.valkey_cluster import ValkeyCluster
from webchat.doctor import doorbell
from webchat.settings import Settings


class Machine(NamedTuple):
    valkey: ValkeyCluster
    url: str
    chat: Cluster

    def doorbells(self) -> set[str]:
        return {Client([node]).call("GET", "/readyz").body["doorbell"] for node in self.chat.nodes}

    def until_heard(self) -> None:
        until("all doorbells are heard", lambda: self.doorbells() == {"heard"}, 20)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    folder = Path(tempfile.mkdtemp(prefix="webchat-vc-"))  # not pytest's: a socket's path is short
    options: list[str | Path] = [
        "--aclfile",
        shipped_acl(folder),
        "--masteruser",
        REPLICA[0],
        "--masterauth",
        REPLICA[1],
    ]
    try:
        with ValkeyCluster(folder, loopback(6), replicas=1, options=options, login=ADMIN) as valkey:
            url = valkey.url.replace("://", f"://webchat:{PASSWORD}@")
            with two_nodes(folder, redis_url=url) as nodes:
                made = Machine(valkey, url, nodes)
                made.until_heard()
                yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_what_happens_to_shards_costs_nothing_but_time(machine: Machine) -> None:
    ann, bob, talk = machine.chat.pair()
    with Reader(ann) as anns, Reader(bob) as bobs:
        sent = [chat(ann, talk, "before", 10)]
        check([anns, bobs], sent, talk)
        channels = {
            (name, node)
            for node in machine.valkey.masters()
            for name in node.command("PUBSUB", "SHARDCHANNELS", "webchat:*")
            if name.split(":")[2:] in (["1"], ["2"])
        }
        assert len(channels) == 2, "ann's and bob's"
        for name, node in sorted(channels, key=str):
            slot = int(node.command("CLUSTER", "KEYSLOT", name))
            other = next(master for master in machine.valkey.masters() if master is not node)
            machine.valkey.move_slot(slot, other)
            sent.append(chat(ann, talk, f"moved {name}", 5))
        check([anns, bobs], sent, talk)

        dead = machine.valkey.owner(slot)
        dead.kill()
        sent.append(chat(bob, talk, "one is dead", 10))
        check([anns, bobs], sent, talk)
        until("its replica took over", lambda: len(machine.valkey.masters()) == 3, 20)
        machine.until_heard()
        sent.append(chat(ann, talk, "after", 10))
        check([anns, bobs], sent, talk)
        dead.start()
    for node in machine.valkey.living():
        assert node.command("ACL", "LOG") == [], "the shipped ACL refuses nothing that is needed"


def test_the_doctor_finds_it_well(machine: Machine) -> None:
    machine.valkey.until_whole()
    found = list(doorbell.examine(Settings(redis_url=machine.url)))
    assert [finding for finding in found if finding.level != "ok"] == []
    says = [finding.says for finding in found]
    assert "its 3 masters serve all slots" in says
    assert len([one for one in says if "is heard after" in one]) == 3
    assert PASSWORD not in str(says)


def test_the_doctor_says_that_a_single_server_is_a_node_of_a_cluster(machine: Machine) -> None:
    (host, port) = machine.valkey.masters()[0].address
    found = doorbell.examine(Settings(redis_url=f"redis://webchat:{PASSWORD}@{host}:{port}"))
    (warned,) = (finding for finding in found if finding.level != "ok")
    assert "node of a cluster" in warned.says
