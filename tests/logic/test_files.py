"""Files in one node: what is tidied up and what is not, what waits for what, and what is refused."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import gevent
import pytest
from gevent.event import Event

from tests.logic.test_hub import HOLD, Room, make_room
from tests.web.pictures import picture
from webchat.data import attachments
from webchat.data.blobs import SHARDS, Blobs
from webchat.data.transaction import Transaction
from webchat.entities.talk import File
from webchat.errors import ChatError, Invalid, NotFound, TooLarge, TooMany, Unavailable, WrongType
from webchat.logic import files as module
from webchat.logic.files import DAY, MIB, Files, is_allowed


@pytest.fixture(params=["sqlite", "postgres"])
def room(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Room]:
    url = request.getfixturevalue("postgres_databases").migrated() if request.param == "postgres" else ""
    with make_room(tmp_path, database_url=url, file_types="*/*,!text/html,!image/gif") as made:
        yield made


@pytest.fixture
def files(room: Room) -> Files:
    return room.node.files


def upload(room: Room, content: bytes | Iterable[bytes], media_type: str = "application/octet-stream") -> File:
    body = [content] if isinstance(content, bytes) else content
    return room.node.files.upload(room.sessions[room.ann], "a", media_type, None, body)


def paths(room: Room) -> list[Path]:
    """All files that are kept, with what was made of them."""
    folder = room.node.settings.files_folder
    return sorted(path for path in folder.glob("??/*") if path.is_file())


def temporaries(room: Room) -> list[Path]:
    return list((room.node.settings.files_folder / "tmp").iterdir())


def age(room: Room, seconds: float) -> None:
    """Let all bytes and rows have been there for so long."""
    then = time.time() - seconds
    for path in [*paths(room), *temporaries(room)]:
        os.utime(path, (then, then))
    room.node.committer.submit(lambda tx: tx.on.rows("UPDATE attachment SET created_at = ?", (int(then * 1000),)))


def sweep(room: Room) -> None:
    room.node.files.tidy()
    for shard in range(SHARDS):
        room.node.files.sweep(shard, time.time() - DAY / 1000)


def test_what_was_not_sent_is_gone_after_a_day_and_what_was_sent_stays(room: Room, files: Files) -> None:
    unsent, sent = upload(room, picture(), "image/png"), upload(room, b"sent")
    room.node.chat.send(room.sessions[room.ann], "bob", None, "", "c", files=[sent.id])
    face = upload(room, picture(size=(300, 300)), "image/png")
    room.node.committer.submit(lambda tx: tx.on.rows('UPDATE "user" SET avatar = ?', (face.id,)))
    sweep(room)
    assert len(paths(room)) == 5
    age(room, 2 * DAY / 1000)
    sweep(room)
    assert len(paths(room)) == 3, "what was sent, the face and its thumbnail"
    with pytest.raises(NotFound):
        files.content(room.sessions[room.ann], unsent.id)
    for id in (sent.id, face.id):
        files.content(room.sessions[room.ann], id).file.close()


def test_bytes_without_a_row_are_swept_when_they_are_old(room: Room) -> None:
    upload(room, b"kept")
    blobs = Blobs(room.node.settings.files_folder)
    incoming = blobs.receive()
    incoming.write(b"an orphan")
    blobs.keep(incoming, incoming.settle())
    incoming.drop()
    left = blobs.receive()
    sweep(room)
    assert (len(paths(room)), len(temporaries(room))) == (2, 1), "they may be somebody's who is just at it"
    age(room, DAY / 2000)
    sweep(room)
    assert (len(paths(room)), len(temporaries(room))) == (2, 0)
    left.drop()
    for path in paths(room):
        os.utime(path, (0, 0))
    sweep(room)
    assert [path.read_bytes() for path in paths(room)] == [b"kept"]


def test_the_bytes_of_a_deleted_message_go_with_their_last_row(room: Room, files: Files) -> None:
    ann = room.sessions[room.ann]
    one, two = upload(room, b"the same"), upload(room, b"the same")
    message = room.node.chat.send(ann, "bob", None, "", "c", files=[one.id]).message
    digests = room.node.committer.submit(lambda tx: attachments.release(tx, message.id))
    files.forget(digests)
    assert len(paths(room)) == 1, "the other upload needs them"
    with pytest.raises(NotFound):
        files.content(ann, one.id)
    message = room.node.chat.send(ann, "bob", None, "", "d", files=[two.id]).message
    digests = room.node.committer.submit(lambda tx: attachments.release(tx, message.id))
    files.forget(digests)
    assert paths(room) == []


def test_nothing_is_removed_between_the_bytes_of_an_upload_and_its_row(
    room: Room, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit of the row waits; meanwhile somebody deletes the last message with the same file."""
    content = b"uploaded again"
    first = upload(room, content)
    message = room.node.chat.send(room.sessions[room.ann], "bob", None, "", "c", files=[first.id]).message
    submit, kept, go_on = room.node.committer.submit, Event(), Event()

    def slowly(work: Callable[[Transaction], object], in_order: bool = False) -> object:
        kept.set()
        go_on.wait(HOLD)
        return submit(work, in_order)

    monkeypatch.setattr(room.node.committer, "submit", slowly)
    again = gevent.spawn(upload, room, content)
    assert kept.wait(HOLD)
    monkeypatch.setattr(room.node.committer, "submit", submit)
    digests = room.node.committer.submit(lambda tx: attachments.release(tx, message.id))
    forgetting = gevent.spawn(files.forget, digests)
    gevent.sleep(0.1)
    assert not forgetting.ready()
    go_on.set()
    second = again.get(timeout=HOLD)
    forgetting.get(timeout=HOLD)
    shown = files.content(room.sessions[room.ann], second.id)
    assert files.read(shown, 0, 100) == content
    shown.file.close()


def test_an_upload_that_fails_leaves_nothing(room: Room, files: Files) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise Invalid("the client has gone")

    for body, error in ((broken(), Invalid), (iter(()), Invalid)):
        with pytest.raises(error):
            files.upload(room.sessions[room.ann], "a", "", None, body)
    assert (paths(room), temporaries(room)) == ([], [])
    assert files._under_way == {}


def test_a_row_that_is_refused_takes_its_bytes_along(room: Room, files: Files) -> None:
    files.limits = files.limits._replace(unsent=100)
    upload(room, b"x" * 60)
    kept = paths(room)
    with pytest.raises(TooLarge, match="send some of it") as told:
        upload(room, b"y" * 60)
    assert told.value.code == "quota_exceeded"
    with gevent.Timeout(HOLD):
        while paths(room) != kept:
            gevent.sleep(0.01)
    with pytest.raises(TooLarge):
        files.upload(room.sessions[room.ann], "a", "", 41, Unread())
    upload(room, b"z" * 40)
    files.upload(room.sessions[room.bob], "a", "", None, [b"b" * 60])


class Unread:
    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("it was to be refused before it came")


def test_types_that_are_not_taken_are_refused_by_what_they_are(room: Room, files: Files) -> None:
    for media_type in ("text/html", "TEXT/HTML; charset=utf-8", "image/gif"):
        with pytest.raises(WrongType) as told:
            files.upload(room.sessions[room.ann], "a", media_type, None, Unread())
        assert told.value.code == "file_type_refused"
    with pytest.raises(WrongType):
        upload(room, picture("GIF"), "image/png")
    assert (paths(room), temporaries(room)) == ([], [])
    upload(room, b"x", "text/plain")


def test_one_user_has_a_few_uploads_under_way_at_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE_MAX", 1)

    def nested() -> Iterator[bytes]:
        with pytest.raises(TooMany):
            upload(room, b"another")
        yield b"one"

    upload(room, nested())
    upload(room, b"after it")


def test_a_folder_that_cannot_be_written_is_told_as_that(room: Room, files: Files) -> None:
    room.node.settings.files_folder.write_bytes(b"a file in its place")
    with pytest.raises(Unavailable) as told:
        upload(room, b"x")
    assert (told.value.code, told.value.retry_after) == ("storage_unavailable", 10)


def test_bytes_that_are_missing_are_not_found(room: Room, files: Files) -> None:
    file = upload(room, picture(), "image/png")
    for path in paths(room):
        path.unlink()
    for show in (files.content, files.thumbnail):
        with pytest.raises(ChatError):
            show(room.sessions[room.ann], file.id)


@pytest.mark.parametrize(
    ("rules", "taken", "refused"),
    [
        ("*/*", ["a/b"], []),
        ("image/*", ["image/png"], ["text/plain", "imagex/png"]),
        ("image/png,text/*", ["image/png", "text/csv"], ["image/gif"]),
        ("*/*,!text/html", ["text/plain"], ["text/html"]),
        ("!text/html,*/*", ["text/plain"], ["text/html"]),
        ("!text/html", [], ["text/html", "text/plain"]),
    ],
)
def test_what_the_setting_allows(rules: str, taken: list[str], refused: list[str]) -> None:
    assert [is_allowed(each, rules) for each in taken + refused] == [True] * len(taken) + [False] * len(refused)


def test_sizes_are_in_mebibytes(room: Room, files: Files) -> None:
    assert files.limits.size == 25 * MIB
