"""Hosts in network namespaces: each has one address, on one bridge, and nothing else that it could reach.

Who makes a `Network` moves into a new namespace for good: the bridge is there, and no way leads from it to the
machine's own network. A host's namespace has no name. It lasts as long as somebody holds it: its maker by a
file descriptor, and whatever runs in it. So the kernel takes everything away when these have ended, by whatever cause,
SIGKILL included.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys

NET = "10.77.0."
PREFIX = 24
OWN = 1  # the last number of the maker's address
CLONE_NEWNET = 0x4000_0000
_TRY = "ip link add bridge type bridge && ip link add one type veth peer name other"


def missing() -> str:
    """Why there can be no such network here; empty where there can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    for program, package in (("ip", "iproute2"), ("nsenter", "util-linux"), ("setpriv", "util-linux")):
        if not shutil.which(program):
            return f"no {program} (Debian: apt install {package})"
    if os.geteuid() != 0:
        return "network namespaces need root"
    tried = subprocess.run(["unshare", "--net", "sh", "-c", _TRY], capture_output=True, text=True, check=False)
    return f"no network namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


class Network:
    """A bridge in a namespace of this process's own. Make it in the main thread, before anything is connected."""

    def __init__(self) -> None:
        self._own = _new_namespace()
        _ip("link set lo up")
        _ip("link add bridge type bridge")
        _ip(f"address add {NET}{OWN}/{PREFIX} dev bridge")
        _ip("link set bridge up")

    def host(self, number: int) -> Host:
        """A new host with the address `NET + number`, connected. This thread is where it was, afterwards."""
        try:
            namespace = _new_namespace()
        finally:
            _enter(self._own)
        return Host(number, namespace)


class Host:
    """See the module. `within`: what to put in front of a command, to run it there."""

    def __init__(self, number: int, namespace: int) -> None:
        self.address = f"{NET}{number}"
        self._link = f"host{number}"  # the bridge's end of the cable
        path = f"/proc/{os.getpid()}/fd/{namespace}"
        self.within = ["nsenter", f"--net={path}", "--"]
        _ip(f"link add {self._link} type veth peer name eth0 netns {path}")
        _ip(f"link set {self._link} master bridge up")
        for words in ("link set lo up", f"address add {self.address}/{PREFIX} dev eth0", "link set eth0 up"):
            _ip(words, self.within)

    def cut(self) -> None:
        """Pull its cable: what it sends is lost, and what is sent to it; nobody is told."""
        _ip(f"link set {self._link} down")

    def join(self) -> None:
        _ip(f"link set {self._link} up")


def _ip(words: str, within: list[str] | None = None) -> None:
    subprocess.run([*(within or []), "ip", *words.split()], check=True, stdin=subprocess.DEVNULL)


def _new_namespace() -> int:
    """Move this thread into a new namespace; a descriptor that holds it."""
    _call("unshare", CLONE_NEWNET)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter(namespace: int) -> None:
    _call("setns", namespace, CLONE_NEWNET)


def _call(name: str, *numbers: int) -> None:
    """Python has these from 3.12 on. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*numbers) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
