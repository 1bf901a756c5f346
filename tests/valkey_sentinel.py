"""A real Valkey with a replica, and three sentinels that make the replica the master when that is gone.

    with ValkeySentinel(folder, loopback(5)) as watched:
        watched.url                  # redis+sentinel://webchat:…@127.0.0.1:7003,…/webchat?…
        watched.master().kill()      # the replica takes over within some seconds

`tests.valkey` says how they are told things.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.client import Address, until
from tests.valkey import ADMIN, PASSWORD, REPLICA, Server, Servers, shipped_acl

SERVICE = "webchat"
QUORUM = 2
DOWN_AFTER = 0.7  # seconds until a server that is silent is held for dead; the default is 30


class ValkeySentinel(Servers):
    """The first two of `addresses` are servers, of which the first is the master; the others are sentinels.

    All are under the shipped ACL.
    """

    def __init__(self, folder: Path, addresses: Sequence[Address], down_after: float = DOWN_AFTER) -> None:
        first = addresses[0]
        folder.mkdir(parents=True, exist_ok=True)
        name, password = ADMIN
        options: list[str | Path] = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"]
        options += ["--aclfile", shipped_acl(folder), "--masteruser", REPLICA[0], "--masterauth", REPLICA[1]]
        self.servers = [
            Server(folder / "0", first, options, login=ADMIN),
            Server(folder / "1", addresses[1], [*options, "--replicaof", f"{first[0]} {first[1]}"], login=ADMIN),
        ]
        sentinels_acl = shipped_acl(folder, "sentinel-users.acl")
        self.sentinels = []
        for number, address in enumerate(addresses[2:], 2):
            conf = folder / str(number) / "sentinel.conf"
            conf.parent.mkdir(parents=True)
            conf.write_text(
                f"sentinel monitor {SERVICE} {first[0]} {first[1]} {QUORUM}\n"
                f"sentinel down-after-milliseconds {SERVICE} {round(down_after * 1000)}\n"
                f"sentinel failover-timeout {SERVICE} 3000\n"
                f"sentinel auth-user {SERVICE} {name}\nsentinel auth-pass {SERVICE} {password}\n"
                f"sentinel sentinel-user {name}\nsentinel sentinel-pass {password}\n"
                f"aclfile {sentinels_acl}\n"
            )
            self.sentinels.append(Server(conf.parent, address, [conf, "--sentinel"], login=ADMIN))

    @property
    def url(self) -> str:
        sentinels = ",".join(f"{host}:{port}" for host, port in (sentinel.address for sentinel in self.sentinels))
        ours = f"sentinel_username=webchat&sentinel_password={PASSWORD}"
        return f"redis+sentinel://webchat:{PASSWORD}@{sentinels}/{SERVICE}?{ours}"

    def start(self) -> None:
        """Returns when the replica follows, and every sentinel knows of it and of the others."""
        for server in (*self.servers, *self.sentinels):
            server.start()
        self.until_whole()

    def stop(self) -> None:
        for server in (*self.servers, *self.sentinels):
            server.kill()

    def until_whole(self) -> None:
        until("the sentinels see a replica and each other", lambda: all(map(self._sees_all, self.sentinels)), 20)

    def master(self) -> Server:
        """As most of the sentinels say."""
        said = [tuple(self._state(sentinel)[key] for key in ("ip", "port")) for sentinel in self.sentinels]
        host, port = max(said, key=said.count)
        (found,) = (server for server in self.servers if server.address == (host, int(port)))
        return found

    def _state(self, sentinel: Server) -> dict[str, str]:
        words = sentinel.command("SENTINEL", "MASTER", SERVICE)
        return words if isinstance(words, dict) else dict(zip(words[::2], words[1::2], strict=True))

    def _sees_all(self, sentinel: Server) -> bool:
        state = self._state(sentinel)
        follows = self.master().command("INFO", "replication").get("connected_slaves") == 1
        seen = (state["num-slaves"], state["num-other-sentinels"], state["flags"])
        return follows and seen == ("1", str(len(self.sentinels) - 1), "master")
