"""Bytes on the disk: whole under their name or not there at all, and removed only when that is safe."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from webchat.data.blobs import SHARDS, TEMPORARY, Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "files")


def keep(blobs: Blobs, content: bytes) -> str:
    incoming = blobs.receive()
    for at in range(0, len(content), 3):
        incoming.write(content[at : at + 3])
    digest = incoming.settle()
    blobs.keep(incoming, digest)
    incoming.drop()
    return digest


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def temporaries(blobs: Blobs) -> list[Path]:
    return list((blobs.folder / TEMPORARY).iterdir())


def test_a_file_is_kept_under_its_digest_for_its_owner_alone(blobs: Blobs) -> None:
    content = b"hello, world"
    digest = keep(blobs, content)
    assert digest == hashlib.sha256(content).hexdigest()
    path = blobs.path(digest)
    assert path == blobs.folder / digest[:2] / digest[2:]
    assert path.read_bytes() == content
    assert (path.stat().st_mode & 0o077, path.parent.stat().st_mode & 0o077) == (0, 0)
    assert keep(blobs, content) == digest
    assert len(list(path.parent.iterdir())) == 1
    assert temporaries(blobs) == []


def test_what_was_not_kept_leaves_nothing(blobs: Blobs) -> None:
    incoming = blobs.receive()
    incoming.write(b"half")
    assert temporaries(blobs) == [incoming.path]
    incoming.drop()
    assert temporaries(blobs) == []


def test_temporaries_of_the_dead_are_removed_and_those_in_use_are_not(blobs: Blobs) -> None:
    dead, living = blobs.receive(), blobs.receive()
    age(dead.path, 700)
    assert blobs.drop_temporaries(600) == 1
    assert temporaries(blobs) == [living.path]
    dead.drop()
    living.drop()
    assert Blobs(blobs.folder / "not there").drop_temporaries(600) == 0


def test_a_file_goes_with_all_that_was_made_of_it_unless_it_is_young(blobs: Blobs) -> None:
    digest, other = keep(blobs, b"picture"), keep(blobs, b"another")
    blobs.keep_version(digest, "thumbnail", b"small")
    age(blobs.path(digest), 100)
    before = time.time() - 50
    shard = int(digest[:2], 16)
    assert blobs.older(shard, before) == [], "its thumbnail is young"
    blobs.remove(digest, before)
    assert blobs.path(digest).exists()
    age(blobs.path(digest, "thumbnail"), 100)
    assert blobs.older(shard, before) == [digest]
    blobs.remove(digest, before)
    assert not blobs.path(digest).exists()
    assert not blobs.path(digest, "thumbnail").exists()
    assert blobs.path(other).exists()
    blobs.remove(digest, before)  # gone already: nothing to do


def test_the_same_content_uploaded_again_is_young_again(blobs: Blobs) -> None:
    digest = keep(blobs, b"again")
    age(blobs.path(digest), 100)
    keep(blobs, b"again")
    assert blobs.older(int(digest[:2], 16), time.time() - 50) == []


def test_every_part_of_the_folder_is_looked_at(blobs: Blobs) -> None:
    digests = {keep(blobs, b"%d" % number) for number in range(50)}
    (blobs.folder / "ab").mkdir(exist_ok=True)
    (blobs.folder / "ab" / "a note of the operator's").touch()
    found = [digest for shard in range(SHARDS) for digest in blobs.older(shard, time.time() + 1)]
    assert sorted(found) == sorted(digests)


def test_nobody_removes_while_somebody_stays(blobs: Blobs) -> None:
    one, two = blobs.stay(), blobs.stay()
    assert one is not None
    assert two is not None
    assert blobs.alone() is None
    os.close(one)
    assert blobs.alone() is None
    os.close(two)
    alone = blobs.alone()
    assert alone is not None
    assert blobs.stay() is None
    os.close(alone)
