"""SQLite's own way to send: all drafts of a batch in one statement.

A send takes some ten small steps in the database. Run from Python, one by one and for each draft, they cost more
than the database's own work, and on the committer's thread each of them waits for the interpreter lock, which the
event loop needs. So the steps are a trigger: one INSERT of all drafts runs it for each of them, in C.

It is the same rule as `Transaction.post`, and one contract test holds both.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from webchat.data.transaction_batch import BATCH_MAX, BatchTransaction
from webchat.entities.talk import Draft, Posted

# On the writer's connection alone (temporary): what is inserted into the view `draft` is sent, and shows in `sent`:
# a row for each member of each conversation. The 64 in it is `BATCH_MAX`.
SCHEMA = (
    """
    CREATE TEMP TABLE IF NOT EXISTS sent (draft INTEGER, message INTEGER, number INTEGER, member INTEGER, entry INTEGER)
    """,
    """
    CREATE TEMP VIEW IF NOT EXISTS draft AS
        SELECT 0 AS seq, 0 AS conversation, 0 AS sender, '' AS text, '' AS client_id, 0 AS sent_at, 0 AS session,
            NULL AS extra
    """,
    """
    CREATE TEMP TRIGGER IF NOT EXISTS send INSTEAD OF INSERT ON draft
    WHEN EXISTS (
        SELECT 1 FROM member m JOIN conversation c ON c.id = m.conversation
        WHERE m.conversation = NEW.conversation AND m."user" = NEW.sender AND c.open
    ) AND NOT EXISTS (SELECT 1 FROM message WHERE sender = NEW.sender AND client_id = NEW.client_id)
    AND NOT EXISTS (SELECT 1 FROM once WHERE sender = NEW.sender AND client_id = NEW.client_id)
    AND (NEW.session IS NULL OR EXISTS (SELECT 1 FROM session WHERE id = NEW.session AND expires_at > NEW.sent_at))
    BEGIN
        DELETE FROM sent WHERE draft < NEW.seq - NEW.seq % 64; -- of earlier batches
        INSERT INTO message (conversation, number, sender, client_id, text, sent_at, extra)
            SELECT id, last_number + 1, NEW.sender, NEW.client_id, NEW.text, NEW.sent_at, NEW.extra
            FROM conversation WHERE id = NEW.conversation;
        UPDATE conversation SET last_number = last_number + 1, last_message = last_insert_rowid()
            WHERE id = NEW.conversation;
        UPDATE feed SET last = last + 1
            WHERE "user" IN (SELECT "user" FROM member WHERE conversation = NEW.conversation);
        INSERT INTO sent
            SELECT NEW.seq, c.last_message, c.last_number, f."user", f.last
            FROM conversation c JOIN member m ON m.conversation = c.id JOIN feed f ON f."user" = m."user"
            WHERE c.id = NEW.conversation;
        INSERT INTO entry ("user", number, message)
            SELECT member, entry, message FROM sent WHERE draft = NEW.seq;
        UPDATE member SET read_number = (SELECT last_number FROM conversation WHERE id = NEW.conversation)
            WHERE conversation = NEW.conversation AND "user" = NEW.sender;
    END
    """,
)
_INSERT = "INSERT INTO draft VALUES "
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?)"
_SENT = "SELECT json_group_array(json_array(draft % 64, message, number, member, entry)) FROM sent WHERE draft >= ?"

_batches = itertools.count(1)
_rows = msgspec.json.Decoder(list[tuple[int, int, int, int, int]]).decode


class SqliteTransaction(BatchTransaction):
    """See the module."""

    def send(self, drafts: Sequence[Draft]) -> list[Posted | None]:
        first = next(_batches) * BATCH_MAX
        values = [value for n, draft in enumerate(drafts, first) for value in _values(n, draft)]
        self.on.rows(_insert(len(drafts)), values)
        return self._sent(drafts, _rows(self.on.rows(_SENT, (first,))[0][0]))


@lru_cache(maxsize=BATCH_MAX)  # each number of drafts is a statement of its own, prepared once
def _insert(count: int) -> str:
    return f"{_INSERT}{', '.join([_ROW] * count)}"


def _values(n: int, draft: Draft) -> tuple[int, int, int, str, str, int, int | None, bytes | None]:
    return n, draft.conversation, draft.sender, draft.text, draft.client_id, draft.sent_at, draft.session, draft.extra
