"""nchan: pub/sub in nginx, in C. Nothing is authenticated, nothing outlives Redis, a long poll carries one message.

Set up as its README says (https://nchan.io, "Redis", "Long-Polling", "Publisher Endpoints"): an `upstream` with
`nchan_redis_server`, storage mode `distributed` ("useful for horizontal scalability"), one channel per user, and the
message buffer of its own example (50 messages, 5 minutes), so that what is published between two polls is kept.
`nchan_redis_url` and `nchan_use_redis` are not used, since the README discourages them. nchan cannot speak to Redis
over a unix socket: it gets TCP on loopback.

Where the README leaves a choice, the cheaper one is taken: channels by an exact location and an argument (no regular
expressions), the publisher's answer in plain text, no access log, subscribers held without a time limit (the default).
"""
# ruff: noqa: ARG002  a dialect is called with a fixed signature

from __future__ import annotations

import contextlib
import os
import pwd
import re
import resource
import shutil
from pathlib import Path

from tests import client
from tests.faults.processes import children
from tests.load.dialect import Dialect, Request, User
from tests.load.peers.deployment import BACKLOG, HOST, IDLE, NODES, Deployment, free_ports

MODULE = "ngx_nchan_module.so"
FOLDERS = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules")

CONFIG = """\
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
load_module {module};

events {{
    use epoll;
    multi_accept on;
    worker_connections {files};
}}

http {{
    access_log off;
    default_type text/plain;
    server_tokens off;
    keepalive_requests 1000000000;
    keepalive_timeout {idle}s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;

    upstream doorbell {{
        nchan_redis_server redis://{host}:{redis};
        nchan_redis_storage_mode distributed;
    }}

    server {{
        listen {host}:{port} backlog={backlog};

        location = /sub {{
            nchan_subscriber longpoll;
            nchan_channel_id $arg_user;
            nchan_redis_pass doorbell;
            nchan_subscriber_first_message oldest;
            nchan_subscriber_last_message_id $arg_after;
        }}

        location = /pub {{
            nchan_publisher http;
            nchan_channel_id $arg_user;
            nchan_redis_pass doorbell;
            nchan_message_buffer_length 50;
            nchan_message_timeout 5m;
        }}
    }}
}}
"""


def find_module() -> Path | None:
    found = (Path(folder, MODULE) for folder in FOLDERS)
    return next((path for path in found if path.exists()), None)


def missing() -> str | None:
    if not shutil.which("nginx") or not find_module():
        return "nginx with nchan is not installed (Debian: apt install nginx libnginx-mod-nchan)"
    return None


class Nchan(Deployment):
    """Two nginx, each a master and one worker, and a Redis."""

    def __init__(self, dialect: NchanDialect, folder: Path) -> None:
        super().__init__(folder, dialect)
        redis, *ports = free_ports(1 + NODES)
        with self.closed_on_failure():
            self.valkey(port=redis)
            for port in ports:
                self._node(port, redis)

    def pids(self) -> dict[str, list[int]]:
        found = super().pids()
        return found | {"worker": [worker for master in found["master"] for worker in children(master)]}

    def _node(self, port: int, redis: int) -> None:
        folder = self.folder / str(port)
        folder.mkdir()
        # 20,000 polls on two nodes need 10,000 connections each; what the system allows is given.
        files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 65536)
        user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
        values = {"folder": folder, "files": files, "user": user, "module": find_module(), "idle": IDLE}
        values |= {"host": HOST, "port": port, "redis": redis, "backlog": BACKLOG}
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(**values))
        self.child("master", ["nginx", "-e", "stderr", "-c", config], lambda: is_ready(port))
        self.addresses.append((HOST, port))


def is_ready(port: int) -> bool:
    """Whether it has found its Redis: until then it answers 503."""
    with contextlib.suppress(OSError):
        return client.request((HOST, port), "GET", "/pub?user=nobody", timeout=2).status == 404
    return False


class NchanDialect(Dialect):
    """The cursor is what nchan calls the message id. A device that comes anew asks for the channel's last one, and
    gives it in the query, after which the headers of each answer are given back, as HTTP caches do."""

    name = "nchan"

    def greet(self, user: User) -> Request | None:
        if user.cursor:
            return None
        return Request(None, b"GET /pub?user=%b HTTP/1.1\r\nHost: nchan\r\n\r\n" % user.name.encode())

    def greeted(self, user: User, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        last = re.search(r"last message id: (\S+)", body.decode())
        if status == 200 and last is not None:
            user.cursor = f"?{last[1]}"
        elif status == 404:
            user.cursor = "?0:0"  # no such channel yet: whatever comes, from the first message on
        else:
            raise ValueError(f"a channel's state was answered {status}: {body[:200]!r}")

    def poll(self, user: User) -> Request:
        name, cursor = user.name, user.cursor
        query, fields = (f"&after={cursor[1:]}", "") if cursor.startswith("?") else ("", cursor)
        return Request(None, f"GET /sub?user={name}{query} HTTP/1.1\r\nHost: nchan\r\n{fields}\r\n".encode())

    def polled(self, user: User, status: int, headers: dict[bytes, bytes], body: bytes) -> list[bytes]:
        if status != 200:
            raise ValueError(f"a poll was answered {status}")
        when, tag = headers[b"last-modified"].decode(), headers[b"etag"].decode()
        user.cursor = f"If-Modified-Since: {when}\r\nIf-None-Match: {tag}\r\n"
        return [body]

    def send(self, sender: User, receiver: User, text: bytes) -> Request:
        head = b"POST /pub?user=%b HTTP/1.1\r\nHost: nchan\r\nContent-Length: %d\r\n\r\n"
        return Request(None, head % (receiver.name.encode(), len(text)) + text)

    def sent(self, sender: User, status: int, body: bytes) -> bool:
        return status in (201, 202)  # 202: nobody was listening just then; the message is kept
