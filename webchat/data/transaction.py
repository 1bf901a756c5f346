"""What can be written, inside one write transaction of the committer's.

A method changes rows; what a user must be told of it goes through `tell` in the same transaction, so
that a change and its feed entry are committed together or not at all. `rings` collects what is to be
rung once the commit is through.

Where transactions run side by side, what one decides by must not be changed by another: `membership`,
`pair_to_change` and `hold_presence` lock the rows that they read. Locks are taken in one order everywhere,
which `engine_postgres` names; nobody then waits in a circle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from webchat.data import once
from webchat.data.engine import Connection
from webchat.data.store import MEMBERSHIP, Membership, Pair, Store, as_message, in_lists
from webchat.data.tables import Conversation, Feed, Member, Relation, Session, User, Worker
from webchat.data.tables import Entry as EntryRow
from webchat.entities.feed import (
    Alarm,
    ChangedEvent,
    ConversationEvent,
    Entry,
    Event,
    MessageEvent,
    Revocation,
    Ring,
    Whisper,
    encode,
)
from webchat.entities.people import name_key
from webchat.entities.talk import Draft, Message, Posted

_NEXT_IN_CONVERSATION = """
    UPDATE conversation SET last_number = last_number + 1 WHERE id = ? RETURNING last_number
"""
_ADD_MESSAGE = """
    INSERT INTO message (conversation, number, sender, client_id, text, sent_at, extra)
    VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id
"""
_SET_LAST_MESSAGE = "UPDATE conversation SET last_message = ? WHERE id = ?"
# The feeds of all members at once: three statements, however many they are.
_HOLD_MEMBERS = """
    SELECT last FROM feed WHERE "user" IN (SELECT "user" FROM member WHERE conversation = ?) ORDER BY "user"
"""
_NEXT_FOR_MEMBERS = """
    UPDATE feed SET last = last + 1 WHERE "user" IN (SELECT "user" FROM member WHERE conversation = ?)
    RETURNING "user", last
"""
_ADD_FOR_MEMBERS = """
    INSERT INTO entry ("user", number, message, changed, conversation)
    SELECT f."user", f.last, ?, ?, ? FROM member m JOIN feed f ON f."user" = m."user" WHERE m.conversation = ?
"""
_NEXT_IN_FEED = 'UPDATE feed SET last = last + 1 WHERE "user" = ? RETURNING last'
_ADD_ENTRY = 'INSERT INTO entry ("user", number, event, conversation, changed) VALUES (?, ?, ?, ?, FALSE)'
_FORGET_WHO_CAME_BACK = """
    DELETE FROM presence WHERE worker = ? AND EXISTS
        (SELECT 1 FROM presence other WHERE other."user" = presence."user" AND other.worker <> ?)
"""
_COME = 'INSERT INTO presence ("user", worker) VALUES (?, ?) ON CONFLICT DO NOTHING'
_GO = 'DELETE FROM presence WHERE "user" = ? AND worker = ?'
_READ = 'UPDATE member SET read_number = ? WHERE conversation = ? AND "user" = ? AND read_number < ?'


class Transaction(Store):
    """Reads and writes of one job; see the module."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._connection = connection
        self.rings: list[Ring] = []

    @contextlib.contextmanager
    def job(self) -> Iterator[None]:
        """One caller's work: undone as a whole if it raises, and then nobody is rung for it."""
        before = len(self.rings)
        try:
            with self._connection.savepoint():
                yield
        except BaseException:
            del self.rings[before:]
            raise

    # --- telling ---

    def tell(self, user: int, event: Event, conversation: int | None = None) -> None:
        """Append an event to the user's feed. Callers go through the users in ascending order (locks).

        What is told of a `conversation` concerns its members alone: who is none any more is not told it.
        """
        encoded = encode(event)
        self._append(user, encoded, conversation=conversation, stored=encoded)

    def tell_change(self, message: Message) -> None:
        """Tell the members of its conversation that a message is different now."""
        event = encode(ChangedEvent(message))
        for user, number in self._append_for_members(message.conversation, message=message.id, changed=True):
            self.rings.append(Entry(user, number, event))

    def tell_line(self, conversation: int, users: Sequence[int] | None = None) -> None:
        """Tell these members, in ascending order, or all of them, how the conversation stands now."""
        if users is None:
            lines = self.lines(conversation)
            for user, number in self._append_for_members(conversation, line=True):
                self.rings.append(Entry(user, number, encode(ConversationEvent(lines[user]))))
            return
        for user in users:
            line = self.conversation(conversation, user)
            if line is not None:
                self._append(user, encode(ConversationEvent(line)), conversation=conversation)

    def hold_feeds(self, users: Iterable[int]) -> None:
        """For who tells more than one thing: from now on, these users may be told in any order (locks)."""
        if self.on.for_update:
            for some in in_lists(sorted(users)):
                self.on.rows(f'SELECT last FROM feed WHERE "user" IN ({some}) ORDER BY "user"{self.on.for_update}')  # noqa: S608

    def _append_for_members(
        self, conversation: int, *, message: int | None = None, changed: bool = False, line: bool = False
    ) -> list[tuple[int, int]]:
        """One entry in the feed of each member; the users and their entries' numbers, in ascending order."""
        if self.on.for_update:
            self.on.rows(_HOLD_MEMBERS + self.on.for_update, (conversation,))
        numbered = self.on.rows(_NEXT_FOR_MEMBERS, (conversation,))
        self.on.rows(_ADD_FOR_MEMBERS, (message, changed, conversation if line else None, conversation))
        return sorted((user, number) for user, number in numbered)

    def _append(
        self,
        user: int,
        event: bytes,
        *,
        conversation: int | None = None,
        stored: bytes | None = None,
    ) -> None:
        number = self.on.rows(_NEXT_IN_FEED, (user,))[0][0]
        self.on.rows(_ADD_ENTRY, (user, number, stored, conversation))
        self.rings.append(Entry(user, number, event))

    # --- people ---

    def add_user(self, name: str, password_hash: str, now: int, demo: bool = False) -> int | None:
        """The new user's id; None where the name is taken."""
        row = {"name": name, "key": name_key(name), "password_hash": password_hash, "created_at": now, "demo": demo}
        added = list(self.on.run(User.insert(row).on_conflict_ignore().returning(User.id).tuples()))
        if not added:
            return None
        user = int(added[0][0])
        self.on.run(Feed.insert(user=user))
        return user

    def disable_user(self, user: int) -> None:
        """No log-in from now on; the name stays taken and what was said stays readable."""
        self.on.run(User.update(disabled=True, demo=False, password_hash="!").where(User.id == user))
        for (session,) in list(self.on.run(Session.select(Session.id).where(Session.user == user).tuples())):
            self.end_session(user, session)

    def add_session(
        self, user: int, token_hash: bytes, expires_at: int, *, now: int = 0, address: str = "", agent: str = ""
    ) -> None:
        row = {"id": int.from_bytes(token_hash[:8]) >> 1, "user": user, "token_hash": token_hash}
        row |= {"expires_at": expires_at, "created_at": now, "seen_at": now, "address": address, "agent": agent}
        self.on.run(Session.insert(row))

    def end_session(self, user: int, session: int) -> None:
        self.on.run(Session.delete().where(Session.id == session))
        self.rings.append(Revocation(user, session))

    def forget_expired_sessions(self, now: int) -> None:
        self.on.run(Session.delete().where(Session.expires_at <= now))

    def pair_to_change(self, one: int, other: int) -> Pair | None:
        """Like `pair`; nobody else changes it until this transaction is through, even where there is none yet."""
        self.on.rows(
            f'SELECT id FROM "user" WHERE id IN (?, ?) ORDER BY id{self.on.for_update}',  # noqa: S608  ours
            (one, other),
        )
        return self.pair(one, other)

    def set_pair(self, one: int, other: int, pair: Pair) -> None:
        row = {
            "low": min(one, other),
            "high": max(one, other),
            "friends": pair.friends,
            "asked_by": pair.asked_by,
            "conversation": pair.conversation,
            "note": pair.note,
        }
        written = (Relation.friends, Relation.asked_by, Relation.conversation, Relation.note)
        self.on.run(
            Relation.insert(row).on_conflict(
                conflict_target=[Relation.low, Relation.high],
                update={column: row[column.name] for column in written},
            )
        )

    # --- conversations ---

    def add_conversation(self, members: list[int]) -> int:
        added = self.on.run(Conversation.insert(kind="direct").returning(Conversation.id).tuples())
        conversation = int(next(iter(added))[0])
        self.on.run(Member.insert_many([(conversation, user) for user in members], [Member.conversation, Member.user]))
        return conversation

    def membership(self, conversation: int, user: int) -> Membership | None:
        """Like `Store.membership`; until this transaction is through, the conversation stays as open as it is."""
        return self._membership(MEMBERSHIP + self.on.for_update, conversation, user)

    def set_open(self, conversation: int, is_open: bool) -> None:
        self.on.run(Conversation.update(open=is_open).where(Conversation.id == conversation))

    def post(self, drafts: Sequence[Draft]) -> list[Posted | None]:
        """Send each draft, once for its (sender, client id) and for ever; None where its sender may not send there,
        its session is over, or what was sent so is not kept any more.

        In the order of the drafts. The engines do it all at once, see `transaction_batch`.
        """
        return [self._post(draft) for draft in drafts]

    def _post(self, draft: Draft) -> Posted | None:
        if draft.session is not None and not self.living_sessions([draft.session], draft.sent_at):
            return None
        known = self.message_of(draft.sender, draft.client_id)
        if known is not None:  # who has left a group since then hears no more of it, not even that
            is_member = self.membership(known.conversation, draft.sender) is not None
            return Posted(known, False) if is_member else None
        if once.is_forgotten(self, draft.sender, draft.client_id):
            return None
        membership = self.membership(draft.conversation, draft.sender)
        if membership is None or not membership.open:
            return None
        return Posted(self.add_message(*draft[:6], device=draft.device, extra=draft.extra), True)

    def add_message(
        self,
        conversation: int,
        sender: int,
        sender_name: str,
        text: str,
        client_id: str,
        now: int,
        *,
        device: str = "",
        extra: bytes | None = None,
    ) -> Message:
        """Number the message in its conversation and append it to each member's feed.

        The caller has made sure that (`sender`, `client_id`) is new and that `sender` may send here.
        """
        number = self.on.rows(_NEXT_IN_CONVERSATION, (conversation,))[0][0]
        added = self.on.rows(_ADD_MESSAGE, (conversation, number, sender, client_id, text, now, extra))
        (message,) = self.with_quotes(
            [as_message((added[0][0], conversation, number, sender_name, text, now, client_id, extra))]
        )
        self.on.rows(_SET_LAST_MESSAGE, (message.id, conversation))
        self.set_read(conversation, sender, number)
        event = encode(MessageEvent(message))
        for user, feed_number in self._append_for_members(conversation, message=message.id):
            self.rings.append(Entry(user, feed_number, event, device if user == sender else ""))
        return message

    def set_read(self, conversation: int, user: int, number: int) -> None:
        """Move the member's read mark forward to `number`; never back."""
        self.on.rows(_READ, (number, conversation, user, number))

    # --- presence ---

    def hold_presence(self) -> None:
        """Nobody comes or goes until this transaction is through: what it tells of who is online stays true.

        Comings and goings of one user in two workers would else not see each other, and nobody would be told.
        """
        if self.on.for_update:
            self.on.rows(f"SELECT value FROM meta WHERE key = 'presence'{self.on.for_update}")  # noqa: S608  ours

    def come(self, user: int, worker: str, mark: int | None = None) -> None:
        """The user has a mailbox in this worker now; friends hear of it if it is the first.

        `mark` is the last presence change that the mailbox knows of. Friends who came or went since then have
        not told this user, who was not online yet: that is made up for.
        """
        self.hold_presence()
        was_online = self.is_online(user)
        self.on.rows(_COME, (user, worker))
        if not was_online:
            self._changed_presence(user)
        if mark is not None and self.presence_since(mark, user):
            self.rings.append(Whisper(user, self.presence_mark()))

    def go(self, user: int, worker: str) -> None:
        """The user's mailbox in this worker is gone; friends hear of it if it was the last."""
        self.hold_presence()
        if not self.is_online(user):
            return
        self.on.rows(_GO, (user, worker))
        if not self.is_online(user):
            self._changed_presence(user)

    def _changed_presence(self, user: int) -> None:
        if not self.on.rows('SELECT 1 FROM "user" WHERE id = ? AND invisible', (user,)):
            self.tell_presence(user)

    def tell_presence(self, user: int) -> None:
        """What friends see of the user's presence is different now. The caller holds presence."""
        mark = self.presence_mark() + 1
        self.on.rows("UPDATE meta SET value = ? WHERE key = 'presence'", (str(mark),))
        self.on.rows('UPDATE feed SET presence = ? WHERE "user" = ?', (mark, user))
        self.rings += [Whisper(friend, mark) for friend in self.online_friends(user)]

    def beat(self, worker: str, deaf: bool) -> None:
        """Count the worker's sign of life; it is on record from the first one on, or again after a burial."""
        if not self.on.rows("UPDATE worker SET beat = beat + 1, deaf = ? WHERE id = ? RETURNING beat", (deaf, worker)):
            self.on.run(Worker.insert(id=worker, beat=1, deaf=deaf))

    def bury(self, worker: str, beat: int, limit: int) -> bool:
        """Take up to `limit` users of a dead worker offline, unless they came back; True while some are left.

        Does nothing where the worker has beaten since `beat`: it was not dead, only still.
        """
        still = f"SELECT 1 FROM worker WHERE id = ? AND beat = ?{self.on.for_update}"  # noqa: S608  ours
        if not self.on.rows(still, (worker, beat)):
            return False
        self.hold_presence()
        self.on.rows(_FORGET_WHO_CAME_BACK, (worker, worker))
        users = sorted(self.present_in(worker))
        for user in users[:limit]:
            self.go(user, worker)
        if len(users) > limit:
            return True
        self.on.run(Worker.delete().where(Worker.id == worker))
        self.rings.append(Alarm())  # it may have died between a commit and its rings
        return False

    # --- housekeeping ---

    def trim_feeds(self, keep: int, limit: int) -> int:
        """Cut up to `limit` feeds back to `keep` entries once they are a quarter over; how many were cut."""
        long = Feed.select(Feed.user, Feed.last).where(Feed.last - Feed.first >= keep + keep // 4).limit(limit)
        firsts = {user: last - keep + 1 for user, last in self.on.run(long.tuples())}
        for user, first in firsts.items():
            self.on.run(EntryRow.delete().where(EntryRow.user == user, EntryRow.number < first))
        # Last, so that the feeds are locked for as short as possible; another worker may trim the same ones.
        for user, first in sorted(firsts.items()):
            self.on.run(Feed.update(first=first).where(Feed.user == user, Feed.first < first))
        return len(firsts)

    def cut_feed(self, user: int, first: int) -> None:
        """Forget the entries before number `first`."""
        self.on.run(EntryRow.delete().where(EntryRow.user == user, EntryRow.number < first))
        self.on.run(Feed.update(first=first).where(Feed.user == user, Feed.first < first))
