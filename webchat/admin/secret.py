"""Where an operator's commands get a password from: the terminal, standard input, or chance. Never the command line,
which every user of the machine can read."""

from __future__ import annotations

import secrets
import sys

import click

from webchat.errors import Invalid

GENERATED_BYTES = 12  # 96 bits, in 16 characters


def new_password(generate: bool) -> str:
    """Checked. Raises Invalid."""
    from webchat.logic.passwords import check_password

    if generate:
        return secrets.token_urlsafe(GENERATED_BYTES)
    password = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Invalid("no password: write one to standard input, or let one be made with --generate")
    check_password(password)
    return password


def _asked() -> str:
    password: str = click.prompt("New password", hide_input=True, confirmation_prompt="Once more", err=True)
    return password


def hashed(password: str) -> str:
    from webchat.logic.passwords import Hasher

    return Hasher().hash(password)
