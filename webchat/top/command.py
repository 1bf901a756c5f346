"""The command's way: ask all nodes at once, again and again, and show what has changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from webchat.errors import SetupError
from webchat.top.numbers import Reading, Span, read
from webchat.top.table import State, table

HISTORY = 10.0  # seconds that rates and latencies look back: a few messages a second shall make a figure


class Watch:
    """The nodes at `urls`; `look` asks each of them once."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.urls = urls
        self._readings: dict[str, list[Reading]] = {url: [] for url in urls}
        self._pool = ThreadPoolExecutor(max_workers=len(urls))

    def look(self) -> dict[str, State]:
        return dict(zip(self.urls, self._pool.map(self._ask, self.urls), strict=True))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, url: str) -> State:
        readings = self._readings[url]
        try:
            now = read(url)
        except OSError as error:
            readings.clear()
            return error
        readings.append(now)
        while len(readings) > 2 and readings[1].at < now.at - HISTORY:
            del readings[0]
        return Span(readings[0], now) if len(readings) > 1 else None


def run(urls: Sequence[str], every: float, once: bool) -> int:
    """Until Ctrl-C; with `once`, two looks and one table. 1: no node answers (at the end, with `once`)."""
    watch = Watch([checked(url) for url in urls])
    console = Console(highlight=False)
    try:
        state = watch.look()
        if once:
            time.sleep(every)
            state = watch.look()
            console.print(table(state, console.width))
            return 0 if any(isinstance(known, Span) for known in state.values()) else 1
        with Live(
            screen(state, console.width), console=console, screen=console.is_terminal, auto_refresh=False
        ) as live:
            while True:
                time.sleep(every)
                live.update(screen(watch.look(), console.width), refresh=True)
    except KeyboardInterrupt:
        return 0
    finally:
        watch.close()


def screen(state: dict[str, State], width: int) -> Group:
    title = Text.assemble(("webchat top", "bold"), (time.strftime("   %H:%M:%S   Ctrl-C ends it\n"), "dim"))
    notes = Text(f"\nRates and latencies are of the last {HISTORY:.0f} seconds; delivery is of one wake in 16.", "dim")
    shown: Table = table(state, width)
    return Group(title, shown, notes)


def checked(url: str) -> str:
    """The address of a node, whole. Raises SetupError for what is none."""
    whole = url if "://" in url else f"http://{url}"
    parts = urlsplit(whole)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SetupError(f"{url} is not the address of a node; write it like http://10.0.0.11:8000")
    return whole.rstrip("/").removesuffix("/metrics")
