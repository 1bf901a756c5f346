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
    pins = _PIN.findall(PINS.read_text())
    # A pin with a marker is of another platform where it is not installed.
    missing = [name for name, _, marked in pins if not marked and _installed(name) is None]
    found = [(name, pin, _installed(name)) for name, pin, _ in pins]
    other = [f"{name} {here} in place of {pin}" for name, pin, here in found if here not in (None, pin)]
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
