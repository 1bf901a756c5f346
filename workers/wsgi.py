"""`workers.wsgi:application()`: what gunicorn loads in each worker, after the worker has patched the world."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import time

import structlog

from webchat.app import ChatApp, create_app
from webchat.errors import Unavailable
from webchat.node import Node, build_node
from webchat.settings import Settings
from workers.janitor import Janitor
from workers.logs import wants_json

COLLECT = (20_000, 20, 20)  # the collector's thresholds; Python's own are (700, 10, 10)
# Seconds after which a thread that wants the interpreter gets it (Python's own: 5 ms): the committer's waits for it
# several times in each commit, and senders wait with it.
SWITCH_EVERY = 0.0005
RETRY = 0.5  # seconds between two attempts to open the database


def application() -> ChatApp:
    """Build and start this worker's node."""
    settings = Settings.load()
    configure_logs(settings)
    node = when_the_database_answers(settings)
    if plant := os.environ.get("WEBCHAT_TEST_PLANT"):  # tests/faults: crash points, clocks, planted bugs
        importlib.import_module(plant).plant(node)
    app = create_app(node)
    node.start()
    Janitor(app).start()
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not look at it again
    # Requests leave no cycles behind; what piles up between two collections are parked polls, which live for long.
    gc.set_threshold(*COLLECT)
    sys.setswitchinterval(SWITCH_EVERY)
    return app


def when_the_database_answers(settings: Settings) -> Node:
    """A worker that fails to boot ends the whole server, and a database that restarts is no reason for that.

    The master replaces a worker that boots for too long; until then this one waits.
    """
    while True:
        try:
            return build_node(settings)
        except Unavailable as error:
            structlog.get_logger().warning("waiting for the database", error=error.detail)
            time.sleep(RETRY)


def configure_logs(settings: Settings) -> None:
    """One event a line on stderr: JSON for collectors, readable on a terminal."""
    as_json = wants_json(settings.log_format)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.CallsiteParameterAdder([structlog.processors.CallsiteParameter.PROCESS]),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
