"""Which host this is: a running kernel. Its containers may share a file, and memory, as its processes may."""

from __future__ import annotations

import contextlib
import platform
import subprocess
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """What tells this kernel's run from every other one; empty where that cannot be known: then nobody is refused."""
    with contextlib.suppress(OSError):
        return BOOT_ID.read_text().strip()
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return ""
