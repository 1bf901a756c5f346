"""What the harness plants inside a worker, through the one seam in `workers/wsgi.py`.

Loaded only where WEBCHAT_TEST_PLANT names it. `plant(node)` is called when the node is wired and not yet
started. Everything here is switched at run time by files (`tests.faults.switches`), except the planted bug
of a self-test, which is there from the worker's start or not at all.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.plants import bugs, census, clock, crash, disk
from tests.faults.switches import Switches
from webchat.node import Node

FOLDER = "WEBCHAT_TEST_SWITCHES"


def plant(node: Node) -> None:
    """Install the seams, and the bug whose switch is on."""
    switches = Switches(Path(os.environ[FOLDER]))
    crash.install(node, switches)
    disk.install(node, switches)
    clock.install(node, switches)
    census.install(node, switches)
    bugs.install(node, switches)
