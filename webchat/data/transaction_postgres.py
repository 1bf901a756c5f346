"""PostgreSQL's own way to send: all drafts of a batch in one statement, which is a transaction if it stands alone.

A send takes some ten small steps in the database, and as statements of their own each of them is a round trip: on the
wire, in psycopg, and in a server's process that wakes for it. So the steps are a function, temporary like SQLite's
trigger: it belongs to this release's code and to one connection, and nodes of two releases never share it.

Drafts of many people lock many rows. These are locked before anything else, in the order of `engine_postgres`: batches
of several workers wait for one another then, and never in a circle.

It is the same rule as `Transaction.post`, and one contract test holds both.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from webchat.data.transaction_batch import BatchTransaction
from webchat.entities.talk import Draft, Posted

# Answers a row for each member of the conversation of each draft that it sent.
SEND = """
CREATE FUNCTION pg_temp.send(drafts json)
RETURNS TABLE (draft bigint, message bigint, number bigint, member bigint, entry bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    new record;
    numbered bigint;
    added bigint;
    places bigint[];
BEGIN
    -- One by one, by their keys: a join with the drafts is planned for a hundred of them, however few there are.
    FOR new IN SELECT DISTINCT d.conversation, d.sender
        FROM json_to_recordset(drafts) AS d(conversation bigint, sender bigint) ORDER BY 1, 2
    LOOP
        PERFORM 1 FROM conversation c JOIN member m ON m.conversation = c.id
            WHERE c.id = new.conversation AND m."user" = new.sender FOR UPDATE;
        IF FOUND THEN
            places := places || new.conversation;
        END IF;
    END LOOP;
    PERFORM 1 FROM feed WHERE "user" IN (SELECT m."user" FROM member m WHERE m.conversation = ANY (places))
        ORDER BY "user" FOR UPDATE;
    FOR new IN SELECT * FROM json_to_recordset(drafts) AS d(n bigint, conversation bigint, sender bigint, text text,
        client_id text, sent_at bigint, session bigint, extra text)
    LOOP
        SELECT c.last_number + 1 INTO numbered FROM conversation c JOIN member m ON m.conversation = c.id
            WHERE c.id = new.conversation AND m."user" = new.sender AND c.open
            AND NOT EXISTS (SELECT 1 FROM once o WHERE o.sender = new.sender AND o.client_id = new.client_id)
            AND (new.session IS NULL
                OR EXISTS (SELECT 1 FROM session s WHERE s.id = new.session AND s.expires_at > new.sent_at));
        CONTINUE WHEN NOT FOUND;
        INSERT INTO message AS said (conversation, number, sender, client_id, text, sent_at, extra)
            VALUES (new.conversation, numbered, new.sender, new.client_id, new.text, new.sent_at,
                convert_to(new.extra, 'UTF8'))
            RETURNING said.id INTO added;
        UPDATE conversation SET last_number = numbered, last_message = added WHERE id = new.conversation;
        UPDATE member SET read_number = numbered WHERE conversation = new.conversation AND "user" = new.sender;
        RETURN QUERY
            WITH told AS (
                UPDATE feed SET last = last + 1
                WHERE "user" IN (SELECT m."user" FROM member m WHERE m.conversation = new.conversation)
                RETURNING "user", last
            ), written AS (
                INSERT INTO entry ("user", number, message) SELECT told."user", told.last, added FROM told
            )
            SELECT new.n, added, numbered, CAST(told."user" AS bigint), CAST(told.last AS bigint)
                FROM told ORDER BY told."user";
    END LOOP;
END
$$
"""
_SEND = "SELECT draft, message, number, member, entry FROM pg_temp.send(CAST(CAST(? AS text) AS json))"

_encode = msgspec.json.Encoder().encode


class _New(msgspec.Struct):
    n: int
    conversation: int
    sender: int
    text: str
    client_id: str
    sent_at: int
    session: int | None
    extra: str | None


class PostgresTransaction(BatchTransaction):
    """See the module."""

    def send(self, drafts: Sequence[Draft]) -> list[Posted | None]:
        rows = self.on.rows(_SEND, (_encode([_new(n, draft) for n, draft in enumerate(drafts)]).decode(),))
        return self._sent(drafts, rows)


def _new(n: int, draft: Draft) -> _New:
    extra = None if draft.extra is None else draft.extra.decode()
    text, client_id, sent_at = draft.text, draft.client_id, draft.sent_at
    return _New(n, draft.conversation, draft.sender, text, client_id, sent_at, draft.session, extra)
