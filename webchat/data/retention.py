"""What is not kept any more: messages and feed entries that are older than the settings say.

What holds on both engines:

- A message is kept for at least so long, and an eighth of that longer at most (`PART`), or until the next one is said:
  the newest message of all always stays. A feed's entries go with their time, too, or earlier by their number.
- That a client id was used outlives its message (`webchat.data.once`).
- What hangs on messages goes after them, a bounded piece at a time: versions, the search index, files. Until it has
  gone nobody is shown it but a file, and that to those who could see it before.

A cursor whose next entry is gone is answered `reset`, whatever took it. PostgreSQL's way to drop what is old is in
`webchat.data.partitions`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

import gevent

from webchat.data import once
from webchat.data.committer import Committer
from webchat.data.engine import Engine, Reader, is_postgres
from webchat.data.transaction import Transaction

DAY = 86_400_000  # ms
PART = 8  # parts of the time for which something is kept; one part may be kept longer
PAUSE = 0.05  # seconds between two transactions
AT_ONCE = 500  # rows that one transaction removes, of each kind
WINDOW = 50  # entries at the beginning of a feed among which one shows that the feed has old ones
STRETCH = 5_000  # entries that one transaction removes from a feed, at most

_VERSIONS = """
    DELETE FROM version WHERE message < ? AND (message, revision) IN
        (SELECT message, revision FROM version WHERE message < ? ORDER BY message LIMIT ?) RETURNING message
"""
_WORDS = "SELECT {key} FROM search WHERE {key} < ? ORDER BY {key} LIMIT ?"
_WORDS_GONE = "DELETE FROM search WHERE {key} >= ? AND {key} <= ?"
_FILES = """
    DELETE FROM attachment WHERE id IN (SELECT id FROM attachment WHERE message < ? ORDER BY message LIMIT ?)
    RETURNING digest
"""
_OLDEST = "SELECT id, sent_at FROM message WHERE id < (SELECT max(id) FROM message) ORDER BY id LIMIT ?"
_FROM = "SELECT id, sent_at FROM message WHERE id >= ? ORDER BY id LIMIT 1"
_OLD_FEEDS = """
    SELECT DISTINCT f."user" FROM feed f JOIN entry e ON e."user" = f."user"
    WHERE e.number >= f.first AND e.number < f.first + ? AND e.message < ? AND NOT e.changed ORDER BY f."user"
"""
_OLD_ENTRIES = """
    SELECT max(e.number) FROM feed f JOIN entry e ON e."user" = f."user"
    WHERE f."user" = ? AND e.number >= f.first AND e.number < f.first + ? AND e.message < ? AND NOT e.changed
"""


class Keep(NamedTuple):
    """For how long, in ms; 0: for ever."""

    feed: int
    messages: int


class Retention(Protocol):
    """Called now and then by one worker of all; two at a time do no harm."""

    def tend(self, now: int) -> int:
        """Drop what is older than it is to be kept (`now`: Unix ms); the first message (an id) that may be kept."""


class SqliteRetention:
    """By deletes: the oldest first, few at a time, so that senders get their turn in between."""

    def __init__(self, engine: Engine, committer: Committer, keep: Keep) -> None:
        self._engine = engine
        self._committer = committer
        self._keep = keep

    def tend(self, now: int) -> int:
        if self._keep.messages:
            self._until_done(partial(_forget_messages, before=now - self._keep.messages))
        if self._keep.feed:
            self._shorten_feeds(now - self._keep.feed)
        (oldest,) = self._engine.reader.rows("SELECT COALESCE(min(id), 0) FROM message")
        return int(oldest[0])

    def _shorten_feeds(self, before: int) -> None:
        """Entries have no time; those up to one that tells of an old message are as old, or older."""
        message = self._engine.aside(partial(_first_since, time=before))
        for user in self._engine.aside(lambda on: [row[0] for row in on.rows(_OLD_FEEDS, (WINDOW, message))]):
            self._until_done(partial(_forget_entries, user=user, message=message))

    def _until_done(self, work: Callable[[Transaction], int]) -> None:
        while self._committer.submit(work):
            gevent.sleep(PAUSE)


def sweep(tx: Transaction, first: int) -> tuple[int, list[str]]:
    """Remove some of what hangs on messages before `first`; how much, and the digests of files among it.

    Their bytes may go once this is committed (`Files.forget`).
    """
    versions = len(tx.on.rows(_VERSIONS, (first, first, AT_ONCE)))
    key = "message" if is_postgres(tx.on) else "rowid"
    words = [row[0] for row in tx.on.rows(_WORDS.format(key=key), (first, AT_ONCE))]
    if words:
        tx.on.rows(_WORDS_GONE.format(key=key), (words[0], words[-1]))
    digests = [row[0] for row in tx.on.rows(_FILES, (first, AT_ONCE))]
    return versions + len(words) + len(digests), digests


def _forget_messages(tx: Transaction, before: int) -> int:
    old = 0
    last = None
    for id, sent_at in tx.on.rows(_OLDEST, (AT_ONCE,)):
        if sent_at >= before:
            break
        last = id
        old += 1
    if last is not None:
        once.keep(tx, last)
        tx.on.rows("DELETE FROM message WHERE id <= ?", (last,))
    return old


def _first_since(on: Reader, time: int) -> int:
    """The first message (an id) that was sent at `time` or later, as if ids had the order of times."""
    ((low, high),) = on.rows("SELECT COALESCE(min(id), 1), COALESCE(max(id), 0) + 1 FROM message")
    while low < high:
        middle = (low + high) // 2
        found = on.rows(_FROM, (middle,))
        if found and found[0][1] < time:
            low = found[0][0] + 1
        else:
            high = middle
    return int(low)


def _forget_entries(tx: Transaction, user: int, message: int) -> int:
    ((last,),) = tx.on.rows(_OLD_ENTRIES, (user, STRETCH, message))
    if last is None:
        return 0
    tx.cut_feed(user, last + 1)
    return 1
