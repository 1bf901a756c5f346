"""The options of `./chat load users`, and what must be so before anything else is imported: Locust is installed, and
gevent has patched the process.

0: exact; 1: lost, doubled or out of order; 2: it cannot start.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import click
from gevent import monkey

THINK = 5.0  # seconds between a person's acts, on the average
WEB_PORT = 8089


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", "urls", multiple=True, required=True, help="The deployment; several times for several nodes.")
@click.option("--users", "count", type=click.IntRange(2), default=200, show_default=True, help="People.")
@click.option("--spawn-rate", type=click.FloatRange(0.1), default=50.0, show_default=True, help="New people a second.")
@click.option("--seconds", type=click.FloatRange(1), default=60.0, show_default=True, help="Once all are there.")
@click.option("--think", type=click.FloatRange(0.01), default=THINK, show_default=True, help="Seconds between acts.")
@click.option(
    "--users-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Accounts, as `./chat load seed` writes them.  [registers its own by the API]",
)
@click.option("--web", is_flag=True, help=f"Locust's web page, on port {WEB_PORT}; it starts and stops the runs.")
@click.option("--headless", is_flag=True, help="No web page.  [so it is without --web]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the results: JSON and HTML.")
def users(*, urls: tuple[str, ...], headless: bool, web: bool, **wanted: Any) -> None:
    """People who chat, think, read back, close their tab and come back (with Locust)."""
    if importlib.util.find_spec("locust") is None:
        lacking = f"Locust is not installed: {sys.executable} -m pip install --require-hashes -r requirements/load.txt"
        click.echo(f"webchat: {lacking}", err=True)
        sys.exit(2)
    if not monkey.is_module_patched("ssl"):
        # A process of its own: gevent must patch it before anything else is imported.
        words = sys.argv[sys.argv.index("users") + 1 :] if "users" in sys.argv else sys.argv[1:]
        os.execv(sys.executable, [sys.executable, "-P", "-m", "tests.load", "users", *words])
    from tests.load.users.connections import Refused
    from tests.load.users.run import run
    from webchat.errors import SetupError

    try:
        code = run([url.rstrip("/") for url in urls], web_port=WEB_PORT if web and not headless else None, **wanted)
    except (Refused, SetupError) as error:
        click.echo(f"webchat: {getattr(error, 'detail', error)}", err=True)
        sys.exit(2)
    sys.exit(code)
