"""`./chat` on a machine that has Python and nothing else: a copy of the script, one tiny package, no network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.workers.launched import until
from webchat.settings import PROJECT

CLI = """
import json, os, signal, sys
import tiny
if "wait" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(json.dumps({"words": sys.argv[1:], "cwd": os.getcwd(), "pid": os.getpid()}), flush=True)
if "wait" in sys.argv:
    signal.pause()
"""


def make_project(folder: Path) -> Path:
    """A project with nothing but `chat`, its requirements and a command that tells how it was called."""
    (folder / "requirements").mkdir(parents=True)
    (folder / "webchat").mkdir()
    (folder / "webchat" / "__init__.py").touch()
    (folder / "webchat" / "cli.py").write_text(CLI)
    shutil.copy(PROJECT / "chat", folder / "chat")
    require(folder, make_wheel(folder))
    (folder / "requirements" / "fast.txt").touch()
    return folder


def make_wheel(folder: Path) -> str:
    """A package `tiny` with one empty module; returns its hash."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def require(folder: Path, digest: str) -> None:
    lines = f"--no-index\n--find-links {folder.as_uri()}\ntiny==1.0 --hash=sha256:{digest}\n"
    (folder / "requirements" / "run.txt").write_text(lines)


def start(chat: Path, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    """The script with an empty home and next to no environment; no C compiler, as on most servers."""
    home = chat.parent / "home"
    home.mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "CC": "no-such-compiler"}
    return subprocess.Popen(
        [sys.executable, str(chat), *words],
        cwd=cwd,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(chat: Path, *words: str, cwd: Path | None = None) -> tuple[int, str, str]:
    process = start(chat, *words, cwd=cwd)
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first start was a success."""
    project = make_project(tmp_path_factory.mktemp("boot") / "a folder")
    code, out, err = run(project / "chat", "serve", "--port", "0")
    assert code == 0, err
    assert json.loads(out)["words"] == ["serve", "--port", "0"]
    assert "installing the pinned requirements" in err
    assert "no C compiler" in err
    assert "Installing collected" not in err  # pip's own words are for the log
    assert "Installing collected packages: tiny" in (project / ".venv" / "install.log").read_text()
    return project


def test_a_second_start_installs_nothing(installed: Path) -> None:
    log = (installed / ".venv" / "install.log").read_bytes()
    code, out, err = run(installed / "chat", "openapi")
    assert (code, err) == (0, "")
    assert json.loads(out)["words"] == ["openapi"]
    assert (installed / ".venv" / "install.log").read_bytes() == log


def test_from_any_folder_and_through_a_link(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "webchat").mkdir()  # must not be taken for ours
    (tmp_path / "webchat" / "__init__.py").touch()
    (tmp_path / "link").symlink_to(installed / "chat")
    code, out, err = run(tmp_path / "link", "x y", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert json.loads(out)["words"] == ["x y"]
    assert json.loads(out)["cwd"] == str(tmp_path)


def test_it_becomes_the_command_so_signals_reach_it(installed: Path) -> None:
    process = start(installed / "chat", "wait")
    assert process.stdout
    assert json.loads(process.stdout.readline())["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 7


def test_killed_while_installing_it_heals_even_when_two_start_at_once(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    first = start(project / "chat")
    until("it is at work", (project / ".venv" / "bin").exists, 30)
    first.kill()  # the child it was waiting for goes on, and holds the lock
    first.communicate()
    two = [start(project / "chat", word) for word in ("one", "two")]
    for process, word in zip(two, ("one", "two"), strict=True):
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        assert json.loads(out)["words"] == [word]


def test_a_wrong_hash_is_refused_with_pips_own_words(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    require(project, "0" * 64)
    code, out, err = run(project / "chat", "serve")
    assert (code, out) == (1, "")
    assert "DO NOT MATCH THE HASHES" in err
    assert err.strip().splitlines()[-1].startswith("webchat: the installation failed")
    assert not (project / ".venv" / "installed").exists()


def test_an_old_python_is_told_in_one_line(tmp_path: Path) -> None:
    script = (PROJECT / "chat").read_text(encoding="utf-8")
    (tmp_path / "chat").write_text(script.replace("OLDEST = (3, 11)", "OLDEST = (3, 99)"))
    code, out, err = run(tmp_path / "chat", "serve")
    assert (code, out) == (1, "")
    assert err.startswith("webchat: needs Python")
    assert len(err.splitlines()) == 1


def test_every_pin_has_a_hash_and_names_no_index() -> None:
    for path in sorted((PROJECT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path
        for line in text.splitlines():
            if line and not line.startswith((" ", "#")):
                assert line.endswith("\\"), f"{path.name}: {line} has no hash"
                assert "==" in line.split(";")[0], f"{path.name}: {line} is not pinned"
