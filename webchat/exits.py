"""How a command ends: in one line and without a traceback.

0 done; 1 refused, nothing was changed; 2 the command or the configuration cannot be meant; 3 the server cannot start,
or the database not be opened.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from webchat.errors import ChatError, SetupError
from webchat.settings import Settings

REFUSED = 1
BAD_CONFIGURATION = 2
CANNOT_START = 3


def load(**flags: Any) -> Settings:
    try:
        return Settings.load(**flags)
    except SetupError as error:
        die(error, BAD_CONFIGURATION)


def die(error: ChatError, code: int) -> NoReturn:
    click.echo(f"webchat: {error.detail}", err=True)
    sys.exit(code)
