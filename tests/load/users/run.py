"""One process of `./chat load users`, from the accounts to the exit code: headless, or behind Locust's web page."""

# mypy: disable-error-code="import-not-found, import-untyped"

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from rich.console import Console

from tests.load.users import accounts
from tests.load.users.connections import Connection, Refused, Unanswered
from tests.load.users.hooks import Hooks
from tests.load.users.population import Population
from tests.load.users.scenario import visitor


def run(
    urls: list[str],
    *,
    count: int,
    spawn_rate: float,
    seconds: float,
    users_file: Path | None,
    think: float,
    web_port: int | None,
    out: Path | None,
) -> int:
    """In a process that gevent has patched. `web_port`: of Locust's web page, which then starts and stops the runs;
    None: one run, at once. 0: exact; 1: lost, doubled or out of order. Raises Refused."""
    from locust.env import Environment

    console = Console()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for url in urls:
        try:
            Connection(url).request("GET", "/healthz")
        except Unanswered as failure:
            raise Refused(f"{url}: {failure}") from None
    with console.status("") as status:
        chosen = accounts.take(users_file, count) if users_file else accounts.register(urls, count, status.update)
    environment = Environment()
    population = Population(urls, chosen, think, environment.events.request.fire)
    environment.user_classes, environment.host = [visitor(population)], urls[0]
    settings = {
        "servers": ", ".join(urls),
        "people": f"{count}, {spawn_rate:g} more each second",
        "accounts": f"of {users_file.name}" if users_file else "registered by the API",
        "acts": f"one each {think:g} s: 12 of 22 write, 6 mark as read, 3 read history, 1 closes the tab for a while",
        "descriptors": f"limit {soft} raised to {hard}",
    }
    runner = environment.create_local_runner()
    hooks = Hooks(population, environment, settings, console, out)
    stopping = Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(130)
        stopping.set()
        console.print("stopping, and counting; once more to leave at once")

    for signum in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(signum, stop)
    if web_port:
        _serve_page(environment, count, spawn_rate, web_port)
        console.print(f"open http://127.0.0.1:{web_port}; Ctrl-C ends it", highlight=False)
    else:
        runner.start(count, spawn_rate)
    with console.status("") as status:
        while not stopping.wait(1) and (web_port or hooks.reporter.age < seconds):
            status.update(hooks.reporter.tick())
    runner.quit()
    return max(hooks.codes, default=0)


def _serve_page(environment: Any, count: int, spawn_rate: float, port: int) -> None:
    """Locust's web page, on loopback, with our numbers in its form."""
    from locust.argument_parser import get_parser

    words = ["--users", str(count), "--spawn-rate", str(spawn_rate), "--host", environment.host]
    environment.parsed_options = get_parser(default_config_files=[]).parse_args(words)
    sys.argv[1:] = words  # the page reads them again
    environment.create_web_ui("127.0.0.1", port)
