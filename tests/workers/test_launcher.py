"""`webchat serve` as an operator meets it: real processes, real signals, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.launched import ROOT, Launched, environ, pings, processes_of, sockets_in, until, valkey_of
from workers.embedded import socket_path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for leftover processes in /proc")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A folder with a space in its name, which nothing may work for when the test is over."""
    folder = tmp_path / "data folder"
    yield folder
    until("no process is left", lambda: not processes_of(folder))


@pytest.fixture
def node(data: Path) -> Iterator[Launched]:
    with Launched(data) as launched:
        yield launched.ready()


def refused(*flags: str, **variables: str) -> tuple[int, str]:
    """Exit code and the one line of a `webchat serve` that must not start."""
    command = [sys.executable, "-m", "webchat.cli", "serve", "--port", "0", *flags]
    done = subprocess.run(
        command, cwd=ROOT, env=environ(**variables), capture_output=True, text=True, timeout=30, check=False
    )
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("webchat: ")
    assert done.stdout == ""
    return done.returncode, lines[0]


# --- cannot start: one line, an exit code, nothing left


def test_a_port_in_use(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line = refused("--port", str(port), "--data", str(data))
    assert code == 3
    assert f"port {port} on 127.0.0.1 is in use" in line
    assert not processes_of(data)


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    code, line = refused("--data", str(tmp_path / "data"))
    assert code == 2
    assert "this is a file" in line
    assert str(tmp_path / "data") in line


def test_a_redis_url_that_does_not_answer(data: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"redis://:secret@127.0.0.1:{unheard.getsockname()[1]}/0"
        code, line = refused("--data", str(data), redis_url=url)
    assert code == 3
    assert "WEBCHAT_REDIS_URL=redis://:***@127.0.0.1" in line
    assert "does not answer" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("url", "code"),
    [("gopher://nowhere", 2), ("redis://127.0.0.1:port/0", 2), ("redis://127.0.0.1?no_such_option=1", 3)],
)
def test_a_redis_url_that_is_none(data: Path, url: str, code: int) -> None:
    said, line = refused("--data", str(data), redis_url=url)
    assert said == code
    assert "cannot be used" in line


def test_a_host_that_is_not_ours(data: Path) -> None:
    code, line = refused("--host", "192.0.2.1", "--data", str(data))  # TEST-NET-1: nobody's address
    assert code == 3
    assert "192.0.2.1" in line


def test_a_setting_that_does_not_fit(data: Path) -> None:
    code, line = refused("--data", str(data), poll_hold="soon")
    assert code == 2
    assert "WEBCHAT_POLL_HOLD=soon" in line


# --- it runs


def test_it_starts_serves_and_says_where(node: Launched) -> None:
    assert node.get("/healthz") == 200
    assert node.get("/readyz") == 200
    assert str(node.data) in node.banner
    assert (node.data / "run" / "valkey.sock").is_socket()


def test_a_node_that_boots_is_closed_and_every_answer_is_one_that_serves(data: Path) -> None:
    """A proxy asks another node then; in a queue its request would wait for the boot, of 2 s and more."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    took: list[float] = []
    with Launched(data, "--port", str(port)) as launched:

        def answered() -> bool:
            began = time.monotonic()
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
                    line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    status = line.recv(64)[9:12]
            except ConnectionRefusedError:
                return False
            took.append(time.monotonic() - began)
            return status == b"200"

        until("somebody answers", answered, 20)
        assert len(took) == 1
        assert took[0] < 0.5, "it waited for the boot"
        launched.ready()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_leaves_nothing(node: Launched, signum: int) -> None:
    assert node.stop(signum) == 0
    assert not processes_of(node.data)
    assert not sockets_in(node.data)
    assert not list((node.data / "run").glob("metrics-*"))


def test_killed_it_leaves_nothing(node: Launched) -> None:
    node.process.kill()
    until("no process is left", lambda: not processes_of(node.data))
    until("no socket is left", lambda: not sockets_in(node.data))


def test_a_stopped_node_starts_again(data: Path) -> None:
    for _ in range(2):
        with Launched(data) as launched:
            launched.ready()
            assert launched.stop() == 0


def test_hup_brings_new_workers_and_refuses_nobody(node: Launched) -> None:
    before = set(processes_of(node.data))
    node.process.send_signal(signal.SIGHUP)
    statuses = set()

    def replaced() -> bool:
        statuses.add(node.get("/healthz"))
        now = set(processes_of(node.data))
        return bool(now - before) and len(now) == len(before)

    until("the workers are new ones", replaced, 20)
    assert statuses == {200}


def test_a_dead_gunicorn_is_replaced_on_the_same_port(node: Launched) -> None:
    pid = next(pid for pid, command in processes_of(node.data).items() if "gunicorn" in command)
    os.kill(_master_of(pid), signal.SIGKILL)
    until("it answers again", lambda: node.get("/healthz") == 200)


def test_idle_it_costs_nothing(node: Launched) -> None:
    def seconds() -> float:
        fields = Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wakeups() -> int:
        status = Path(f"/proc/{node.process.pid}/status").read_text()
        return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])

    used, woken, until_then = seconds(), wakeups(), time.monotonic() + 1.0
    until("a second has passed", lambda: time.monotonic() > until_then)
    assert seconds() - used <= 0.01  # one tick of the kernel's clock
    assert wakeups() - woken <= 1


# --- Valkey


def test_a_killed_valkey_is_restarted(node: Launched) -> None:
    path = node.data / "run" / "valkey.sock"
    before = valkey_of(node.data)
    assert before
    os.kill(before, signal.SIGKILL)
    until("another Valkey answers", lambda: valkey_of(node.data) not in (None, before) and pings(path), 1.0)


def test_a_stale_socket_is_replaced(data: Path) -> None:
    path = data / "run" / "valkey.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with Launched(data) as launched:
        launched.ready()
        assert pings(path)


def test_a_long_path_needs_no_long_socket(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 25)
    with Launched(data) as launched:
        launched.ready()
        assert valkey_of(data)
        assert not sockets_in(data)
        path = socket_path(data / "run")
        assert pings(path)
        assert launched.stop() == 0
        assert not path.exists()


def test_two_nodes_share_one_valkey_and_the_second_takes_over(node: Launched) -> None:
    path = node.data / "run" / "valkey.sock"
    with Launched(node.data) as second:
        second.ready()
        first_valkey = valkey_of(node.data)
        assert sum("valkey-server" in command for command in processes_of(node.data).values()) == 1
        node.process.kill()
        started = time.monotonic()
        until("the second node runs a Valkey", lambda: valkey_of(node.data) not in (None, first_valkey) and pings(path))
        assert time.monotonic() - started < 1.0
        until("it is ready with it", lambda: second.get("/readyz") == 200)
        assert second.stop() == 0
        assert not sockets_in(node.data)


def test_one_who_shares_leaves_the_valkey_to_the_others(node: Launched) -> None:
    with Launched(node.data) as second:
        second.ready()
        before = valkey_of(node.data)
        assert second.stop() == 0
    assert valkey_of(node.data) == before
    assert pings(node.data / "run" / "valkey.sock")


def _master_of(pid: int) -> int:
    """The gunicorn master among a gunicorn process and its parent."""
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return parent if b"gunicorn" in Path(f"/proc/{parent}/cmdline").read_bytes() else pid
