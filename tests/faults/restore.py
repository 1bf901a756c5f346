"""A database put back to an earlier state, as an operator does it: nodes down, `webchat restore`, nodes up."""

from __future__ import annotations

import contextlib
from pathlib import Path

import apsw

from tests.faults import processes
from tests.faults.stage import ENDS, Stage
from webchat.data import backup
from webchat.data.database import path_of


def copy(stage: Stage) -> Path:
    """A backup of the running database."""
    target = stage.folder / "saved.db"
    backup.backup(stage.settings, target)
    return target


def restore(stage: Stage, saved: Path, keep_epoch: bool) -> None:
    """Put the backup in the database's place; `keep_epoch` plants the bug of going on with the old epoch."""
    for node in stage.nodes:
        node.terminate()
    for node in stage.nodes:
        node.wait(ENDS)
    stage.witness.close()
    backup.restore(stage.settings, saved)
    if keep_epoch:
        with contextlib.closing(apsw.Connection(str(saved))) as old:
            (epoch,) = old.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchall()[0]
        with contextlib.closing(apsw.Connection(str(path_of(stage.settings)))) as restored:
            restored.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
    for node in stage.nodes:
        node.start()
    for node in stage.nodes:
        node.ready()
    processes.until("every doorbell is heard", lambda: all(node.heard() for node in stage.nodes))
