"""Which Valkey is started, and where its socket is. What it does when killed: see test_launcher.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from webchat.errors import SetupError
from workers import embedded
from workers.embedded import LONGEST_PATH, connect, find_server, socket_path


def fake_server(folder: Path, name: str, version: str) -> Path:
    server = folder / name
    server.write_text(f"#!/bin/sh\necho 'Server v={version} sha=0'\n")
    server.chmod(0o755)
    return server


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, on a platform without a bundled server."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "_bundled", lambda: None)
    return tmp_path


def test_a_server_on_path_is_used_where_none_is_bundled(on_path: Path) -> None:
    redis = fake_server(on_path, "redis-server", "7.0.15")
    assert find_server() == redis
    valkey = fake_server(on_path, "valkey-server", "8.1.0")
    assert find_server() == valkey


def test_an_old_server_is_named_and_refused(on_path: Path) -> None:
    old = fake_server(on_path, "redis-server", "6.2.0")
    with pytest.raises(SetupError, match=f"{old} is version 6") as refused:
        find_server()
    assert "WEBCHAT_REDIS_URL" in refused.value.detail


def test_none_at_all_says_what_to_do(on_path: Path) -> None:
    with pytest.raises(SetupError, match="WEBCHAT_REDIS_URL"):
        find_server()


def test_the_socket_is_in_the_folder_or_has_a_short_name_of_its_own() -> None:
    assert socket_path(Path("/data/run")) == Path("/data/run/valkey.sock")
    long, other = Path("/" + "x" * 100), Path("/" + "y" * 100)
    assert len(os.fsencode(socket_path(long))) <= LONGEST_PATH
    assert socket_path(long) == socket_path(long)
    assert socket_path(long) != socket_path(other)


def test_nobody_listens(tmp_path: Path) -> None:
    assert connect(tmp_path / "valkey.sock") is None


def test_a_file_in_the_sockets_place_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "valkey.sock").write_text("")
    with pytest.raises(SetupError, match="no socket of ours"):
        connect(tmp_path / "valkey.sock")
