"""Valkey killed, frozen, wiped, refusing, or out of reach."""

from __future__ import annotations

import contextlib

import redis

from tests.faults.kinds.kind import Kind
from tests.faults.valkey import Valkey

UNLIMITED = 0


class _Doorbell(Kind):
    places = ("loopback",)

    @property
    def valkey(self) -> Valkey:
        assert isinstance(self.stage.valkey, Valkey)
        return self.stage.valkey

    def ask(self, *words: str | int) -> None:
        with contextlib.suppress(redis.RedisError):  # another fault may have it under its thumb
            self.valkey.command(*words)


class ValkeyKill(_Doorbell):
    """SIGKILL to Valkey, restarted empty"""

    lasts = (1.0, 4.0)

    def inject(self) -> None:
        self.valkey.kill()

    def heal(self) -> None:
        self.valkey.start()


class ValkeyFreeze(_Doorbell):
    """SIGSTOP to Valkey"""

    lasts = (2.0, 5.0)

    def inject(self) -> None:
        self.valkey.freeze()

    def heal(self) -> None:
        self.valkey.thaw()


class PubsubKill(_Doorbell):
    """CLIENT KILL TYPE pubsub"""

    promise = 1.0

    def inject(self) -> None:
        self.ask("CLIENT", "KILL", "TYPE", "pubsub")


class ValkeyPause(_Doorbell):
    """CLIENT PAUSE for 3 s"""

    lasts = (3.0, 3.0)

    def inject(self) -> None:
        self.ask("CLIENT", "PAUSE", 3000, "ALL")

    def heal(self) -> None:
        self.ask("CLIENT", "UNPAUSE")


class ValkeyFull(_Doorbell):
    """maxmemory reached, and nothing may be evicted"""

    lasts = (1.5, 3.0)
    promise = 1.0

    def inject(self) -> None:
        self.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.ask("CONFIG", "SET", "maxmemory", 1)

    def heal(self) -> None:
        self.ask("CONFIG", "SET", "maxmemory", UNLIMITED)


class ValkeyReadonly(_Doorbell):
    """READONLY: Valkey thinks that it is a replica of nowhere"""

    lasts = (1.5, 3.0)
    promise = 1.0

    def inject(self) -> None:
        self.ask("REPLICAOF", "127.0.0.1", 1)

    def heal(self) -> None:
        self.ask("REPLICAOF", "NO", "ONE")


class ValkeyFlush(_Doorbell):
    """FLUSHALL"""

    promise = 1.0

    def inject(self) -> None:
        self.ask("FLUSHALL")


class ConnectionsCut(Kind):
    """a node's connections to Valkey reset, and refused for a moment"""

    places = ("loopback",)
    promise = 1.0
    lasts = (0.2, 3.0)

    def inject(self) -> None:
        self.node.proxy.cut()

    def heal(self) -> None:
        self.node.proxy.heal()


class PartitionUp(Kind):
    """one-way partition: a node hears Valkey and does not reach it"""

    places = ("loopback",)
    lasts = (1.0, 5.0)

    def inject(self) -> None:
        self.node.proxy.block("up")

    def heal(self) -> None:
        self.node.proxy.heal()


class PartitionDown(PartitionUp):
    """one-way partition: a node reaches Valkey and does not hear it"""

    def inject(self) -> None:
        self.node.proxy.block("down")


class Partition(PartitionUp):
    """two-way partition between a node and Valkey"""

    def inject(self) -> None:
        self.node.proxy.block("up", "down")
