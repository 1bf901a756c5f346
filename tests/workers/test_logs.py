"""Log lines: one JSON object each for collectors, short text for people."""

from __future__ import annotations

import json
import logging
import sys

from workers.logs import ConsoleFormatter, JsonFormatter, wants_json


def record(**extra: object) -> logging.LogRecord:
    return logging.getLogger("webchat.launcher").makeRecord(
        "webchat.launcher", logging.WARNING, __file__, 1, "valkey %s", ("ended",), None, extra=extra
    )


def test_json_has_the_event_and_its_extras() -> None:
    line = json.loads(JsonFormatter().format(record(why="SIGKILL", restart_in=0.1)))
    assert (line["event"], line["level"], line["logger"]) == ("valkey ended", "warning", "webchat.launcher")
    assert (line["why"], line["restart_in"]) == ("SIGKILL", 0.1)
    assert line["timestamp"].endswith("Z")


def test_json_stays_one_line_with_an_exception() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        failed = record()
        failed.exc_info = sys.exc_info()
    text = JsonFormatter().format(failed)
    assert "\n" not in text
    assert "ValueError" in json.loads(text)["exception"]


def test_text_for_people() -> None:
    assert ConsoleFormatter().format(record(why="SIGKILL")).endswith("warning  valkey ended  why=SIGKILL")


def test_auto_is_json_where_nobody_looks() -> None:
    assert wants_json("json")
    assert not wants_json("console")
    assert wants_json("auto") is not sys.stderr.isatty()
