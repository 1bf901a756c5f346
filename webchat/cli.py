"""The `webchat` command: reads flags and environment, calls one function; `webchat.exits` says how it ends.

Modules are imported where they are needed: `webchat --help` and the launcher stay quick and small.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click

from webchat import __version__
from webchat.admin.audit import audit
from webchat.admin.messages import message
from webchat.admin.users import user
from webchat.errors import SetupError
from webchat.exits import BAD_CONFIGURATION, CANNOT_START, die, load
from webchat.settings import PROJECT, Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="webchat")
def main() -> None:
    """A web live chat on Comet. Every option has a WEBCHAT_* variable, and there are more: see README.md."""
    os.umask(0o077)  # whatever is written holds people's messages: it is nobody else's business


@main.command()
@click.option("--host", help="Address to listen on.  [127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 lets the system choose.  [8000]")
@click.option("--workers", type=click.IntRange(1), help="Comet worker processes.  [2]")
@click.option("--data", metavar="DIR", help="Folder of the database and run files.  [data]")
@click.option("--demo/--no-demo", default=None, help="Two demo accounts (loopback and default database only).")
def serve(**flags: Any) -> None:
    """Start the server; Ctrl-C stops it."""
    settings = load(**flags)
    from workers.launcher import serve as run

    try:
        code = run(settings)
    except SetupError as error:
        die(error, CANNOT_START)
    sys.exit(code)


for group in (user, message, audit):
    main.add_command(group)


@main.group()
def demo() -> None:
    """The demo accounts."""


@demo.command()
@click.option("--data", metavar="DIR", help="Folder of the database.  [data]")
def remove(**flags: Any) -> None:
    """Disable the demo accounts for good and end their sessions; what they said stays readable."""
    settings = load(**flags)
    from webchat.data import demo as accounts

    try:
        removed = accounts.remove(settings)
    except SetupError as error:
        die(error, CANNOT_START)
    click.echo(f"removed: {', '.join(removed)}" if removed else "there are no demo accounts in this database")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--data", metavar="DIR", help="Folder of the database.  [data]")
def backup(file: Path, **flags: Any) -> None:
    """Copy the database to FILE, and its files to FILE.files, while the server runs."""
    settings = load(**flags)
    from webchat.data import backup as backups

    try:
        saved = backups.backup(settings, file)
    except SetupError as error:
        die(error, CANNOT_START)
    click.echo(f"backup: {file}, {file.stat().st_size:,} bytes; files: {saved.files:,}")
    if saved.missing:
        click.echo(f"webchat: {saved.missing:,} files are missing or damaged in {settings.files_folder}", err=True)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--data", metavar="DIR", help="Folder of the database.  [data]")
def restore(file: Path, **flags: Any) -> None:
    """Put the backup FILE in the database's place, while the server is stopped."""
    settings = load(**flags)
    from webchat.data import backup as backups

    try:
        epoch, files = backups.restore(settings, file)
    except SetupError as error:
        die(error, CANNOT_START)
    if files.missing:
        click.echo(f"webchat: {files.missing:,} files are missing or damaged in {backups.files_of(file)}", err=True)
    click.echo(f"restored: {file}; its new epoch is {epoch}, so every client will load the state anew")


@main.command()
@click.option("--data", metavar="DIR", help="Folder of the database and run files.  [data]")
@click.option("--url", metavar="URL", default="", help="Look at the way in as well, e.g. https://chat.example.")
@click.option("--token-file", metavar="FILE", type=click.File(), help="Park a poll there: a token of POST /api/tokens.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(url: str, token_file: TextIO | None, as_json: bool, **flags: Any) -> None:
    """Is everything as it should be? Exit code 1: there is a problem."""
    from webchat.doctor.command import run

    token = token_file.read().strip() if token_file else ""
    sys.exit(run(lambda: Settings.load(**flags), url, token, as_json))


@main.command()
@click.argument("urls", nargs=-1)
@click.option("--every", type=click.FloatRange(0.2, 60), default=1.0, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Two looks, one table.")
def top(urls: tuple[str, ...], every: float, once: bool) -> None:
    """Watch nodes at work: each of URLS (the one of the settings, if none is given)."""
    settings = load()
    from webchat.top.command import run

    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    try:
        sys.exit(run(urls or (f"http://{host}:{settings.port}",), every, once))
    except SetupError as error:
        die(error, BAD_CONFIGURATION)


@main.command("plan")
@click.option("--users", type=click.IntRange(1), required=True, help="People connected at the same time.")
@click.option("--rate", type=click.FloatRange(0), default=10.0, show_default=True, help="Messages of one in an hour.")
@click.option("--members", type=click.FloatRange(2), default=2.0, show_default=True, help="Of a conversation.")
@click.option("--visits", type=click.FloatRange(0), default=1.0, show_default=True, help="Comings, goings in an hour.")
@click.option("--hold", type=click.FloatRange(1), default=25.0, show_default=True, help="Seconds of an empty poll.")
@click.option("--busy", type=click.FloatRange(0.01, 0.95), default=0.5, show_default=True, help="Of a core, in use.")
@click.option("--parked", type=click.IntRange(1), default=8_000, show_default=True, help="Polls of one worker.")
@click.option("--cores", type=click.IntRange(1), default=16, show_default=True, help="Of one host.")
@click.option(
    "--message", type=click.IntRange(1), default=1_000, show_default=True, help="Bytes each time on the wire."
)
@click.option("--poll", type=click.IntRange(1), default=1_000, show_default=True, help="Bytes of an empty poll.")
@click.option("--row", type=click.IntRange(1), default=600, show_default=True, help="Bytes of a message on disk.")
@click.option("--partition", type=click.IntRange(1), default=100_000_000, show_default=True, help="Messages of one.")
@click.option("--keep", type=click.IntRange(1), default=365, show_default=True, help="Days of history.")
@click.option("--shard-disk", type=click.IntRange(1), default=10_000, show_default=True, help="GB of one PostgreSQL.")
@click.option("--host-price", type=click.FloatRange(0), help="Of a host and month.  [none]")
@click.option("--gigabyte-price", type=click.FloatRange(0), help="Of a GB to clients.  [none]")
@click.option("--disk-price", type=click.FloatRange(0), help="Of a GB kept and month.  [none]")
@click.option("--json", "as_json", is_flag=True, help="For programs, with every coefficient and its source.")
def plan_command(as_json: bool, **assumed: Any) -> None:
    """How many hosts, shards and partitions so many people need: computed from what was measured."""
    from webchat.plan.command import run
    from webchat.plan.sizes import Assumptions

    run(Assumptions(**assumed), as_json)


@main.command()
def openapi() -> None:
    """Print the OpenAPI document, as the server serves it."""
    from webchat.app import openapi_document

    click.echo(json.dumps(openapi_document(), indent=2))


@main.command()
def settings() -> None:
    """Print the table of settings, as it stands in README.md."""
    from webchat.settings_table import table

    click.echo(table())


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def faults(words: tuple[str, ...]) -> None:
    """Break things under load, and prove that nothing is lost (`faults --help`)."""
    run_from_tests("faults", "the fault harness", words)


@main.command("load", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def load_test(words: tuple[str, ...]) -> None:
    """Put a deployment under load: CPU, latency and memory per message, beside others (`load --help`)."""
    run_from_tests("load", "the load-test suite", words)


def run_from_tests(package: str, what: str, words: tuple[str, ...]) -> NoReturn:
    """Become `python -m tests.<package>`."""
    if not (PROJECT / "tests" / package).is_dir():
        die(SetupError(f"{what} comes with the source tree (tests/{package}), not with an installation"), 2)
    # A process of its own: gevent must patch it before anything else is imported, or not at all.
    environ = os.environ | {"PYTHONPATH": str(PROJECT)}
    os.execve(sys.executable, [sys.executable, "-P", "-m", f"tests.{package}", *words], environ)  # noqa: S606


if __name__ == "__main__":
    main(prog_name="webchat")
