"""Children that do not outlive their parent.

On Linux the kernel sends SIGTERM to a child when the launcher dies, by whatever signal
(PR_SET_PDEATHSIG), so that a `kill -9` of the launcher leaves nothing behind. Elsewhere a child of a
killed launcher stays until it is stopped by hand; the next launcher finds and uses its Valkey.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def spawn(
    command: Sequence[str | Path],
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    keep: Sequence[int] = (),
    stdout: int | None = None,
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (Ctrl-C reaches the launcher alone); `keep`: its inherited fds.

    Call it from the main thread only: the parent whose death counts is the thread that forks.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=environ,
        cwd=cwd,
        pass_fds=keep,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - the launcher has one thread
    )


def signal_group(child: subprocess.Popen[bytes], signum: int) -> None:
    """Signal the child and all its descendants that stayed in its session; gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says "permission" of zombies
        os.killpg(child.pid, signum)


def stop(child: subprocess.Popen[bytes], seconds: float) -> None:
    """SIGTERM, and SIGKILL for the whole session after `seconds`; returns when the child is gone."""
    child.terminate()
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        signal_group(child, signal.SIGKILL)
        child.wait()


def describe_exit(code: int) -> str:
    """`exit code 1`, or `SIGKILL`: a Popen return code for people."""
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _die_with(parent: int) -> Callable[[], None] | None:
    if _prctl is None:
        return None
    prctl = _prctl

    def between_fork_and_exec() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return between_fork_and_exec
