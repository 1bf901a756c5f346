"""Files: taken in, shown to whom they concern, and forgotten when nobody needs them.

An upload is received piece by piece into a temporary file, looked at, kept under its content's name, and only then
gets its row: whoever is told of a file has one. What fails on the way leaves nothing (what a killed worker leaves, the
next `tidy` removes). All that blocks is on native threads, pictures on one of their own.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import FileIO
from typing import Any, NamedTuple, TypeVar

import gevent
import structlog
from gevent.threadpool import ThreadPool

from webchat.data import attachments, pictures
from webchat.data.attachments import NO_FILE, Attached
from webchat.data.blobs import SHARDS, Blobs, Incoming
from webchat.data.committer import PATIENCE, Committer
from webchat.data.pictures import MADE, NoPicture, Picture
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.people import Session
from webchat.entities.talk import FILE_NAME_MAX, File
from webchat.errors import Invalid, NotFound, TooLarge, TooMany, Unavailable, WrongType
from webchat.logic.shown import TURNS

MIB = 1 << 20
PLAIN = "application/octet-stream"
PICTURES = frozenset(pictures.TYPES.values())  # shown by a browser, and looked at by us
THREADS = 4  # that read, write and sum up; each holds one piece at a time
AT_ONCE_MAX = 8  # uploads of one user under way in one worker
PICTURES_WAITING_MAX = 32  # one takes some 50 ms, a huge one a second
DAY = 86_400_000  # ms that an unsent file is kept
LEFT_AFTER = 600.0  # seconds after its last write that a temporary file is nobody's any more
EXPIRE_AT_ONCE = 200  # rows in one transaction
SWEPT_AT_ONCE = 8  # of `SHARDS`, in one `tidy`
QUESTIONS = 200  # digests in one question to the database
LOCK_PATIENCE = 10.0  # seconds for what is held for milliseconds; a backup holds it for long, but only against removals
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")

T = TypeVar("T")
log = structlog.get_logger()


class Limits(NamedTuple):
    """`size`: bytes of a file; `unsent`: bytes of all that a user has not sent; `types`: as the setting has it."""

    size: int
    unsent: int
    types: str


class Content(NamedTuple):
    """Bytes on the disk that may be shown, opened; `version` tells two contents of one address apart."""

    file: FileIO
    size: int
    name: str
    type: str
    version: str


class Files:
    """`now` gives Unix milliseconds."""

    def __init__(
        self, store: Store, committer: Committer, blobs: Blobs, now: Callable[[], int], limits: Limits
    ) -> None:
        self._store = store
        self._committer = committer
        self._blobs = blobs
        self._now = now
        self.limits = limits
        self._threads = ThreadPool(THREADS)
        self._pictures = ThreadPool(1)
        self._pictures_waiting = 0
        self._under_way: Counter[int] = Counter()
        self._shard = secrets.randbelow(SHARDS)  # workers sweep in different places

    # --- in

    def upload(self, session: Session, name: str, media_type: str, size: int | None, body: Iterable[bytes]) -> File:
        """Take in what `body` yields; the file, once it is on disk and its row committed.

        `size`: in bytes, where it is known beforehand. Raises Invalid, WrongType, TooLarge, TooMany, Unavailable, and
        whatever `body` raises.
        """
        check_file_name(name)
        declared = media_type_of(media_type)
        self._check_type(declared)
        self._check_quota(self._store, session.user, size or 0)
        with self._one_more(session.user), self._incoming() as incoming:
            for piece in body:
                self._off_loop(incoming.write, piece)
            if not incoming.size:
                raise Invalid("a file has at least one byte", code="empty_file")
            digest = self._off_loop(incoming.settle)
            picture = self._examine(incoming) if declared in PICTURES else None
            file = _described(name, declared, incoming.size, picture)
            self._check_type(file.type)
            return self._keep(session.user, incoming, digest, file, picture)

    def _keep(self, owner: int, incoming: Incoming, digest: str, file: File, picture: Picture | None) -> File:
        def add(tx: Transaction) -> None:
            attachments.hold_quota(tx, owner)
            self._check_quota(tx, owner, file.size)
            attachments.add(tx, owner, file, digest, self._now())

        with self._locked(self._blobs.stay):
            self._off_loop(self._blobs.keep, incoming, digest)
            try:
                if picture is not None:
                    self._off_loop(self._blobs.keep_version, digest, "thumbnail", picture.thumbnail)
                self._committer.submit(add)
            except BaseException as error:
                # After a refusal there is no row. Else that is known when nobody waits for the commit any more.
                refused = isinstance(error, TooLarge)
                self.forget_later([digest], 0 if refused else 2 * PATIENCE)
                raise
        return file

    def _examine(self, incoming: Incoming) -> Picture | None:
        return self._on_picture_thread(pictures.examine, incoming.path)

    @contextlib.contextmanager
    def _one_more(self, user: int) -> Iterator[None]:
        if self._under_way[user] >= AT_ONCE_MAX:
            raise TooMany(f"you are uploading {AT_ONCE_MAX} files already; wait for one of them", retry_after=2)
        self._under_way[user] += 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]

    @contextlib.contextmanager
    def _incoming(self) -> Iterator[Incoming]:
        incoming = self._off_loop(self._blobs.receive)
        try:
            yield incoming
        finally:
            self._off_loop(incoming.drop)

    def _check_quota(self, store: Store, user: int, more: int) -> None:
        if attachments.unsent_bytes(store, user) + more > self.limits.unsent:
            most = f"{self.limits.unsent // MIB} MiB"
            raise TooLarge(
                f"one may have {most} uploaded and not sent; send some of it, or wait a day", code="quota_exceeded"
            )

    def _check_type(self, media_type: str) -> None:
        if not is_allowed(media_type, self.limits.types):
            raise WrongType(f"files of the type {media_type} are not taken here", code="file_type_refused")

    # --- out

    def content(self, session: Session, id: str) -> Content:
        """The file itself, opened. Raises NotFound for whom it does not concern."""
        file, digest = self._seen(session, id)
        return self._opened(digest, "", file.name, file.type if file.type in PICTURES else PLAIN)

    def thumbnail(self, session: Session, id: str) -> Content:
        file, digest = self._seen(session, id)
        if not file.thumbnail:
            raise NotFound(NO_FILE)
        return self._version(digest, "thumbnail", pictures.thumbnail)

    def avatar(self, session: Session, name: str) -> tuple[Content, str]:
        """The image that `name` shows to this one, and its version as the profile names it."""
        found = attachments.avatar_of(self._store, name, session.user)
        if found is None:
            raise NotFound("there is no such user, or none with an avatar")
        return self._version(found.digest, "avatar", pictures.avatar), found.file.id

    def read(self, content: Content, offset: int, size: int) -> bytes:
        """A piece of it, read on a thread: a disk that has to seek would stop the event loop."""
        return self._off_loop(os.pread, content.file.fileno(), size, offset)

    def _seen(self, session: Session, id: str) -> Attached:
        found = attachments.seen_by(self._store, session.user, id)
        if found is None:
            raise NotFound(NO_FILE)
        return found

    def _version(self, digest: str, version: str, make: Callable[[Any], bytes]) -> Content:
        """What is made of a picture; made now, where it is not there."""
        try:
            return self._opened(digest, version, f"{version}.webp", MADE)
        except NotFound:
            made = self._made(digest, make)
        self._off_loop(self._blobs.keep_version, digest, version, made)
        return self._opened(digest, version, f"{version}.webp", MADE)

    def _made(self, digest: str, make: Callable[[Any], bytes]) -> bytes:
        def work(path: Any) -> bytes | None:
            with contextlib.suppress(NoPicture):
                return make(path)
            return None

        made = self._on_picture_thread(work, self._blobs.path(digest))
        if made is None:
            raise NotFound(NO_FILE)
        return made

    def _opened(self, digest: str, version: str, name: str, media_type: str) -> Content:
        def opened() -> tuple[FileIO, int] | None:
            try:
                file = FileIO(self._blobs.path(digest, version))
            except FileNotFoundError:
                return None
            return file, os.fstat(file.fileno()).st_size

        found = self._off_loop(opened)
        if found is None:
            if not version:
                log.error("the bytes of a file are missing", digest=digest)
            raise NotFound(NO_FILE)
        return Content(*found, name, media_type, digest + version)

    # --- away

    def forget(self, digests: Sequence[str], before: float | None = None) -> bool:
        """Remove the bytes that no row names any more, and that were not written since (Unix time in seconds).

        False where others hold the folder for too long, or the disk refuses: then they are left to the sweep.
        """
        try:
            with self._locked(self._blobs.alone):
                for start in range(0, len(digests), QUESTIONS):
                    some = digests[start : start + QUESTIONS]
                    free = set(some) - attachments.needed(self._store, some)
                    for digest in free:
                        self._off_loop(self._blobs.remove, digest, time.time() if before is None else before)
        except Unavailable:
            return False
        return True

    def forget_later(self, digests: Sequence[str], seconds: float = 0) -> None:
        """The same, for a caller that cannot wait: a backup holds the folder for long."""
        gevent.spawn_later(seconds, self.forget, digests)

    def tidy(self) -> None:
        """What a worker does now and then: temporaries of the dead, files that were never sent, bytes without a row."""
        self._off_loop(self._blobs.drop_temporaries, LEFT_AFTER)
        day_ago = self._now() - DAY
        while expired := self._committer.submit(lambda tx: attachments.expire(tx, day_ago, EXPIRE_AT_ONCE)):
            self.forget(expired)
            if len(expired) < EXPIRE_AT_ONCE:
                break
        for _ in range(SWEPT_AT_ONCE):
            self._shard = (self._shard + 1) % SHARDS
            self.sweep(self._shard, day_ago / 1000)

    def sweep(self, shard: int, before: float) -> None:
        """Remove what has no row in one part of the folder; `before`: and was not written since."""
        old = self._off_loop(self._blobs.older, shard, before)
        for start in range(0, len(old), QUESTIONS):
            some = old[start : start + QUESTIONS]
            orphans = set(some) - attachments.needed(self._store, some)
            if orphans:
                self.forget(sorted(orphans), before)

    # --- threads and locks

    def _on_picture_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        if self._pictures_waiting >= PICTURES_WAITING_MAX:
            raise Unavailable("too many pictures are being looked at; try again", retry_after=3)
        self._pictures_waiting += 1
        try:
            return _apply(self._pictures, work, arguments)
        finally:
            self._pictures_waiting -= 1

    def _off_loop(self, work: Callable[..., T], *arguments: Any) -> T:
        return _apply(self._threads, work, arguments)

    @contextlib.contextmanager
    def _locked(self, lock: Callable[[], int | None]) -> Iterator[None]:
        """Asked again and again: a thread that waits could be the one that the holder needs."""
        deadline = time.monotonic() + LOCK_PATIENCE
        while (descriptor := self._off_loop(lock)) is None:
            if time.monotonic() > deadline:
                raise Unavailable("files are being tidied up or saved; try again", retry_after=5)
            gevent.sleep(0.02)
        try:
            yield
        finally:
            os.close(descriptor)


def _apply(threads: ThreadPool, work: Callable[..., T], arguments: Sequence[Any]) -> T:
    """The result of `work` on a native thread. Raises Unavailable for what the disk refuses."""

    def quiet() -> tuple[T | None, Exception | None]:
        try:
            return work(*arguments), None
        except Exception as error:  # noqa: BLE001  raised below; gevent would print it as well
            return None, error

    result, error = threads.apply(quiet)
    if isinstance(error, OSError):
        log.error("the disk refused", work=work.__name__, error=str(error))
        detail = f"the server cannot store or read files at this moment ({error.strerror})"
        raise Unavailable(detail, code="storage_unavailable", retry_after=10) from error
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _described(name: str, declared: str, size: int, picture: Picture | None) -> File:
    id = secrets.token_urlsafe(16)
    if picture is not None:
        return File(id, name, picture.type, size, picture.width, picture.height, thumbnail=True)
    return File(id, name, PLAIN if declared in PICTURES else declared, size)


def check_file_name(name: str) -> None:
    """It is shown, and offered as a name when the file is saved; here it never is one."""
    if not 1 <= len(name) <= FILE_NAME_MAX or not name.strip(" ."):
        raise Invalid(f"a file's name has 1 to {FILE_NAME_MAX} characters, not only dots", code="bad_file_name")
    if "/" in name or "\\" in name:
        raise Invalid("a file's name has no folders", code="bad_file_name")
    if any(unicodedata.category(each) in _CONTROLS or each in TURNS or each == "\ufffd" for each in name):
        raise Invalid("a file's name is text in UTF-8, without control characters", code="bad_file_name")


def media_type_of(header: str) -> str:
    """Without parameters; what is not said is octets. Raises WrongType."""
    media_type = header.partition(";")[0].strip().lower() or PLAIN
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise WrongType(f"the Content-Type {media_type[:80]!r} is no media type")
    if media_type == "application/x-www-form-urlencoded":
        return PLAIN  # what common programs say when nobody has told them
    if media_type.startswith("multipart/"):
        raise WrongType("send the file itself as the body, not a form")
    return media_type


def is_allowed(media_type: str, rules: str) -> bool:
    """`rules`: like `image/*,!image/gif`: one that allows must fit, and none that denies."""
    allowed = False
    for rule in rules.lower().split(","):
        kind, _, part = rule.removeprefix("!").partition("/")
        its_kind, _, its_part = media_type.partition("/")
        if kind in ("*", its_kind) and part in ("*", its_part):
            if rule.startswith("!"):
                return False
            allowed = True
    return allowed
