"""How a log line looks, for the processes that are not workers: the launcher and gunicorn's master.

JSON, one object a line, for a collector; short text for a person at a terminal. Standard library only,
because gunicorn's master imports this before its workers patch.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """`{"timestamp", "level", "event", "logger", "pid", …}`; what was given as `extra` becomes keys."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": _moment(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            "pid": record.process,
        }
        line |= extras(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class ConsoleFormatter(logging.Formatter):
    """`12:34:56 warning  the event  key=value`, in local time."""

    def format(self, record: logging.LogRecord) -> str:
        rest = "".join(f"  {name}={value}" for name, value in extras(record).items())
        clock = _moment(record).astimezone().strftime("%H:%M:%S")
        line = f"{clock} {record.levelname.lower():<8} {record.getMessage()}{rest}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def wants_json(log_format: str) -> bool:
    """What `auto` means: a terminal reads text, anything else collects JSON."""
    return log_format == "json" or (log_format != "console" and not sys.stderr.isatty())


def formatter(log_format: str) -> logging.Formatter:
    """The formatter that a `log_format` setting stands for."""
    return JsonFormatter() if wants_json(log_format) else ConsoleFormatter()


def launcher_log(log_format: str, level: str) -> logging.Logger:
    """The launcher's logger, on stderr like every other log of the server."""
    log = logging.getLogger("webchat.launcher")
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(log_format))
    log.handlers[:] = [handler]
    log.setLevel(level.upper())
    log.propagate = False
    return log


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)
