"""Options that all of the operator's commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def on_database(command: Command) -> Command:
    """`--data` and `--json`; the environment names the database as it does for the server."""
    command = click.option("--data", metavar="DIR", help="Folder of the database.  [data]")(command)
    return click.option("--json", "json_", is_flag=True, help="Print JSON.")(command)


def with_password(command: Command) -> Command:
    text = "Make a password and print it, once; else it is read from the terminal or standard input."
    return click.option("--generate", is_flag=True, help=text)(command)
