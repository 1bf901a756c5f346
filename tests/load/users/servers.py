"""Whose CPU it is: the processes behind addresses of this machine, found by their listening sockets."""

# mypy: disable-error-code="import-not-found, import-untyped"

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tests.faults.processes import children


def served_by(urls: list[str]) -> dict[str, list[int]]:
    """Role → the processes behind URLs on this machine, found by their sockets; none where it is another machine."""
    import psutil

    ports = {urlsplit(url).port for url in urls if urlsplit(url).hostname in ("127.0.0.1", "localhost")}

    def listens(process: Any) -> bool:
        with suppress(psutil.Error):
            return any(one.status == "LISTEN" and one.laddr.port in ports for one in process.net_connections("tcp"))
        return False

    found: dict[str, set[int]] = defaultdict(set)
    with suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.status == "LISTEN" and one.laddr.port in ports and one.pid:
                process = psutil.Process(one.pid)
                while (parent := process.parent()) and listens(parent):
                    process = parent
                found["launcher"].add(process.pid)
                for child in children(process.pid):
                    if workers := children(child):
                        found["master"].add(child)
                        found["worker"] |= set(workers)
                    else:
                        found[psutil.Process(child).name()].add(child)
    return {role: sorted(of_role) for role, of_role in found.items()}
