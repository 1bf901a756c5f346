"""gunicorn's settings, each with its reason. The node's own settings come as `WEBCHAT_*` variables.

`webchat serve` starts gunicorn with this file and gives every variable. The master reads it before the
workers patch the standard library, and keeps what it imports for the workers of every later reload: so no
module of the application is imported here.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import gunicorn.sock

from workers.logs import wants_json


def _setting(name: str) -> str:
    try:
        return os.environ[f"WEBCHAT_{name.upper()}"]
    except KeyError:
        raise SystemExit("webchat: start it with `webchat serve`, which gives gunicorn its settings") from None


_log_level = _setting("log_level")

# --- processes

worker_class = "workers.comet.CometWorker"
workers = int(_setting("workers"))
worker_connections = int(_setting("connections"))  # parked polls and everything else together, per worker
preload_app = False  # what is imported before the fork is not patched by gevent
max_requests = 0  # a restart cuts presence and mailboxes short; nothing here leaks that it would have to hide
# Heartbeats are file times: on a disk that stalls, healthy workers would be killed for it.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
timeout = 30  # seconds without a heartbeat until a worker counts as hung; it does not limit requests
graceful_timeout = int(float(_setting("drain")) + 3)  # seconds; workers drain within `drain`, this is for the hopeless
proc_name = "webchat"

# --- the socket

# `bind` is given on the command line: `fd://N`, the launcher's socket. The first worker that can serve makes it listen
# (`workers/listening.py`); gunicorn would do so before any worker boots, but for a socket that listens already.
gunicorn.sock.BaseSocket._is_listening = staticmethod(lambda _: True)
reuse_port = False  # with it, connections in a leaving worker's queue are reset at each reload
backlog = 2048  # connections waiting for `accept`: a whole node's clients may come back at once
control_socket_disable = True  # it would be one path for all servers of this user
http_protocols = "h1"  # a parked poll would block its whole HTTP/2 connection; a proxy in front may speak it
# Seconds a connection may idle between requests, and the time a client has to send its headers. Above
# the 60 s at which common proxies drop idle connections to us: so they, not we, close first.
keepalive = 75

# --- what a request may look like

limit_request_line = 4094  # bytes; our longest path with its query has some hundred
limit_request_fields = 64  # browsers send about 20, a proxy adds some
limit_request_field_size = 8190  # bytes; on localhost a browser sends the cookies of every other project too
forwarded_allow_ips = _setting("forwarded_allow_ips")
forwarder_headers = ""  # nobody sets SCRIPT_NAME or PATH_INFO by a header here
header_map = "drop"  # `X_A` must not pass for `X-A`; dropping serves clients that send such a thing in vain
permit_obsolete_folding = False
strip_header_spaces = False
permit_unconventional_http_method = False
permit_unconventional_http_version = False
casefold_http_method = False
http_parser = "auto"  # gunicorn_h1c where it could be built
proxy_protocol = "off"

# --- what we say

gunicorn.SERVER_SOFTWARE = gunicorn.SERVER = "webchat"  # no need to name the server and its version
accesslog = None  # /metrics counts, the application logs what matters; a line per poll would be noise
errorlog = "-"  # stderr
logger_class = "workers.gunicorn_log.NodeLogger"
# A person who starts the chat at a terminal wants to see the address, not the numbers of processes.
loglevel = "warning" if _log_level == "info" and not wants_json(_setting("log_format")) else _log_level


def post_fork(_server: object, _worker: object) -> None:
    """A worker that is told to stop while it boots stops.

    Until it has handlers of its own it has the master's, which only put signals into a queue: the
    master would wait for it in vain, for all of `graceful_timeout`.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def child_exit(_server: object, worker: Any) -> None:
    """A dead worker's live gauges (parked polls, connections) must not be counted any more.

    It is `prometheus_client.multiprocess.mark_process_dead`, without its import: what the master
    imports, later workers inherit unpatched.
    """
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        for gauge in Path(folder).glob(f"gauge_live*_{worker.pid}.db"):
            gauge.unlink(missing_ok=True)
