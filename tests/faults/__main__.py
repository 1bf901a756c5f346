"""`./chat faults`: break things under load, and prove that nothing is lost.

0 no violation; 1 violations, or a planted bug that was missed; 2 a wrong option, or nothing could be started;
130 or 143 interrupted.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import signal
import sys
from typing import Any, NoReturn


def leave(signum: int, _: object) -> NoReturn:
    """End by way of the clean-up, which takes some seconds; whoever asks again meanwhile is not heard."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    # Not KeyboardInterrupt: gevent prints a traceback of the greenlet that it happens to meet.
    sys.exit(128 + signum)


if __name__ == "__main__":  # before the imports, which take a second
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, leave)

import tempfile
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.faults import bugs, history, report
from tests.faults.kinds import KINDS
from tests.faults.oracle import judge
from tests.faults.run import Plan, check_names, run
from tests.faults.stage import ENGINES
from webchat.errors import SetupError

console = Console(stderr=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--engine", type=click.Choice(ENGINES), default=Plan.engine, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=Plan.seconds, show_default=True, help="Time of faults.")
@click.option("--once", is_flag=True, help="Each kind of fault one time, however long that takes.")
@click.option("--seed", type=int, default=Plan.seed, show_default=True, help="Decides which faults, where and when.")
@click.option("--nodes", type=click.IntRange(1, 16), default=Plan.nodes, show_default=True)
@click.option("--workers", type=click.IntRange(1, 16), default=Plan.workers, show_default=True, help="Per node.")
@click.option("--clients", type=click.IntRange(4), default=Plan.clients, show_default=True)
@click.option("--pace", type=float, default=Plan.pace, show_default=True, help="Seconds between a client's acts.")
@click.option("--hosts", is_flag=True, help="Each node on a host of its own; needs root.")
@click.option("--plant", default="", metavar="BUG", help="Plant this bug of the self-test: there must be violations.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("data/faults"), show_default=True)
@click.option("--faults", "names", default="", metavar="A,B,…", help="Only these kinds.")
@click.option("--self-test", is_flag=True, help="Plant bugs one at a time, and show each one caught.")
@click.option("--bugs", "planted", default="", metavar="A,B,…", help="With --self-test: only these bugs.")
@click.option("--list", "listing", is_flag=True, help="The fault kinds and the bugs of the self-test.")
@click.option("--judge", "recorded", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A history.")
def main(
    *,
    out: Path,
    names: str,
    self_test: bool,
    planted: str,
    listing: bool,
    recorded: Path | None,
    **wanted: Any,
) -> None:
    """Start nodes, Valkey and a database, drive them with independent clients, break things by a seeded
    schedule, heal, and hold the history of it all against the chat's promises."""
    if listing:
        show_list()
        sys.exit(0)
    if recorded:
        sys.exit(judge_again(recorded))
    if wanted["hosts"]:
        if self_test:
            die("--self-test is for runs without --hosts; --plant plants one of its bugs in any run")
        wanted["engine"] = hosts_engine()
    plan = Plan(**wanted, faults=_split(names))
    if wrong := check_names(plan.faults, plan.engine, plan.place) or bugs.check_names(
        [*_split(planted), *_split(plan.plant)]
    ):
        die(wrong)
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        die(f"--out {out} cannot be used: {error.strerror}")
    try:
        if self_test:
            sys.exit(bugs.self_test(console, _split(planted), plan.seed, out, plan.engine))
        name = "hosts" if plan.hosts else plan.engine
        sys.exit(run_and_report(plan, out / f"{name}-{plan.seed}.jsonl"))
    except SetupError as error:
        die(error.detail)


def hosts_engine() -> str:
    """SQLite serves one host alone."""
    given = click.get_current_context().get_parameter_source("engine") is not ParameterSource.DEFAULT
    if given and click.get_current_context().params["engine"] != "postgres":
        die("--hosts is for --engine postgres: several hosts cannot share a SQLite")
    return "postgres"


def run_and_report(plan: Plan, path: Path) -> int:
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        found, violations = run(plan, path, lambda what, part: bar.update(task, description=what, completed=part))
    nodes = f"{plan.nodes} {'hosts' if plan.hosts else 'nodes'}"
    console.print(
        f"{plan.engine}, seed {plan.seed}, {nodes} of {plan.workers} workers, "
        f"{plan.clients} clients, " + ("each fault once" if plan.once else f"{plan.seconds:g} s of faults"),
        highlight=False,
    )
    report.show(console, found.records, violations, path)
    return 1 if violations else 0


def judge_again(path: Path) -> int:
    try:
        records = history.load(path)
    except ValueError as error:
        die(f"{path}: {error}")
    violations = judge(records)
    report.show(console, records, violations, None)
    return 1 if violations else 0


def show_list() -> None:
    for name, kind in KINDS.items():
        console.print(f"{name:<22} {kind.summary()}", highlight=False)
    console.print()
    for name, scenario in bugs.SCENARIOS.items():
        console.print(f"{name:<26} {scenario.summary()}", highlight=False)


def _split(names: str) -> tuple[str, ...]:
    return tuple(name for name in names.split(",") if name)


def die(sentence: str) -> NoReturn:
    click.echo(f"webchat: {sentence}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    try:
        main(prog_name="./chat faults")
    except SystemExit as end:
        if isinstance(end.code, int) and end.code > 128:
            click.echo("webchat: interrupted; everything that was started is ended", err=True)
        raise
