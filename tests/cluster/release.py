"""An earlier release of ours, taken out of the repository's history, to run beside this one."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.workers.launched import ROOT, Launched

# The last commit before the migrations that this release is the first to have.
BEFORE_PARTITIONS = "4b3a6d5"


def unpacked(commit: str, folder: Path) -> Path:
    """The project as it was then. Skips where the history is not at hand: a shallow clone, or none."""
    command = ["git", "-C", str(ROOT), "archive", commit, "webchat", "workers", "static", "deploy", "README.md"]
    try:
        archive = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"the history does not go back to the release before this one ({commit})")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    return folder


def launched_at(root: Path) -> type[Launched]:
    """Nodes of the project in that folder."""
    return type("LaunchedEarlier", (Launched,), {"root": root})
