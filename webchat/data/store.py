"""What can be read. Each method is one question, answered by an index; none of them decides anything.

Hot questions (those that a send or a poll asks) are SQL, prepared once per connection; all others are
Peewee queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from peewee import fn

from webchat.data import once
from webchat.data.engine import Reader
from webchat.data.tables import Block, Presence, Relation, User
from webchat.entities.feed import (
    ChangedEvent,
    ConversationEvent,
    Entry,
    Event,
    GoneEvent,
    MessageEvent,
    PresenceEvent,
    encode,
)
from webchat.entities.people import Found, Friend, FriendRequest, RelationState, Session, name_key
from webchat.entities.talk import QUOTE_MAX, RECEIPTS_MAX, Conversation, Extra, Message, rfc3339

extra_of = msgspec.json.Decoder(Extra).decode
_GONE = encode(GoneEvent())

CHUNK = 10_000  # values in one IN (…)
NUL = "\0"  # PostgreSQL's text cannot hold it, not even in a question; no name has it

MESSAGE = """
    SELECT m.id, m.conversation, m.number, u.name, m.text, m.sent_at, m.client_id, m.extra
    FROM message m JOIN "user" u ON u.id = m.sender
"""
_SESSION = """
    SELECT s.id, u.id, u.name, s.seen_at FROM session s JOIN "user" u ON u.id = s."user"
    WHERE s.token_hash = ? AND s.expires_at > ? AND NOT u.disabled
"""
_ENTRIES = """
    SELECT e.number, e.event, e.changed, e.conversation, b."user",
        m.id, m.conversation, m.number, u.name, m.text, m.sent_at, m.client_id, m.extra
    FROM entry e LEFT JOIN message m ON m.id = e.message LEFT JOIN "user" u ON u.id = m.sender
        LEFT JOIN member b ON b.conversation = COALESCE(m.conversation, e.conversation) AND b."user" = e."user"
    WHERE e."user" = ? AND e.number > ? ORDER BY e.number LIMIT ?
"""
# Receipts are shown to who shows their own, where somebody else does, and not in large groups.
_LINES = """
    SELECT b."user", c.id, c.kind, c.name, c.open, c.last_number, c.delivered, c.read,
        b.read_number, b.role, b.muted, b.mention_number,
        CASE WHEN c.kind = 'direct' THEN
            (SELECT p.name FROM member o JOIN "user" p ON p.id = o."user"
             WHERE o.conversation = c.id AND o."user" <> b."user")
        END,
        CASE WHEN c.kind = 'group' THEN (SELECT count(*) FROM member o WHERE o.conversation = c.id) END,
        NOT me.hide_receipts AND EXISTS (
            SELECT 1 FROM member o JOIN "user" p ON p.id = o."user"
            WHERE o.conversation = c.id AND o."user" <> b."user" AND NOT p.hide_receipts AND NOT p.disabled
        ),
        m.id, m.conversation, m.number, u.name, m.text, m.sent_at, m.client_id, m.extra
    FROM member b JOIN conversation c ON c.id = b.conversation JOIN "user" me ON me.id = b."user"
        LEFT JOIN message m ON m.id = c.last_message LEFT JOIN "user" u ON u.id = m.sender
"""
_AFFECTED = """
    SELECT r.high FROM feed f JOIN relation r ON r.low = f."user" WHERE f.presence > ? AND r.friends
    UNION
    SELECT r.low FROM feed f JOIN relation r ON r.high = f."user" WHERE f.presence > ? AND r.friends
"""
_ONLINE_FRIENDS = """
    SELECT r.friend FROM (
        SELECT high AS friend FROM relation WHERE low = ? AND friends
        UNION ALL SELECT low FROM relation WHERE high = ? AND friends
    ) r WHERE EXISTS (SELECT 1 FROM presence p WHERE p."user" = r.friend)
"""
_PRESENCE_SINCE = """
    SELECT u.name, NOT u.invisible AND EXISTS (SELECT 1 FROM presence p WHERE p."user" = r.friend)
    FROM (
        SELECT high AS friend FROM relation WHERE low = ? AND friends
        UNION ALL SELECT low FROM relation WHERE high = ? AND friends
    ) r JOIN feed f ON f."user" = r.friend JOIN "user" u ON u.id = r.friend
    WHERE f.presence > ? ORDER BY f.presence
"""
# Where it locks, it does so in the order in which the tables stand here: see `engine_postgres`.
MEMBERSHIP = """
    SELECT c.open, c.last_number, m.read_number FROM conversation c JOIN member m ON m.conversation = c.id
    WHERE c.id = ? AND m."user" = ?
"""
_SEEMS_ONLINE = """
    SELECT 1 FROM presence p JOIN "user" u ON u.id = p."user" WHERE p."user" = ? AND NOT u.invisible LIMIT 1
"""
_BOUNDS = 'SELECT first, last FROM feed WHERE "user" = ?'


class Credentials(NamedTuple):
    user: int
    name: str
    password_hash: str


class Bounds(NamedTuple):
    """A feed keeps the entries `first`..`last`; an empty one has `first` = `last` + 1.

    A partition that is dropped takes the oldest with it, and `first` stays.
    """

    first: int
    last: int


class Pair(NamedTuple):
    """How two users stand to each other."""

    friends: bool
    asked_by: int | None
    conversation: int | None
    note: str = ""  # of the question

    def state_for(self, user: int) -> RelationState:
        if self.friends:
            return "friend"
        if self.asked_by is None:
            return "none"
        return "outgoing" if self.asked_by == user else "incoming"


class Membership(NamedTuple):
    """A member's view of a conversation; `members` in ascending order."""

    open: bool
    last_number: int
    read_number: int


class _MovedOn(Exception):
    """Between two questions the user has left a conversation: what the first one said is not so any more."""


class Store:
    """Reads, on whatever reader."""

    def __init__(self, reader: Reader) -> None:
        self.on = reader

    # --- the database itself ---

    def epoch(self) -> str:
        return str(self.on.rows("SELECT value FROM meta WHERE key = 'epoch'")[0][0])

    # --- people ---

    def session(self, token_hash: bytes, now: int) -> Session | None:
        """The session with this secret's SHA-256, unless it is over at `now` (ms)."""
        rows = self.on.rows(_SESSION, (token_hash, now))
        return Session(*rows[0]) if rows else None

    def living_sessions(self, sessions: Iterable[int], now: int) -> set[int]:
        """Those of `sessions` that are not over."""
        living: set[int] = set()
        for some in in_lists(sessions):
            rows = self.on.rows(f"SELECT id FROM session WHERE id IN ({some}) AND expires_at > ?", (now,))  # noqa: S608
            living.update(row[0] for row in rows)
        return living

    def credentials(self, name: str) -> Credentials | None:
        """What a log-in is checked against; None also for a disabled user."""
        if NUL in name:
            return None
        query = User.select(User.id, User.name, User.password_hash).where(User.key == name_key(name), ~User.disabled)
        return next((Credentials(*row) for row in self.on.run(query.tuples())), None)

    def user(self, name: str) -> tuple[int, str] | None:
        """The id and the name as its owner spells it; None also for a disabled user."""
        return self._user('SELECT id, name FROM "user" WHERE key = ? AND NOT disabled', name)

    def user_even_disabled(self, name: str) -> tuple[int, str] | None:
        return self._user('SELECT id, name FROM "user" WHERE key = ?', name)

    def _user(self, sql: str, name: str) -> tuple[int, str] | None:
        if NUL in name:
            return None
        rows = self.on.rows(sql, (name_key(name),))
        return (rows[0][0], rows[0][1]) if rows else None

    def name(self, user: int) -> str:
        return str(self.on.rows('SELECT name FROM "user" WHERE id = ?', (user,))[0][0])

    def demo_users(self) -> list[str]:
        return [row[0] for row in self.on.run(User.select(User.name).where(User.demo).order_by(User.id).tuples())]

    def find(self, prefix: str, user: int, limit: int) -> list[Found]:
        """People whose name begins with `prefix`, and how they stand to `user`, in alphabetical order.

        Who blocks `user` is not found.
        """
        if NUL in prefix:
            return []
        key = name_key(prefix)
        blocks_user = fn.EXISTS(Block.select(Block.user).where(Block.user == User.id, Block.blocked == user))
        blocked = fn.EXISTS(Block.select(Block.user).where(Block.user == user, Block.blocked == User.id))
        query = (
            User.select(User.id, User.name, User.display_name, User.status, User.avatar, blocked)
            .where(User.key >= key, User.key < key + "\U0010ffff", User.id != user, ~User.disabled, ~blocks_user)
            .order_by(User.key)
            .limit(limit)
        )
        people = []
        for other, name, display_name, status, avatar, is_blocked in list(self.on.run(query.tuples())):
            pair = self.pair(user, other)
            # What one who is blocked has asked is told to nobody.
            state = pair.state_for(user) if pair and not is_blocked else "none"
            profile = {"display_name": display_name, "status": status, "avatar": avatar}
            people.append(Found(name, state, blocked=bool(is_blocked), **profile))
        return people

    def pair(self, one: int, other: int) -> Pair | None:
        rows = self.on.rows(
            "SELECT friends, asked_by, conversation, note FROM relation WHERE low = ? AND high = ?",
            (min(one, other), max(one, other)),
        )
        return Pair(bool(rows[0][0]), *rows[0][1:]) if rows else None

    def friends(self, user: int) -> list[Friend]:
        return [
            Friend(name, bool(online), conversation, display_name=display_name, status=status, avatar=avatar)
            for name, online, conversation, display_name, status, avatar in self._related(
                *(user, Relation.friends, User.name, _online(User.id), Relation.conversation),
                *(User.display_name, User.status, User.avatar),
            )
        ]

    def friend_ids(self, user: int) -> list[int]:
        return [row[0] for row in self._related(user, Relation.friends, User.id)]

    def requests(self, user: int) -> list[FriendRequest]:
        """Questions that wait, but for those of people whom `user` blocks."""
        blocked = fn.EXISTS(Block.select(Block.user).where(Block.user == user, Block.blocked == Relation.asked_by))
        asked = Relation.asked_by.is_null(False) & ~blocked
        return [
            FriendRequest(name, "outgoing" if asked_by == user else "incoming", note)
            for name, asked_by, note in self._related(user, asked, User.name, Relation.asked_by, Relation.note)
        ]

    def _related(self, user: int, condition: Any, *columns: Any) -> Iterator[tuple[Any, ...]]:
        for mine, theirs in ((Relation.low, Relation.high), (Relation.high, Relation.low)):
            query = Relation.select(*columns).join(User, on=(User.id == theirs)).where(mine == user, condition)
            yield from self.on.run(query.order_by(User.key).tuples())

    # --- conversations ---

    def conversations(self, user: int) -> list[Conversation]:
        """All conversations of `user`, the most recently active first."""
        order = "ORDER BY COALESCE(c.last_message, 0) DESC, c.id DESC"
        return self._lines(self.on.rows(f'{_LINES} WHERE b."user" = ? {order}', (user,)))

    def conversation(self, id: int, user: int) -> Conversation | None:
        """The conversation's line for `user`; None where that is no member."""
        rows = self.on.rows(f'{_LINES} WHERE b."user" = ? AND b.conversation = ?', (user, id))
        return self._lines(rows)[0] if rows else None

    def _lines(self, rows: Sequence[Sequence[Any]]) -> list[Conversation]:
        lines = [_line(row) for row in rows]
        quoting = [line.last_message for line in lines if line.last_message and line.last_message.reply_to]
        whole = {message.conversation: message for message in self.with_quotes(quoting)}
        return [
            msgspec.structs.replace(line, last_message=whole[line.id]) if line.id in whole else line for line in lines
        ]

    def lines(self, id: int) -> dict[int, Conversation]:
        """The conversation's line for each of its members."""
        rows = self.on.rows(f"{_LINES} WHERE b.conversation = ?", (id,))
        return {row[0]: line for row, line in zip(rows, self._lines(rows), strict=True)}

    def membership(self, conversation: int, user: int) -> Membership | None:
        return self._membership(MEMBERSHIP, conversation, user)

    def _membership(self, sql: str, conversation: int, user: int) -> Membership | None:
        rows = self.on.rows(sql, (conversation, user))
        return Membership(bool(rows[0][0]), rows[0][1], rows[0][2]) if rows else None

    def members(self, conversation: int) -> list[int]:
        """In ascending order: the order in which their feeds are locked."""
        return [
            row[0]
            for row in self.on.rows('SELECT "user" FROM member WHERE conversation = ? ORDER BY "user"', (conversation,))
        ]

    def message_of(self, sender: int, client_id: str) -> Message | None:
        """What this sender has sent under this client id, if it is kept; see `once.is_forgotten`."""
        rows = self.on.rows(f"{MESSAGE} {once.found_by(self)}", (sender, client_id))
        return self.with_quotes([as_message(rows[0])])[0] if rows else None

    def history(self, conversation: int, before: int | None, limit: int, *, after: int | None = None) -> list[Message]:
        """The newest `limit` messages, or of those older than the message `before` (an id); with `after`, the oldest
        of those that are newer than that. Oldest first."""
        condition = "ORDER BY m.id DESC LIMIT ?"
        parameters = [conversation, limit]
        if after is not None:
            condition, parameters = "AND m.id > ? ORDER BY m.id LIMIT ?", [conversation, after, limit]
        elif before is not None:
            condition, parameters = "AND m.id < ? ORDER BY m.id DESC LIMIT ?", [conversation, before, limit]
        rows = self.on.rows(f"{MESSAGE} WHERE m.conversation = ? {condition}", parameters)
        return self.with_quotes([as_message(row) for row in (rows if after is not None else reversed(rows))])

    def with_quotes(self, messages: list[Message]) -> list[Message]:
        """The same, and those that answer another one with the beginning of that, as it is now.

        A quote is kept without what was said: what was deleted or corrected is then nowhere left. What is not kept any
        more is told as if it were deleted.
        """
        quoted = {message.reply_to.id for message in messages if message.reply_to is not None}
        if not quoted:
            return messages
        said: dict[int, tuple[str, bytes | None]] = {}
        for some in in_lists(quoted):
            sql = f"SELECT id, substr(text, 1, {QUOTE_MAX}), extra FROM message WHERE id IN ({some})"  # noqa: S608
            said.update((id, (text, extra)) for id, text, extra in self.on.rows(sql))
        return [_with_quote(message, said) for message in messages]

    def has_older(self, conversation: int, than: int) -> bool:
        """Whether messages before the message `than` (an id) are kept."""
        return bool(
            self.on.rows("SELECT 1 FROM message WHERE conversation = ? AND id < ? LIMIT 1", (conversation, than))
        )

    # --- feeds ---

    def bounds(self, user: int) -> Bounds:
        rows = self.on.rows(_BOUNDS, (user,))
        return Bounds(*rows[0]) if rows else Bounds(1, 0)

    def entries(self, user: int, after: int, limit: int) -> list[Entry]:
        """The entries that follow number `after`; the first is not `after` + 1 where older ones were trimmed."""
        while True:
            found = self.on.rows(_ENTRIES, (user, after, limit))
            pointed = [
                as_message(message) for _, event, _, _, member, *message in found if not event and member and message[0]
            ]
            messages = {message.id: message for message in self.with_quotes(pointed)}
            try:
                return [Entry(user, number, self._told(user, messages, *what)) for number, *what in found]
            except _MovedOn:  # else a message would be told of a conversation that was not
                continue

    def _told(
        self,
        user: int,
        messages: Mapping[int, Message],
        event: bytes | None,
        changed: bool,
        conversation: int | None,
        member: int | None,
        *message: Any,
    ) -> bytes:
        """What an entry carries, or points at as it is now; but only to whom it still concerns."""
        about = conversation if conversation is not None else message[1]
        if about is not None and member is None:
            return _GONE
        if event is not None:
            return bytes(event)
        return encode(self._pointed_at(user, changed, conversation, messages.get(message[0])))

    def _pointed_at(self, user: int, changed: bool, conversation: int | None, message: Message | None) -> Event:
        if conversation is not None:
            line = self.conversation(conversation, user)
            if line is None:
                raise _MovedOn
            return ConversationEvent(line)
        if message is None:
            return GoneEvent()
        return ChangedEvent(message) if changed else MessageEvent(message)

    def tops(self, users: Iterable[int]) -> dict[int, int]:
        """The last number of each feed."""
        tops: dict[int, int] = {}
        for some in in_lists(users):
            rows = self.on.rows(f'SELECT "user", last FROM feed WHERE "user" IN ({some})')  # noqa: S608
            tops.update((user, last) for user, last in rows)
        return tops

    # --- presence ---

    def presence_mark(self) -> int:
        """The mark of the last coming or going of anybody."""
        return int(self.on.rows("SELECT value FROM meta WHERE key = 'presence'")[0][0])

    def presence_since(self, mark: int, user: int) -> list[PresenceEvent]:
        """The friends of `user` who came or went after `mark`, as they are now, in order of the changes."""
        rows = self.on.rows(_PRESENCE_SINCE, (user, user, mark))
        return [PresenceEvent(name, bool(online)) for name, online in rows]

    def online_friends(self, user: int) -> list[int]:
        return [row[0] for row in self.on.rows(_ONLINE_FRIENDS, (user, user))]

    def affected_since(self, mark: int) -> set[int]:
        """The users of whom a friend came or went after `mark`."""
        return {row[0] for row in self.on.rows(_AFFECTED, (mark, mark))}

    def is_online(self, user: int) -> bool:
        """Whether the user is there, and thus wants to be told; `seems_online` is what may be told of it."""
        return bool(self.on.rows('SELECT 1 FROM presence WHERE "user" = ? LIMIT 1', (user,)))

    def seems_online(self, user: int) -> bool:
        """What the user's friends see: not of one who is invisible."""
        return bool(self.on.rows(_SEEMS_ONLINE, (user,)))

    def present_in(self, worker: str) -> set[int]:
        """The users that are online through this worker."""
        return {row[0] for row in self.on.rows('SELECT "user" FROM presence WHERE worker = ?', (worker,))}

    def workers(self) -> dict[str, tuple[int, bool]]:
        """Every worker on record: how often it has beaten, and whether it is deaf."""
        return {row[0]: (row[1], bool(row[2])) for row in self.on.rows("SELECT id, beat, deaf FROM worker")}


def _online(user: Any) -> Any:
    return ~User.invisible & fn.EXISTS(Presence.select(Presence.user).where(Presence.user == user))


def as_message(row: Sequence[Any]) -> Message:
    """A row of `MESSAGE`."""
    id, conversation, number, sender, text, sent_at, client_id, extra = row
    more = {} if extra is None else msgspec.structs.asdict(extra_of(extra))
    return Message(id, conversation, number, sender, text, rfc3339(sent_at), client_id, **more)


def _with_quote(message: Message, said: Mapping[int, tuple[str, bytes | None]]) -> Message:
    quote = message.reply_to
    if quote is None:
        return message
    text, extra = said.get(quote.id, ("", None))
    more = Extra() if extra is None else extra_of(extra)
    whole = msgspec.structs.replace(
        quote, text=text, files=len(more.files), deleted=more.deleted or quote.id not in said
    )
    return msgspec.structs.replace(message, reply_to=whole)


def _line(row: Sequence[Any]) -> Conversation:
    """A row of `_LINES`."""
    _, id, kind, name, is_open, last_number, delivered, read, read_number, role, muted, mention_number, *rest = row
    partner, members, receipts, *last = rest
    shown = receipts and (members or 0) <= RECEIPTS_MAX
    return Conversation(
        *(id, kind, partner, bool(is_open), last_number, read_number, last_number - read_number),
        last_message=None if last[0] is None else as_message(last),
        name=name or None,
        role=role or None,
        members=members,
        mentioned=mention_number > read_number,
        muted=bool(muted),
        delivered=(shown and delivered) or None,
        read=(shown and read) or None,
    )


def in_lists(numbers: Iterable[int]) -> Iterator[str]:
    """The numbers as they stand in `IN (…)`; as parameters, thousands of them would cost ten times as much."""
    every = list(numbers)
    for start in range(0, len(every), CHUNK):
        yield ",".join([str(int(number)) for number in every[start : start + CHUNK]])
