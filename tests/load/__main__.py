"""`./chat load`: put a deployment under load, and count what it costs and whether everything arrives.

For tuning, this alone takes half a minute, and measures the closed loop of this server:

    ./chat load peers --only webchat --rounds 1 --seconds 8 --parts closed

0 all counts exact; 1 something was lost or doubled, or never came; 2 a wrong option; 3 it cannot start.
"""

from __future__ import annotations

import sys

if sys.argv[1:2] == ["users"]:  # Locust runs on gevent, the other commands on epoll alone
    from gevent import monkey

    monkey.patch_all()

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.load.crew import Show, Stuck
from tests.load.results import Results
from tests.load.site import Site
from webchat.errors import SetupError

LOST, BAD_OPTION, CANNOT_START = 1, 2, 3
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
console = Console()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Put a deployment under load: what does a message cost, how long does it take, and does everything arrive?"""


def out_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for the results: JSON, and one HTML page with plots.",
    )(command)


@main.command()
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of all servers, in turn.")
@click.option("--seconds", type=click.FloatRange(1), default=10.0, show_default=True, help="Of each measurement.")
@click.option("--only", default="", metavar="A,B,…", help="Only these servers.  [all that are installed]")
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True, help="Client processes.")
@click.option("--parts", default="closed,paced,memory", show_default=True, help="Which measurements; closed always.")
@out_option
def peers(*, rounds: int, seconds: float, only: str, processes: int, parts: str, out: Path | None) -> None:
    """This server beside others, with the same work in one run: CPU per message, latency, memory per parked poll."""
    from tests.load.contest import Contest

    with running(out) as (show, done):
        contest = Contest(_names(only), rounds, seconds, processes, _parts(parts), show)
        done(contest.run())


def site_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where it runs; see `tests.load.site`."""
    for option in reversed(
        [
            click.option(
                "--url", "urls", multiple=True, metavar="URL", help="A running deployment; once for each node."
            ),
            click.option("--users-file", type=FILE, help="With --url: what `seed` wrote for its database."),
            click.option(
                "--pid", "pids", type=int, multiple=True, help="With --url: a local process whose CPU counts."
            ),
            click.option("--data", metavar="DIR", help="With --url: its database (or WEBCHAT_DATABASE_URL)."),
            click.option("--nodes", type=click.IntRange(1, 16), default=2, show_default=True, help="Without --url."),
            click.option("--workers", type=click.IntRange(1, 16), default=1, show_default=True, help="Of each node."),
        ]
    ):
        command = option(command)
    return command


def site_of(flags: dict[str, Any]) -> Site:
    """Takes the options of `site_options` out of the flags."""
    return Site(**{name: flags.pop(name) for name in ("urls", "users_file", "pids", "data", "nodes", "workers")})


@main.command("seed")
@click.option("--users", "count", type=click.IntRange(2), required=True, help="How many accounts.")
@click.option("--friends", type=click.IntRange(0), default=10, show_default=True, help="Random ones of everybody.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@click.option("--data", metavar="DIR", help="Folder of an SQLite database (or set WEBCHAT_DATABASE_URL).")
@click.option(
    "--seed", "number", type=click.IntRange(0), default=1, show_default=True, help="Decides names and friends."
)
def seed_command(*, count: int, friends: int, out: Path, data: str | None, number: int) -> None:
    """Make accounts with friends and tokens, in bulk, in a database that is for load tests alone.

    Writes one JSON object a line: {name, token, friends: [NAME…], conversations: {NAME: ID}}. The first time, the
    database must be empty. The server may run meanwhile, or start later.
    """
    from tests.load import seed
    from webchat.settings import Settings

    if not (data or os.environ.get("WEBCHAT_DATA") or os.environ.get("WEBCHAT_DATABASE_URL")):
        die("say which database: --data DIR, or WEBCHAT_DATABASE_URL", BAD_OPTION)
    try:
        settings = Settings.load(data=data)
    except SetupError as error:
        die(error.detail, BAD_OPTION)
    with running(None) as (show, _):
        pairs = seed.friendships(count, friends, random.Random(number))
        people = seed.seed(settings, count, pairs, str(number), show)
        seed.write(people, out)
    console.print(f"{count:,} users with {len(pairs):,} friendships: {out}", highlight=False)


@main.command()
@click.option("--rest", type=click.FloatRange(1), default=10.0, show_default=True, help="Seconds of watching idle CPU.")
@click.option("--polls", type=click.IntRange(2), default=20_000, show_default=True, help="How many, one for each user.")
@click.option("--seconds", type=click.FloatRange(1), default=10.0, show_default=True, help="Of each measurement.")
@click.option("--processes", type=click.IntRange(1), help="Client processes.  [one for 8,000 polls]")
@site_options
@out_option
def parked(*, out: Path | None, polls: int, seconds: float, rest: float, processes: int | None, **flags: Any) -> None:
    """Park many polls: memory and CPU at rest, CPU of a message, time to wake one and to wake all."""
    from tests.load.parked import Parked

    with running(out) as (show, done):
        done(Parked(site_of(flags), polls, processes, seconds, rest, show).run())


@main.command()
@click.option("--clients", type=click.IntRange(2), default=10_000, show_default=True)
@click.option("--processes", type=click.IntRange(1), help="Client processes.  [one for 5,000 clients]")
@click.option("--same-node", is_flag=True, help="They come back to the node where they were.  [to any]")
@site_options
@out_option
def storm(*, out: Path | None, clients: int, processes: int | None, same_node: bool, **flags: Any) -> None:
    """All clients lose their connections and come back at once: time until all are parked, and sends meanwhile."""
    from tests.load.storm import Storm

    with running(out) as (show, done):
        done(Storm(site_of(flags), clients, processes, same_node, show).run())


@main.command()
@click.option("--members", type=click.IntRange(2), default=500, show_default=True)
@click.option("--messages", type=click.IntRange(1), default=20, show_default=True)
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True, help="Client processes.")
@site_options
@out_option
def rooms(*, out: Path | None, members: int, messages: int, processes: int, **flags: Any) -> None:
    """One message to a conversation of many: time until the last member has it, and CPU of each delivery."""
    from tests.load.rooms import Rooms

    with running(out) as (show, done):
        done(Rooms(site_of(flags), members, messages, processes, show).run())


@main.command("nodes")
@click.option("--counts", default="1,2,4", show_default=True, help="How many nodes, in turn.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of all counts, in turn.")
@click.option("--seconds", type=click.FloatRange(1), default=10.0, show_default=True, help="Of each measurement.")
@click.option(
    "--rate", type=click.FloatRange(1), default=300.0, show_default=True, help="Messages a second in all, paced."
)
@click.option("--parked", "people", type=click.IntRange(32), default=1_000, show_default=True, help="Polls in all.")
@click.option(
    "--engine",
    type=click.Choice(["sqlite", "postgres"]),
    default="sqlite",
    show_default=True,
    help="postgres: that of WEBCHAT_TEST_DATABASE_URL, or the one that comes with the test tools.",
)
@out_option
def nodes_command(
    *, counts: str, rounds: int, seconds: float, rate: float, people: int, engine: str, out: Path | None
) -> None:
    """The same work on 1, 2, 4 nodes: what a message costs, and what it asks of Redis."""
    from tests.load.scaling import Scaling

    wanted = _split(counts)
    if not wanted or not all(each.isdigit() and 1 <= int(each) <= 16 for each in wanted):
        die(f"--counts {counts}: give numbers of nodes from 1 to 16, like 1,2,4", BAD_OPTION)
    with running(out) as (show, done):
        done(Scaling(list(dict.fromkeys(map(int, wanted))), rounds, seconds, rate, engine, people, show).run())


@main.command("users", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def users_command(words: tuple[str, ...]) -> None:
    """People who chat, with think times and closed tabs; by Locust, which has a web page (`users --help`)."""
    from tests.load.users import users

    users.main(list(words), prog_name="./chat load users")


def _names(only: str) -> list[str]:
    """Which servers take part. Says which are not installed."""
    from tests.load.contest import OURS

    wanted = _split(only)
    try:
        from tests.load import peers
    except ImportError:
        known: list[str] = []
    else:
        known = list(peers.SERVERS)
    if unknown := set(wanted) - {OURS, *known}:
        die(f"--only: {', '.join(sorted(unknown))}: known are {', '.join([OURS, *known])}", BAD_OPTION)
    names = [OURS] if not wanted or OURS in wanted else []
    for name in known:
        if not wanted or name in wanted:
            if lacking := peers.missing(name):
                console.print(f"[yellow]{name} is skipped: {lacking}[/]", highlight=False)
            else:
                names.append(name)
    if not names:
        die("no server is left to measure", CANNOT_START)
    return names


def _parts(text: str) -> tuple[str, ...]:
    if unknown := set(_split(text)) - {"closed", "paced", "memory"}:
        die(f"--parts: {', '.join(sorted(unknown))}: known are closed, paced, memory", BAD_OPTION)
    return tuple({"closed": None, **dict.fromkeys(_split(text))})


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


@contextmanager
def running(out: Path | None) -> Iterator[tuple[Show, Callable[[Results], None]]]:
    """Progress while the block runs, then what it found, and the exit code."""
    found: list[Results] = []
    columns = (TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    try:
        # No thread that redraws: processes are started meanwhile.
        with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
            task = bar.add_task("", total=1.0)

            def show(what: str, part: float) -> None:
                bar.update(task, description=what, completed=part, refresh=True)

            yield show, found.append
    except SetupError as error:
        die(error.detail, CANNOT_START)
    except Stuck as error:
        die(str(error), LOST)
    for results in found:
        results.close()
        results.print(console)
        if out is not None:
            for path in results.write(out):
                console.print(f"written: {path}", highlight=False)
    if not all(results.is_exact for results in found):
        sys.exit(LOST)


def die(sentence: str, code: int) -> NoReturn:
    click.echo(f"webchat: {sentence}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of the clean-up
    main(prog_name="./chat load")
