"""The command's way: examine, print, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec
from rich.console import Console

from webchat.doctor.examination import examine, report, show
from webchat.settings import Settings


def run(load: Callable[[], Settings], url: str, token: str, as_json: bool) -> int:
    """0: no problem; 1: at least one."""
    findings = examine(load, url, token)
    if as_json:
        made = report(findings)
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(made)).decode() + "\n")
    else:
        made = show(findings, Console(highlight=False))
    return 0 if made.ok else 1
