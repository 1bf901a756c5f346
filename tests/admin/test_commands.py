"""`webchat user …`, `webchat message …`, `webchat audit`: as processes of their own, beside a server or without one.

What each may do is in tests/logic/test_operators.py; here: what is typed, printed and heard.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import pty
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.admin.shell import Shell
from tests.client import PASSWORD, Client, Reader, request, until
from tests.conftest import Cluster
from tests.web.background import Held
from tests.workers.launched import ROOT
from webchat.data.database import prepare
from webchat.settings import Settings

AT_ONCE = 1.5  # seconds


@pytest.fixture
def shell(cluster: Cluster) -> Shell:
    return Shell(data=str(cluster.data))


@pytest.fixture(params=["sqlite", "postgres"])
def alone(tmp_path: Path, request: pytest.FixtureRequest) -> Shell:
    """A database of either engine that nobody serves."""
    url = request.getfixturevalue("postgres_databases").migrated() if request.param == "postgres" else ""
    prepare(Settings(data=str(tmp_path / "data"), database_url=url))
    return Shell(data=str(tmp_path / "data"), database_url=url)


def log_in(cluster: Cluster, name: str, password: str) -> int:
    return cluster.client().call("POST", "/api/tokens", {"name": name, "password": password}).status


def waiting(who: Client, node: int) -> Held:
    headers = {"Authorization": f"Bearer {who.token}"}
    target = f"/api/events?after={who.cursor()}&timeout=20"
    return Held.parked(partial(request, who.nodes[node], "GET", target, headers=headers))


# --- beside a server


def test_a_created_account_logs_in(cluster: Cluster) -> None:
    shell = Shell(whole=True, data=str(cluster.data))
    assert shell.ok("user", "create", "Made-1", stdin="a password\n") == "created: Made-1\n"
    assert log_in(cluster, "made-1", "a password") == 201
    made, password = shell.ok("user", "create", "made-2", "--generate").splitlines()
    assert made == "created: made-2"
    assert log_in(cluster, "made-2", password.removeprefix("password: ")) == 201
    told = shell.json("user", "create", "made-3", "--generate")
    assert log_in(cluster, "made-3", told["password"]) == 201


def test_a_disabled_user_is_out_at_once_and_in_again_later(cluster: Cluster, shell: Shell) -> None:
    one, other, conversation = cluster.pair()
    polls = [waiting(one, node) for node in (0, 1)]
    assert shell.ok("user", "disable", one.name.upper()) == f"disabled: {one.name}; sessions ended: 1\n"
    for poll in polls:
        assert poll.answer(AT_ONCE).status == 401
    body = {"conversation": conversation, "text": "still here", "client_id": "c1"}
    assert one.call("POST", "/api/messages", body).status == 401
    assert log_in(cluster, one.name, PASSWORD) == 401
    assert other.ok("GET", f"/api/users/{one.name}")["user"] == {"name": one.name, "relation": "none", "gone": True}
    assert cluster.user().call("GET", f"/api/users/{one.name}").status == 404
    assert shell.ok("user", "enable", one.name) == f"enabled: {one.name}\n"
    one.log_in()
    one.send(conversation, "back again")


def test_a_reset_password_ends_all_sessions(cluster: Cluster, shell: Shell) -> None:
    one = cluster.user()
    poll = waiting(one, 0)
    told = shell.json("user", "reset-password", one.name, "--generate")
    assert (told["name"], told["sessions_ended"]) == (one.name, 1)
    assert poll.answer(AT_ONCE).status == 401
    assert log_in(cluster, one.name, PASSWORD) == 401
    assert log_in(cluster, one.name, told["password"]) == 201


def test_a_deleted_message_is_gone_for_everybody_at_once(cluster: Cluster, shell: Shell) -> None:
    one, other, conversation = cluster.pair()
    message = one.send(conversation, "\x1b[2J做坏事\u202e")
    with Reader(other) as reader:
        said = shell.ok("message", "delete", str(message["id"]), "--reason", "垃圾")
        assert said == f"deleted: message {message['id']}, number 1 in conversation {conversation}, from {one.name}\n"
        until("it is told", lambda: reader.of("changed"))
    assert reader.of("changed")[0]["message"]["deleted"]
    assert [each["text"] for each in other.history(conversation)] == [""]
    shown = shell.ok("message", "history", str(message["id"]))
    assert "<001b>[2J做坏事<202e>" in shown, "what somebody wrote does not speak to the terminal"
    assert "(deleted)" in shown
    told = shell.json("message", "history", str(message["id"]))
    assert (told["text"], told["deleted"], told["before"][0]["text"]) == ("", True, "\x1b[2J做坏事\u202e")
    (act,) = [act for act in shell.json("audit") if act["subject"] == str(message["id"])][-1:]
    assert act["action"] == "message delete"
    assert act["detail"].endswith(f"from {one.name}: 垃圾")


def test_the_bytes_of_a_deleted_message_s_files_go_at_once(cluster: Cluster, shell: Shell) -> None:
    one, _, conversation = cluster.pair()
    kind = {"Content-Type": "application/octet-stream"}
    file = one.call("POST", "/api/files?name=bad.bin", b"bad, and nobody else's", kind).body["file"]
    body = {"conversation": conversation, "text": "", "files": [file["id"]], "client_id": "c1"}
    message = one.ok("POST", "/api/messages", body)["message"]
    digest = hashlib.sha256(b"bad, and nobody else's").hexdigest()
    kept = cluster.data / "files" / digest[:2] / digest[2:]
    assert kept.exists()
    shell.ok("message", "delete", str(message["id"]))
    assert not kept.exists()
    assert one.call("GET", f"/api/files/{file['id']}").status == 404


# --- without a server


def test_all_of_it_works_on_a_database_that_nobody_serves(alone: Shell) -> None:
    assert alone.json("user", "list") == []
    alone.ok("user", "create", "ann", stdin="a password\n")
    alone.ok("user", "create", "bob", "--generate")
    alone.ok("user", "disable", "bob")
    listed = alone.ok("user", "list").splitlines()
    assert listed[0].split() == ["NAME", "STATE", "CREATED", "SESSIONS", "LAST", "SEEN", "DISPLAY", "NAME"]
    assert [line.split()[:2] for line in listed[1:]] == [["ann", "active"], ["bob", "disabled"]]
    assert len({line.index(word) for line, word in zip(listed, ("STATE", "active", "disabled"), strict=True)}) == 1
    assert [each["name"] for each in alone.json("user", "list", "b")] == ["bob"]
    acts = alone.json("audit", "--limit", "2")
    assert [(act["action"], act["subject"]) for act in acts] == [("user disable", "bob"), ("user create", "bob")]
    assert acts[0]["actor"].endswith(f"{getpass.getuser()}@{socket.gethostname()}")
    assert "user disable" in alone.ok("audit")


REFUSED = [
    (1, ("user", "create", "ann", "--generate"), "", "the name ann is taken"),
    (2, ("user", "create", "a", "--generate"), "", "a name has 2 to 32 letters"),
    (2, ("user", "create", "bob"), "", "no password: write one to standard input"),
    (2, ("user", "create", "bob"), "short\n", "a password has 8 to 256 characters"),
    (1, ("user", "disable", "nobody"), "", "there is nobody of the name nobody"),
    (1, ("user", "enable", "ann"), "", "the account ann is active already"),
    (1, ("user", "reset-password", "nobody"), "", "there is nobody of the name nobody"),
    (2, ("user", "disable", b"\xff\xfe"), "", "a name has 2 to 32 letters"),
    (1, ("message", "delete", "7"), "", "there is no message 7"),
    (1, ("message", "history", "7"), "", "there is no message 7"),
    (2, ("message", "delete", "7", "--reason", b"\xff"), "", "a reason is one line"),
    (2, ("user", "create", "bob", "a password"), "", "unexpected extra argument"),
    (2, ("message", "delete", "x"), "", "not a valid integer"),
    (2, ("message", "delete", str(2**63)), "", "is not in the range"),
    (2, ("audit", "--limit", "0"), "", "is not in the range"),
    (2, ("user", "list", "--data", "/etc/passwd"), "", "this is a file; name a folder"),
    (3, ("user", "list", "--data", "/nowhere/at/all"), "", "there is no database at"),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    data = tmp_path_factory.mktemp("small") / "data"
    prepare(Settings(data=str(data)))
    made = Shell(data=str(data))
    made.ok("user", "create", "ann", "--generate")
    return made


@pytest.mark.parametrize(("code", "words", "stdin", "why"), REFUSED)
def test_what_cannot_be_done_is_said_in_a_line(
    small: Shell, code: int, words: tuple[str | bytes, ...], stdin: str, why: str
) -> None:
    said = small.run(*words, stdin=stdin)
    assert (said.code, said.out) == (code, "")
    assert why in said.errors
    assert "Traceback" not in said.errors
    assert len(said.errors.splitlines()) == (4 if "Usage" in said.errors else 1)


def test_at_a_terminal_a_password_is_asked_for_twice_and_not_shown(small: Shell) -> None:
    here, there = pty.openpty()
    command = [sys.executable, "-m", "webchat.cli", "user", "create", "typed"]
    with subprocess.Popen(
        command, stdin=there, stdout=there, stderr=there, cwd=ROOT, env=small.environ, start_new_session=True
    ) as process:
        os.close(there)
        shown = b""
        for prompt in (b"New password:", b"Once more:"):
            while prompt not in shown:
                shown += os.read(here, 1000)
            os.write(here, b"a secret password\n")
        assert process.wait(30) == 0
    while b"created: typed" not in shown:
        shown += os.read(here, 1000)
    os.close(here)
    assert b"a secret password" not in shown
