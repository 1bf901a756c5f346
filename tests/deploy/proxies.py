"""The proxies of `deploy/` as they are shipped, in front of nodes of ours: addresses, names and paths are put in."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pwd
import shutil
import ssl
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from tests.client import JSON, Address, Answer, Client, until
from tests.load.peers.deployment import connects, free_ports
from webchat.settings import PROJECT
from workers.processes import spawn, stop

DEPLOY = PROJECT / "deploy"
HOST = "127.0.0.1"
NAME = "chat.example"


class Certificate:
    """A certificate for `NAME`, signed by itself, valid for a day."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.chain, self.key, self.both = folder / "fullchain.pem", folder / "key.pem", folder / "webchat.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "1", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:{HOST}"]
        subprocess.run([*command, "-keyout", self.key, "-out", self.chain], check=True, capture_output=True)
        self.both.write_text(self.chain.read_text() + self.key.read_text())


class Proxy(ABC):
    """A proxy in front of `nodes`; `address` is its TLS port, `plain` the one that redirects."""

    program: str  # what has to be installed

    def __init__(self, folder: Path, nodes: Sequence[Address], certificate: Certificate) -> None:
        self.folder = folder
        self.nodes = nodes
        self.certificate = certificate
        self.tls = ssl.create_default_context(cafile=str(certificate.chain))
        tls, plain = free_ports(2)
        self.address, self.plain = (HOST, tls), (HOST, plain)
        folder.mkdir(parents=True)
        self.lay()

    @abstractmethod
    def lay(self) -> None:
        """Write the configuration into `folder`."""

    @abstractmethod
    def check(self) -> subprocess.CompletedProcess[str]:
        """The program's own opinion of it."""

    @abstractmethod
    def command(self) -> list[str | Path]: ...

    def __enter__(self) -> Self:
        with (self.folder / "said").open("wb") as said:
            self._process = spawn(self.command(), cwd=self.folder, stdout=said.fileno(), stderr=said.fileno())
        try:
            until(f"{self.program} listens", lambda: connects(self.address))
        except AssertionError:
            stop(self._process, 2)
            raise AssertionError(self.log()) from None
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process, 2)

    def log(self) -> str:
        return "\n".join(path.read_text() for path in [self.folder / "said", *self.folder.glob("*.log")])

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(*self.address, timeout=90, context=self.tls)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request over TLS, on a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body, headers or {})
            with connection.getresponse() as response:
                return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def put(config: str, *pairs: tuple[str, str]) -> str:
    """The configuration with what is ours in the place of what is shipped: all of that must be there."""
    for shipped, here in pairs:
        assert shipped in config, shipped
        config = config.replace(shipped, here)
    return config


def lay_nginx(folder: Path, listen: str, nodes: Sequence[Address], redirect: Address) -> None:
    """nginx's configuration in `folder`: `listen` is its listen.conf, `redirect` where plain HTTP is sent to TLS."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    config = put(
        (DEPLOY / "nginx" / "nginx.conf").read_text(),
        ("user www-data;", f"user {pwd.getpwuid(os.geteuid()).pw_name};"),
        ("pid /run/nginx.pid;", f"pid {folder}/nginx.pid;"),
        ("/var/log/nginx/", f"{folder}/"),
        ("worker_processes auto;", "worker_processes 2;"),
        ("http {", "http {\n" + temporary),
        ("listen 80 default_server;", f"listen {redirect[0]}:{redirect[1]} default_server;"),
        ("listen [::]:80 default_server;", ""),
    )
    (folder / "nginx.conf").write_text(config)
    (folder / "listen.conf").write_text(listen)
    limits = "max_fails=3 fail_timeout=2s;"
    assert limits in (DEPLOY / "nginx" / "nodes.conf").read_text()
    (folder / "nodes.conf").write_text("".join(f"server {host}:{port} {limits}\n" for host, port in nodes))


class Nginx(Proxy):
    program = "nginx"

    def lay(self) -> None:
        own = put(
            (DEPLOY / "nginx" / "listen.conf").read_text(),
            ("listen 443 ", f"listen {HOST}:{self.address[1]} "),
            ("listen [::]:443 ssl http2 backlog=4096;", ""),
            ("/etc/ssl/webchat/fullchain.pem", str(self.certificate.chain)),
            ("/etc/ssl/webchat/key.pem", str(self.certificate.key)),
        )
        lay_nginx(self.folder, own, self.nodes, redirect=self.plain)

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.command(), "-t"], capture_output=True, text=True, check=False)

    def command(self) -> list[str | Path]:
        return ["nginx", "-e", "stderr", "-c", self.folder / "nginx.conf", "-g", "daemon off;"]


class Haproxy(Proxy):
    program = "haproxy"

    def lay(self) -> None:
        config = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
        head, last, servers = config.partition("    server node1 ")
        assert last
        assert servers.count("\n") == 2, "two nodes, and nothing after them"
        head = put(
            head,
            ("log /dev/log local0 info", "log stdout format raw local0 info"),
            ("bind :80\n", f"bind {HOST}:{self.plain[1]}\n"),
            ("bind :443 ", f"bind {HOST}:{self.address[1]} "),
            ("/etc/haproxy/webchat.pem", str(self.certificate.both)),
            ("    maxconn 60000", "    maxconn 1000"),
        )
        lines = [f"    server node{count} {host}:{port}\n" for count, (host, port) in enumerate(self.nodes, 1)]
        (self.folder / "haproxy.cfg").write_text(head + "".join(lines))

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.command(), "-c"], capture_output=True, text=True, check=False)

    def command(self) -> list[str | Path]:
        return ["haproxy", "-db", "-f", self.folder / "haproxy.cfg"]


KINDS: list[type[Proxy]] = [Nginx, Haproxy]


def missing(kind: type[Proxy]) -> str | None:
    """Why this proxy cannot be tested here."""
    return None if shutil.which(kind.program) else f"no {kind.program} (Debian: apt install {kind.program})"


class ProxiedClient(Client):
    """A client that knows the proxy alone."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__([proxy.address])
        self._proxy = proxy

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        headers = ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | (headers or {})
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), JSON | headers
        return self._proxy.request(method, path, body, headers)


@contextlib.contextmanager
def running(kind: type[Proxy], folder: Path, nodes: Sequence[Address], certificate: Certificate) -> Iterator[Proxy]:
    with kind(folder, nodes, certificate) as proxy:
        yield proxy
