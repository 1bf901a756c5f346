"""The command as it is typed: each time a process of its own, with its own streams and environment.

A process that begins with Python spends nearly all of its time on imports. These are forked from one that has them
behind it (`multiprocessing`'s fork server); `whole` starts anew, as a shell does.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.reduction import DupFd
from typing import IO, Any, NamedTuple

from tests.workers.launched import ROOT, environ

PATIENCE = 60.0  # seconds
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.admin.shell", "webchat.cli", "webchat.admin.desk", "webchat.logic.operators"])


class Said(NamedTuple):
    code: int
    out: str
    errors: str


class Shell:
    """Runs the command on one database."""

    def __init__(self, *, whole: bool = False, **variables: str) -> None:
        self.environ = environ(**variables) | {"TZ": "UTC"}
        self._whole = whole

    def run(self, *words: str | bytes, stdin: str = "") -> Said:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            given.write(stdin.encode())
            given.seek(0)
            code = (self._anew if self._whole else self._forked)(words, [given, out, errors])
            out.seek(0)
            errors.seek(0)
            return Said(code, out.read().decode(), errors.read().decode())

    def _anew(self, words: Sequence[str | bytes], streams: Sequence[IO[bytes]]) -> int:
        given, out, errors = streams
        command = [sys.executable, "-m", "webchat.cli", *map(os.fsdecode, words)]
        with subprocess.Popen(command, cwd=ROOT, env=self.environ, stdin=given, stdout=out, stderr=errors) as process:
            return process.wait(PATIENCE)

    def _forked(self, words: Sequence[str | bytes], streams: Sequence[IO[bytes]]) -> int:
        copies = [DupFd(stream.fileno()) for stream in streams]
        process = _server.Process(target=typed, args=([*map(os.fsdecode, words)], self.environ, copies))
        process.start()
        process.join(PATIENCE)
        code: int | None = process.exitcode
        assert code is not None, f"{words!r} did not end"
        return code

    def ok(self, *words: str, stdin: str = "") -> str:
        said = self.run(*words, stdin=stdin)
        assert (said.code, said.errors) == (0, ""), said
        return said.out

    def json(self, *words: str, stdin: str = "") -> Any:
        return json.loads(self.ok(*words, "--json", stdin=stdin))


def typed(words: list[str], variables: dict[str, str], streams: list[Any]) -> None:
    """In a process of its own: run the command."""
    from webchat.cli import main

    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    for descriptor, stream in enumerate(streams):
        os.dup2(stream.detach(), descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  `multiprocessing` has put another one there
    main(words, prog_name="webchat")
