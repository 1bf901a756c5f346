"""`webchat serve`: the one process that a person or a service manager starts and stops.

It checks what can be checked, then keeps two children alive, the bundled Valkey and gunicorn, and is the
parent of both: gunicorn's master reaps every child it has, and would take a killed Valkey for one that ended
well. SIGTERM and SIGINT drain and end everything (a second SIGINT at once), SIGHUP reloads the workers.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, Protocol

import msgspec

from webchat import __version__
from webchat.errors import SetupError
from webchat.settings import Settings
from workers import doorbell, listening
from workers.embedded import EmbeddedValkey
from workers.gunicorn_node import GunicornNode, clean_environ
from workers.logs import launcher_log
from workers.loop import Loop
from workers.prepare import prepare

FILES_BESIDE = 512  # file descriptors of a worker that are no client's connection
PATIENCE = 8.0  # seconds after the drain until a gunicorn that does not end is killed
FAILED = 3  # exit code: cannot start


def serve(settings: Settings) -> int:
    """Run the node until it is told to stop; the exit code. Raises SetupError when it cannot start."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _stop_while_starting)
    log = launcher_log(settings.log_format, settings.log_level)
    loop = Loop()
    settings = with_absolute_paths(settings)
    run = make_folders(settings.folder)
    with contextlib.ExitStack() as cleanup:
        listener = cleanup.enter_context(listening.bind(settings.host, settings.port))
        settings = msgspec.structs.replace(
            settings, port=listener.getsockname()[1], connections=connections_that_fit(settings.connections, log)
        )
        children: list[Child] = []
        if settings.redis_url:
            doorbell.check(settings.redis_url)
        else:
            valkey = EmbeddedValkey(run, loop, log)
            cleanup.callback(valkey.close)
            valkey.start()
            children.append(valkey)
            settings = msgspec.structs.replace(settings, redis_url=valkey.url)
        environ = clean_environ() | settings.environ()
        environ["PROMETHEUS_MULTIPROC_DIR"] = str(run / f"metrics-{settings.port}")
        accounts = prepare(settings, environ)
        node = GunicornNode(listener, environ, loop, log)
        cleanup.callback(node.remove_metrics)
        cleanup.callback(node.kill)
        children.append(node)
        node.on_ready = lambda: _say(banner(settings, listening.url(listener, settings.host), accounts))
        node.on_failed = lambda: loop.finish(FAILED)
        node.on_stopped = lambda: loop.finish(0)
        wire_signals(loop, node, children, settings.drain + PATIENCE)
        node.start()
        code = loop.run()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_IGN)  # the rest takes no longer than two seconds
        if code == FAILED:
            raise SetupError("the server cannot start; the lines above say why")
        return code


def banner(settings: Settings, address: str, accounts: list[tuple[str, str]]) -> str:
    """What a newcomer needs to know, once the server answers."""
    lines = ["", f"  webchat {__version__} is ready:  {address}", ""]
    if accounts:
        lines.append("  demo accounts  log in as one of them in each of two tabs")
        lines += [f"                 {name}  password {password}" for name, password in accounts]
    lines += [f"  data           {settings.folder}", "  stop           Ctrl-C", ""]
    return "\n".join(lines)


# --- before the start


def with_absolute_paths(settings: Settings) -> Settings:
    """The same paths as the person meant who stands in this folder: the children work in the project's."""
    database = settings.database_url
    if database.startswith("sqlite:///"):
        database = f"sqlite:///{Path(database.removeprefix('sqlite:///')).expanduser().absolute()}"
    files = str(settings.files_folder) if settings.files else ""
    return msgspec.structs.replace(settings, data=str(settings.folder), files=files, database_url=database)


def make_folders(data: Path) -> Path:
    """Make and try the data folder; returns `run` in it, which is ours alone (sockets, locks, metrics)."""
    run = data / "run"
    try:
        data.mkdir(parents=True, exist_ok=True)
        run.mkdir(mode=0o700, exist_ok=True)
        probe = run / f"probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        why = f"the data folder {data} cannot be used: {error.strerror}"
        raise SetupError(f"{why}; choose another with --data") from None
    return run


def connections_that_fit(wanted: int, log: logging.Logger) -> int:
    """Raise the limit of open files, which every connection is one of; fewer connections where that ends.

    The usual soft limit of 1024 is for programs that use `select`; the hard one is the operator's word.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + FILES_BESIDE
    if soft == resource.RLIM_INFINITY or soft >= files:
        return wanted
    allowed = files if hard == resource.RLIM_INFINITY else min(files, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # macOS: "unlimited" ends at a number of its own
        allowed = soft
    if allowed < files:
        log.warning("fewer connections than set", extra={"set": wanted, "open_files": allowed})
    return max(1, min(wanted, allowed - FILES_BESIDE))


def _stop_while_starting(_signum: int, _frame: object) -> NoReturn:
    """Leave by way of the clean-up."""
    sys.exit(0)


# --- while it runs


class Child(Protocol):
    def child_ended(self) -> None:
        """Some child has ended: was it yours?"""


def wire_signals(loop: Loop, node: GunicornNode, children: Sequence[Child], patience: float) -> None:
    """What each signal does; `patience`: seconds that gunicorn gets for its end."""
    stops = itertools.count()
    terminal = has_terminal()

    def stop() -> None:
        if next(stops):
            give_up()  # asked twice: now
        else:
            loop.later(patience, give_up)
            node.stop()

    def give_up() -> None:
        node.kill()
        loop.finish(0)

    def hang_up() -> None:
        if terminal and not has_terminal():
            stop()  # the window was closed
        else:
            node.reload()

    def reap() -> None:
        for child in children:
            child.child_ended()

    loop.on_signal(signal.SIGTERM, stop)
    loop.on_signal(signal.SIGINT, stop)
    loop.on_signal(signal.SIGCHLD, reap)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        loop.on_signal(signal.SIGHUP, hang_up)


def has_terminal() -> bool:
    """Whether a terminal controls us: SIGHUP then may mean that it is gone."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads: no reason to stop
        print(text, flush=True)
