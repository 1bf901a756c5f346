"""A real Valkey Cluster: masters that share the slots evenly, each with as many replicas, on addresses of one's choice.

    with ValkeyCluster(folder, loopback(6), replicas=1) as cluster:
        cluster.url                      # redis+cluster://127.0.0.1:7001,127.0.0.1:7002,…
        cluster.move_slot(slot, other)   # the way resharding goes
        cluster.owner(slot).kill()       # its replica takes over within some seconds
        cluster.until_whole()            # every living node knows a living owner of every slot

`tests.valkey` says how its nodes are told things.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import redis

from tests.client import Address, until
from tests.valkey import Login, Server, Servers, bus_port

SLOTS = 16_384
NODE_TIMEOUT = 1.0  # seconds until a node that is silent is held for dead; Valkey's own default is 15


class ValkeyCluster(Servers):
    """The first of `addresses` become masters, the others their replicas, in turn.

    `within`: the command in front of the server's, by address (`["ip", "netns", "exec", "host1"]`).
    `options`: more of Valkey's, for every node. `login`: a user who may do everything, where the default one may not.
    """

    def __init__(
        self,
        folder: Path,
        addresses: Sequence[Address],
        replicas: int = 0,
        *,
        node_timeout: float = NODE_TIMEOUT,
        options: Sequence[str | Path] = (),
        within: Callable[[Address], Sequence[str | Path]] = lambda _: (),
        login: Login | None = None,
    ) -> None:
        assert len(addresses) % (replicas + 1) == 0
        made = itertools.count()

        def make(address: Address) -> Server:
            options_of_all = [*_options(address, node_timeout), *options]
            return Server(folder / str(next(made)), address, options_of_all, within(address), login)

        self._make = make
        self.nodes = [make(address) for address in addresses]
        self._first_masters = len(addresses) // (replicas + 1)

    @property
    def url(self) -> str:
        """All nodes, for `WEBCHAT_REDIS_URL`."""
        return "redis+cluster://" + ",".join(f"{host}:{port}" for host, port in (node.address for node in self.nodes))

    def start(self) -> None:
        """Returns when every node knows every other, all slots have an owner, and all replicas follow."""
        for node in self.nodes:
            node.start()
        masters, replicas = self.nodes[: self._first_masters], self.nodes[self._first_masters :]
        for number, node in enumerate(masters):
            node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            first, behind = (SLOTS * at // len(masters) for at in (number, number + 1))
            node.command("CLUSTER", "ADDSLOTSRANGE", first, behind - 1)
        for node in self.nodes[1:]:
            self._meet(node)
        until("all nodes have met", lambda: all(self._knows_all(node) for node in self.nodes), 20)
        for number, node in enumerate(replicas):
            node.command("CLUSTER", "REPLICATE", self.id_of(masters[number % len(masters)]))
        until("all replicas follow", lambda: all(_follows(node) for node in replicas), 20)
        self.until_whole()

    def add(self, address: Address) -> Server:
        """One master more, without a slot yet."""
        node = self._make(address)
        self.nodes.append(node)
        node.start()
        self._meet(node)
        until("it has met all the others", lambda: all(map(self._knows_all, self.living())), 20)
        return node

    def remove(self, node: Server) -> None:
        """One that has no slots."""
        gone = self.id_of(node)
        self.nodes.remove(node)
        for other in self.living():
            other.command("CLUSTER", "FORGET", gone)
        node.kill()

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()

    def until_whole(self, seconds: float = 20.0) -> None:
        until("the cluster is whole", lambda: all(_is_whole(node) for node in self.living()), seconds)

    def living(self) -> list[Server]:
        return [node for node in self.nodes if node.runs]

    def masters(self) -> list[Server]:
        """Of the living nodes, those that own slots, as they themselves say."""
        return [node for node in self.living() if _own_slots(node)]

    def owner(self, slot: int) -> Server:
        """Who serves the slot now. Asks every node."""
        (found,) = (node for node in self.living() if any(low <= slot <= high for low, high in _own_slots(node)))
        return found

    def replicas_of(self, master: Server) -> list[Server]:
        wanted = self.id_of(master)
        return [node for node in self.living() if _myself(node)[3] == wanted]

    def id_of(self, node: Server) -> str:
        return str(node.command("CLUSTER", "MYID"))

    def move_slot(self, slot: int, to: Server) -> None:
        """As resharding does it, where the slot has no keys: a doorbell has none."""
        source = self.owner(slot)
        if source is to:
            return
        new = self.id_of(to)
        to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", new)
        for node in (to, source, *self.masters()):
            node.command("CLUSTER", "SETSLOT", slot, "NODE", new)

    def failover(self, replica: Server) -> None:
        """The replica becomes the master, both being alive, as before maintenance."""
        replica.command("CLUSTER", "FAILOVER")
        until(f"{replica!r} is the master", lambda: _own_slots(replica), 20)

    def _meet(self, node: Server) -> None:
        host, port = self.nodes[0].address
        node.command("CLUSTER", "MEET", host, port, bus_port(port))

    def _knows_all(self, node: Server) -> bool:
        lines = [line.split() for line in str(node.command("CLUSTER", "NODES")).splitlines()]
        return len(lines) == len(self.nodes) and all(
            line[7] == "connected" and "handshake" not in line[2] for line in lines
        )


def _options(address: Address, node_timeout: float) -> list[str]:
    options = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(round(node_timeout * 1000))]
    options += ["--cluster-allow-replica-migration", "no"]  # who does what is the caller's choice
    options += ["--cluster-port", str(bus_port(address[1])), "--cluster-announce-ip", address[0]]
    return [*options, "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"]


def _myself(node: Server) -> list[str]:
    """Its own line of CLUSTER NODES: id, address, flags, master, …, and from the ninth on its slots."""
    lines = str(node.command("CLUSTER", "NODES")).splitlines()
    return next(line.split() for line in lines if "myself" in line)


def _own_slots(node: Server) -> list[tuple[int, int]]:
    me = _myself(node)
    if "master" not in me[2]:
        return []
    ranges = (part.partition("-") for part in me[8:] if not part.startswith("["))
    return [(int(low), int(high or low)) for low, _, high in ranges]


def _follows(node: Server) -> bool:
    return bool(node.command("INFO", "replication").get("master_link_status") == "up")


def _is_whole(node: Server) -> bool:
    try:
        return "cluster_state:ok" in str(node.command("CLUSTER", "INFO"))
    except redis.RedisError:
        return False
