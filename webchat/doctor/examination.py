"""All parts, one after another, and what is made of the findings: lines for people, JSON for programs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import msgspec
from rich.console import Console
from rich.text import Text

from webchat import __version__
from webchat.doctor import configuration, doorbell, machine, outside, store, versions
from webchat.doctor.finding import Finding, problem
from webchat.errors import SetupError
from webchat.settings import Settings

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "bold red")}


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints. `ok`: there is no problem; there may be warnings."""

    version: str
    ok: bool
    findings: list[Finding]


def examine(load: Callable[[], Settings], url: str = "", token: str = "") -> Iterator[Finding]:
    """All findings, each as soon as it is there. With `url`, the way in as well."""
    try:
        settings = load()
    except SetupError as error:
        yield problem(configuration.PART, error.detail, "the table of settings in README.md")
    else:
        yield from configuration.examine(settings)
        yield from versions.examine()
        yield from machine.examine(settings)
        yield from store.examine(settings)
        yield from doorbell.examine(settings)
    if url:
        yield from outside.examine(url, token)


def show(findings: Iterable[Finding], console: Console) -> Report:
    """Print each finding under its part; the report of all of them."""
    seen = []
    console.print(Text(f"webchat {__version__} · doctor", "bold"))
    for part, group in itertools.groupby(findings, lambda finding: finding.part):
        console.print(Text(f"\n{part}", "bold"))
        for finding in group:
            seen.append(finding)
            mark, style = MARKS[finding.level]
            _hang(console, "  ", Text(f"{mark} ", style), Text(finding.says))
            if finding.remedy:
                _hang(console, "    ", Text("→ ", style), Text(finding.remedy))
    made = report(seen)
    problems, warnings = (sum(finding.level == level for finding in seen) for level in ("problem", "warning"))
    fine = len(seen) - problems - warnings
    console.print(f"\n{_count(problems, 'problem')}, {_count(warnings, 'warning')}; all else is fine ({fine})")
    return made


def report(findings: Iterable[Finding]) -> Report:
    seen = list(findings)
    return Report(__version__, all(finding.level != "problem" for finding in seen), seen)


def _hang(console: Console, indent: str, mark: Text, text: Text) -> None:
    """The text beside its mark; its further lines below itself."""
    width = max(20, console.width - len(indent) - len(mark))
    for number, line in enumerate(text.wrap(console, width)):
        line.rstrip()
        console.print(Text(indent) + (mark if number == 0 else Text(" " * len(mark))) + line)


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
