"""Shows a plan: as a table for people, as JSON for programs."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console
from rich.table import Table

from webchat.plan.coefficients import coefficients
from webchat.plan.sizes import Assumptions, Plan, plan


def run(assumed: Assumptions, as_json: bool) -> None:
    found = plan(assumed)
    if as_json:
        whole = {"assumed": assumed, "plan": found, "measured": coefficients()}
        click.echo(msgspec.json.format(msgspec.json.encode(whole), indent=1))
        return
    table = Table(header_style="bold")
    table.add_column("for this")
    table.add_column("needed", justify="right")
    for name, value in rows(assumed, found):
        table.add_row(name, value)
    console = Console()
    console.print(table)
    console.print(
        "[dim]From measured coefficients (--json names each with its source) on cores like those of that machine. "
        "What was assumed is an option each: --help.[/]",
        highlight=False,
    )


def rows(assumed: Assumptions, found: Plan) -> list[tuple[str, str]]:
    return [
        ("people connected", f"{assumed.users:,}"),
        ("messages a second", f"{found.messages:,.0f}"),
        ("deliveries a second", f"{found.deliveries:,.0f}"),
        ("empty polls a second", f"{found.polls:,.0f}"),
        ("cores of work on the nodes", f"{found.node_cores:,.1f}"),
        ("workers", f"{found.workers:,}"),
        (f"node hosts of {assumed.cores} cores, at {assumed.busy:.0%}", f"{found.node_hosts:,}"),
        ("memory of parked polls, GiB", f"{found.memory:,.1f}"),
        ("cores of work in PostgreSQL", f"{found.database_cores:,.1f}"),
        ("comings and goings a second", f"{found.presence:,.0f}"),
        ("PostgreSQL shards", f"{found.shards:,} (by {found.shards_why})"),
        ("rings a second", f"{found.ring_commands:,.0f}"),
        ("doorbell traffic each way, Mbit/s", f"{found.ring_traffic:,.0f}"),
        ("doorbell shards", f"{found.bells:,}"),
        ("bandwidth to clients, Mbit/s", f"{found.outgoing:,.0f}"),
        (f"partitions of {assumed.partition:,} messages a day", f"{found.partitions:,.2f}"),
        (f"disk for {assumed.keep} days, GB", f"{found.disk:,.0f}"),
        ("from send to receipt, simulated p50 / p99, ms", f"{found.latency.p50:.1f} / {found.latency.p99:.1f}"),
        ("cost a month", "give prices" if found.cost is None else f"{found.cost:,.0f}"),
    ]
