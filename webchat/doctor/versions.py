"""What is installed, beside what was tested together."""

from __future__ import annotations

import importlib.util
import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from webchat import __version__
from webchat.doctor.finding import Finding, ok, problem, warning
from webchat.settings import PROJECT

PART = "versions"
PINS = PROJECT / "requirements" / "run.txt"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)( ;)?", re.MULTILINE)
SHOWN = ("falcon", "gunicorn", "gevent", "redis", "apsw", "psycopg")
AGAIN = "remove .venv and run `./chat --version`: it installs what is pinned"


def examine() -> Iterator[Finding]:
    shown = ", ".join(f"{name} {_installed(name) or 'missing'}" for name in SHOWN)
    yield ok(PART, f"webchat {__version__}, Python {platform.python_version()}, {shown}")
    if importlib.util.find_spec("gunicorn_h1c") is None:
        yield warning(
            PART,
            "the HTTP parser in C is not installed: a message costs several times the CPU",
            f"install a C compiler and Python's headers, then {AGAIN}",
        )
    if not PINS.exists():
        return
    # A package may be pinned more than once, for different Pythons; where all its pins have markers, it may be absent.
    pins: dict[str, list[str]] = {}
    needed = set()
    for name, pin, marked in _PIN.findall(PINS.read_text()):
        pins.setdefault(name, []).append(pin)
        needed |= set() if marked else {name}
    here = {name: _installed(name) for name in pins}
    missing = sorted(name for name in needed if here[name] is None)
    other = [
        f"{name} {here[name]} in place of {' or '.join(allowed)}"
        for name, allowed in pins.items()
        if here[name] not in (None, *allowed)
    ]
    if missing:
        yield problem(PART, f"not installed: {', '.join(missing)}", AGAIN)
    if other:
        yield warning(PART, f"other releases than those tested together: {', '.join(other)}", AGAIN)
    if not missing and not other:
        yield ok(PART, f"{len(pins)} packages are as pinned")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
