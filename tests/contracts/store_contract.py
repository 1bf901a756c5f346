"""What a database engine must do for the chat. Written once; each engine's test class inherits it.

The subclass gives the fixture `engine`: an `Engine` on a new, migrated database.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec
import pytest

from webchat.data import groups, receipts, typing
from webchat.data.engine import Engine
from webchat.data.engine_sqlite import SqliteEngine
from webchat.data.store import Pair, Store
from webchat.data.tables import User
from webchat.data.transaction import Transaction
from webchat.data.transaction_postgres import PostgresTransaction
from webchat.data.transaction_sqlite import SqliteTransaction
from webchat.entities.feed import (
    Alarm,
    ChangedEvent,
    ConversationEvent,
    Entry,
    GoneEvent,
    LeftEvent,
    MessageEvent,
    PresenceEvent,
    ReadEvent,
    Revocation,
    Whisper,
    encode,
)
from webchat.entities.people import Session
from webchat.entities.talk import Draft, Extra, Message

NOW = 1_795_341_399_120  # 2026-11-22T09:56:39.120Z


class StoreContract:
    @pytest.fixture
    def store(self, engine: Engine) -> Store:
        return Store(engine.reader)

    # --- users and sessions ---

    def test_a_name_is_unique_whatever_its_case(self, engine: Engine, store: Store) -> None:
        with writing(engine) as tx:
            assert tx.add_user("Ann", "hash", NOW) == 1
            assert tx.add_user("aNN", "hash", NOW) is None
        known = store.credentials("ANN")
        assert known is not None
        assert (known.user, known.name, known.password_hash) == (1, "Ann", "hash")

    def test_a_session_is_found_by_its_hash_until_it_expires_or_ends(self, engine: Engine, store: Store) -> None:
        ann, _ = two_users(engine)
        with writing(engine) as tx:
            tx.add_session(ann, b"a" * 32, NOW + 10)
            tx.add_session(ann, b"b" * 32, NOW + 10)
        session = store.session(b"a" * 32, NOW)
        assert session is not None
        assert (session.user, session.name) == (ann, "ann")
        assert store.session(b"a" * 32, NOW + 10) is None
        assert store.session(b"c" * 32, NOW) is None
        with writing(engine) as tx:
            tx.end_session(ann, session.id)
            assert tx.rings == [Revocation(ann, session.id)]
        assert store.session(b"a" * 32, NOW) is None
        other = store.session(b"b" * 32, NOW)
        assert other is not None
        assert store.living_sessions([session.id, other.id], NOW) == {other.id}

    def test_a_disabled_user_can_do_nothing_and_keeps_the_name(self, engine: Engine, store: Store) -> None:
        ann, _ = two_users(engine)
        with writing(engine) as tx:
            tx.add_session(ann, b"a" * 32, NOW + 10)
            tx.disable_user(ann)
        assert store.credentials("ann") is None
        assert store.session(b"a" * 32, NOW) is None
        with writing(engine) as tx:
            assert tx.add_user("ann", "hash", NOW) is None

    def test_people_are_found_by_the_beginning_of_their_names(self, engine: Engine, store: Store) -> None:
        with writing(engine) as tx:
            for name in ("anna", "Ann", "bob", "a_n", "an%x"):
                tx.add_user(name, "hash", NOW)
        assert [found.name for found in store.find("an", 3, 10)] == ["an%x", "Ann", "anna"]
        assert [found.name for found in store.find("AN", 3, 1)] == ["an%x"]
        assert [found.name for found in store.find("a_", 3, 10)] == ["a_n"], "a wildcard is a letter like any other"
        assert store.find("bob", 3, 10) == [], "nobody finds themselves"

    def test_a_name_with_nul_is_nobody_s(self, engine: Engine, store: Store) -> None:
        two_users(engine)
        for name in ("\0", "ann\0", "\0ann"):
            assert store.credentials(name) is None
            assert store.user(name) is None
            assert store.find(name, 2, 10) == []
            with writing(engine) as tx:
                assert tx.user(name) is None

    # --- relations ---

    def test_a_pair_is_one_whoever_asks(self, engine: Engine, store: Store) -> None:
        ann, bob = two_users(engine)
        with writing(engine) as tx:
            tx.set_pair(bob, ann, Pair(friends=False, asked_by=bob, conversation=None))
        pair = store.pair(ann, bob)
        assert pair is not None
        assert pair == store.pair(bob, ann)
        assert (pair.state_for(ann), pair.state_for(bob)) == ("incoming", "outgoing")
        assert [(r.name, r.direction) for r in store.requests(ann)] == [("bob", "incoming")]
        assert [(r.name, r.direction) for r in store.requests(bob)] == [("ann", "outgoing")]
        assert [(f.name, f.relation) for f in store.find("b", ann, 9)] == [("bob", "incoming")]

    # --- messages and feeds ---

    def test_a_message_is_numbered_and_told_to_each_member(self, engine: Engine, store: Store) -> None:
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            first = tx.add_message(talk, ann, "ann", "one", "c1", NOW)
            second = tx.add_message(talk, bob, "bob", "two", "c1", NOW + 1)
            assert [(ring.user, ring.number) for ring in tx.rings if isinstance(ring, Entry)] == [
                (ann, 1),
                (bob, 1),
                (ann, 2),
                (bob, 2),
            ]
        assert (first.number, second.number) == (1, 2)
        assert first == Message(first.id, talk, 1, "ann", "one", "2026-11-22T09:56:39.120Z", "c1")
        assert store.history(talk, None, 10) == [first, second]
        assert store.history(talk, second.id, 10) == [first]
        assert store.history(talk, None, 1) == [second]
        assert store.message_of(bob, "c1") == second
        for user in (ann, bob):
            assert [messages(entry) for entry in store.entries(user, 0, 10)] == [first, second]
            assert [entry.number for entry in store.entries(user, 1, 10)] == [2]
            assert store.bounds(user) == (1, 2)

    def test_what_hangs_on_a_message_is_kept_with_it(self, engine: Engine, store: Store) -> None:
        ann, bob, talk = two_friends(engine)
        extra = Extra(mentions=["bob"], reactions={"👍": ["bob"]}, revision=1)
        draft = Draft(talk, ann, "ann", "hi @bob", "c1", NOW, extra=encode(extra))
        with sending(engine) as tx:
            (posted,) = tx.post([draft])
        assert posted is not None
        message = Message(
            1, talk, 1, "ann", "hi @bob", "2026-11-22T09:56:39.120Z", "c1", **msgspec.structs.asdict(extra)
        )
        assert posted.message == message
        assert store.history(talk, None, 10) == [message]
        assert [messages(entry) for entry in store.entries(bob, 0, 10)] == [message]

    def test_a_change_is_told_as_the_message_is_when_it_is_read(self, engine: Engine, store: Store) -> None:
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            message = tx.add_message(talk, ann, "ann", "one", "c1", NOW)
            tx.tell_change(message)
            rung = [ring.event for ring in tx.rings if isinstance(ring, Entry) and ring.user == bob]
        assert rung == [encode(MessageEvent(message)), encode(ChangedEvent(message))]
        assert [entry.event for entry in store.entries(bob, 0, 10)] == rung

    def test_the_line_of_a_conversation_is_told_to_each_member_as_their_own(self, engine: Engine, store: Store) -> None:
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            tx.add_message(talk, ann, "ann", "one", "c1", NOW)
            tx.tell_line(talk, [ann, bob])
            rung = {ring.user: ring.event for ring in tx.rings if isinstance(ring, Entry)}
        for user, partner, unread in ((ann, "bob", 0), (bob, "ann", 1)):
            line = store.conversation(talk, user)
            assert line is not None
            assert (line.partner, line.unread) == (partner, unread)
            assert rung[user] == encode(ConversationEvent(line))
            assert store.entries(user, 1, 10) == [Entry(user, 2, rung[user])]
        assert store.conversation(talk, 999) is None

    def test_an_ex_member_is_told_nothing_any_more(self, engine: Engine, store: Store) -> None:
        """Not even what their feed still points at: it may have changed since they left."""
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            tx.tell_change(tx.add_message(talk, ann, "ann", "one", "c1", NOW))
            tx.tell_line(talk, [ann, bob])
            tx.on.rows('DELETE FROM member WHERE conversation = ? AND "user" = ?', (talk, bob))
        gone = encode(GoneEvent())
        assert store.entries(bob, 0, 10) == [Entry(bob, number, gone) for number in (1, 2, 3)]
        assert gone not in [entry.event for entry in store.entries(ann, 0, 10)]

    def test_drafts_are_sent_once_and_only_where_their_senders_may(self, engine: Engine, store: Store) -> None:
        """The many-at-once way of an engine, if it has one, by the same rule as the one-by-one way."""
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            eve = tx.add_user("eve", "hash", NOW)
            shut = tx.add_conversation([ann, bob])
            tx.set_open(shut, False)
        assert eve
        drafts = [
            Draft(talk, ann, "ann", "one", "c1", NOW, "phone"),
            Draft(talk, bob, "bob", "two", "c1", NOW),
            Draft(talk, ann, "ann", "one", "c1", NOW + 5),
            Draft(talk, eve, "eve", "not a member", "c1", NOW),
            Draft(shut, ann, "ann", "over", "c2", NOW),
            Draft(999, ann, "ann", "nowhere", "c3", NOW),
            Draft(talk, ann, "ann", "other content", "c1", NOW),
            Draft(talk, ann, "ann", "", "c4", NOW),
        ]
        with sending(engine) as tx:
            posted = tx.post(drafts)
            rung = [(ring.user, ring.number, ring.device) for ring in tx.rings if isinstance(ring, Entry)]
        assert [one and (one.message.number, one.message.text, one.is_new) for one in posted] == [
            (1, "one", True),
            (2, "two", True),
            (1, "one", False),
            None,
            None,
            None,
            (1, "one", False),
            (3, "", True),
        ]
        assert rung == [(ann, 1, "phone"), (bob, 1, ""), (ann, 2, ""), (bob, 2, ""), (ann, 3, ""), (bob, 3, "")]
        sent = [one.message for one in posted if one and one.is_new]
        assert store.history(talk, None, 10) == sent
        for user in (ann, bob):
            assert [messages(entry) for entry in store.entries(user, 0, 10)] == sent
            assert store.bounds(user) == (1, 3)
        line = store.conversations(ann)[0]
        assert (line.id, line.last_number, line.read_number, line.last_message) == (talk, 3, 3, sent[-1])
        assert next(c.unread for c in store.conversations(bob) if c.id == talk) == 1, "after bob's own, the second"
        with sending(engine) as tx:
            assert tx.post([]) == []
            again = tx.post([Draft(talk, ann, "ann", f"text {n}", f"d{n}", NOW) for n in range(150)])
            assert not [one for one in tx.post(drafts) if one and one.is_new], "for ever"
        assert [one.message.number for one in again if one] == list(range(4, 154))

    def test_no_draft_is_sent_after_the_end_of_its_session(self, engine: Engine, store: Store) -> None:
        ann, _, talk = two_friends(engine)
        with writing(engine) as tx:
            tx.add_session(ann, b"a" * 32, NOW + 10)
        session = store.session(b"a" * 32, NOW)
        assert session is not None

        def send(client_id: str, now: int) -> bool:
            with sending(engine) as tx:
                (posted,) = tx.post([Draft(talk, ann, "ann", "text", client_id, now, "", session.id)])
            return posted is not None

        assert send("c1", NOW)
        assert not send("c2", NOW + 10), "it has expired"
        with writing(engine) as tx:
            tx.end_session(ann, session.id)
        assert not send("c3", NOW)
        assert [message.client_id for message in store.history(talk, None, 9)] == ["c1"]

    def test_a_sender_has_read_what_it_sends(self, engine: Engine, store: Store) -> None:
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            tx.add_message(talk, ann, "ann", "one", "c1", NOW)
            tx.add_message(talk, ann, "ann", "two", "c2", NOW)
        assert [(c.partner, c.unread, c.read_number) for c in store.conversations(ann)] == [("bob", 0, 2)]
        assert [(c.partner, c.unread, c.read_number) for c in store.conversations(bob)] == [("ann", 2, 0)]
        with writing(engine) as tx:
            tx.set_read(talk, bob, 2)
            tx.set_read(talk, bob, 1)
        assert [c.read_number for c in store.conversations(bob)] == [2], "a read mark never moves back"

    def test_the_same_client_id_is_refused_below_every_rule(self, engine: Engine) -> None:
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            tx.add_message(talk, ann, "ann", "one", "c1", NOW)
        with pytest.raises(Exception, match=r"(?i)unique"), writing(engine) as tx:
            tx.add_message(talk, ann, "ann", "one", "c1", NOW)
        with writing(engine) as tx:
            tx.add_message(talk, bob, "bob", "another sender's", "c1", NOW)

    def test_feeds_carry_other_events_too(self, engine: Engine, store: Store) -> None:
        ann, _ = two_users(engine)
        with writing(engine) as tx:
            tx.tell(ann, ReadEvent(7, 3))
        (entry,) = store.entries(ann, 0, 10)
        assert msgspec.json.decode(entry.event) == {"type": "read", "conversation": 7, "read_number": 3}
        assert store.tops([ann, 999]) == {ann: 1}

    def test_a_trimmed_feed_says_where_it_begins(self, engine: Engine, store: Store) -> None:
        ann, bob = two_users(engine)
        with writing(engine) as tx:
            for number in range(130):
                tx.tell(ann, ReadEvent(1, number))
            tx.tell(bob, ReadEvent(1, 1))
        with writing(engine) as tx:
            assert tx.trim_feeds(keep=100, limit=10) == 1
            assert tx.trim_feeds(keep=100, limit=10) == 0
        assert store.bounds(ann) == (31, 130)
        assert store.entries(ann, 0, 1)[0].number == 31
        assert store.bounds(bob) == (1, 1)

    # --- groups and receipts ---

    def test_a_group_is_told_and_numbered_like_any_conversation(self, engine: Engine, store: Store) -> None:
        ann, bob, group = group_of_two(engine)
        with writing(engine) as tx:
            note = groups.note(tx, group, Session(1, ann, "ann"), "created", "us", "note-1", NOW)
            tx.tell_line(group)
            rung = {
                user: [ring.event for ring in tx.rings if isinstance(ring, Entry) and ring.user == user]
                for user in (ann, bob)
            }
        assert (note.kind, note.text, note.number) == ("created", "us", 1)
        with sending(engine) as tx:
            (posted,) = tx.post([Draft(group, bob, "bob", "hello", "c1", NOW)])
        assert posted
        assert posted.message.number == 2
        for user, role in ((ann, "owner"), (bob, "member")):
            entries = [entry.event for entry in store.entries(user, 0, 9)]
            line = store.conversation(group, user)
            assert line is not None
            assert (line.name, line.role, line.members, line.partner) == ("us", role, 2, None)
            assert entries == [rung[user][0], encode(ConversationEvent(line)), encode(MessageEvent(posted.message))]
        assert store.lines(group) == {user: store.conversation(group, user) for user in (ann, bob)}
        members = groups.members(store, group, ann)
        assert [(one.name, one.role) for one in members] == [("ann", "owner"), ("bob", "member")]

    def test_the_heir_is_the_oldest_admin_else_the_oldest_member(self, engine: Engine) -> None:
        ann, bob, group = group_of_two(engine)
        with writing(engine) as tx:
            eve, dan = tx.add_user("eve", "hash", NOW), tx.add_user("dan", "hash", NOW)
            assert eve
            assert dan
            groups.join(tx, group, dan, "member", 5)
            groups.join(tx, group, eve, "member", 7)
            groups.part(tx, group, ann)
            for admin, heir in ((None, bob), (eve, eve), (dan, dan)):
                if admin is not None:
                    groups.set_role(tx, group, admin, "admin")
                held = groups.hold(tx, group)
                assert held
                assert (held.heir, list(held.roles)) == (heir, [bob, dan, eve])
            assert groups.hold(tx, 999) is None

    def test_what_is_told_of_a_conversation_is_told_to_members_alone(self, engine: Engine, store: Store) -> None:
        ann, bob, group = group_of_two(engine)
        with writing(engine) as tx:
            tx.tell(bob, ReadEvent(group, 1), group)
            tx.tell(bob, LeftEvent(group))
        assert [entry.event for entry in store.entries(bob, 0, 9)] == [
            encode(ReadEvent(group, 1)),
            encode(LeftEvent(group)),
        ]
        with writing(engine) as tx:
            groups.part(tx, group, bob)
        assert [entry.event for entry in store.entries(bob, 0, 9)] == [encode(GoneEvent()), encode(LeftEvent(group))]
        assert store.conversation(group, ann) is not None

    def test_only_friends_whom_nobody_has_blocked_can_be_brought(self, engine: Engine, store: Store) -> None:
        ann, bob, _ = two_friends(engine)
        assert groups.friends_by_key(store, ann) == {"bob": bob}
        for who, whom in ((ann, bob), (bob, ann)):
            with writing(engine) as tx:
                tx.on.rows('INSERT INTO block ("user", blocked) VALUES (?, ?)', (who, whom))
            assert groups.friends_by_key(store, ann) == groups.friends_by_key(store, bob) == {}
            with writing(engine) as tx:
                tx.on.rows("DELETE FROM block")

    def test_receipts_are_those_of_the_slowest_and_only_rise(self, engine: Engine, store: Store) -> None:
        ann, bob, group = group_of_two(engine)
        with writing(engine) as tx:
            for number in range(3):
                tx.add_message(group, ann, "ann", "text", f"c{number}", NOW)
            assert receipts.settle(tx, group) is None, "ann alone has got them"
            assert receipts.news(tx, bob, {group: 9, 999: 1}) == {group: 3}
            assert receipts.deliver(tx, group, bob, 2)
            assert not receipts.deliver(tx, group, bob, 2)
            assert receipts.settle(tx, group) == (2, 0, [ann, bob])
            assert receipts.news(tx, bob, {group: 2}) == {}
            receipts.mark(tx, group, bob, 3)
            assert receipts.settle(tx, group) == (3, 3, [ann, bob])
            receipts.mark(tx, group, bob, 1)
            assert receipts.settle(tx, group) is None
            tx.add_message(group, bob, "bob", "text", "c1", NOW)
            receipts.mark(tx, group, bob, 0)
            receipts.mark(tx, group, bob, 1)
            receipts.mark(tx, group, ann, 4)
            assert receipts.settle(tx, group) == (4, 4, [ann, bob]), "who marks it unread has read it all the same"
        line = store.conversation(group, ann)
        assert line
        assert (line.delivered, line.read) == (4, 4)

    def test_receipts_are_hidden_where_fewer_than_two_show_them(self, engine: Engine, store: Store) -> None:
        ann, bob, group = group_of_two(engine)
        with writing(engine) as tx:
            tx.add_message(group, ann, "ann", "text", "c1", NOW)
            receipts.mark(tx, group, bob, 1)
            assert receipts.settle(tx, group) == (1, 1, [ann, bob])
            tx.on.run(User.update(hide_receipts=True).where(User.id == bob))
        for user in (ann, bob):
            line = store.conversation(group, user)
            assert line
            assert (line.delivered, line.read) == (None, None)
        with writing(engine) as tx:
            tx.add_message(group, ann, "ann", "text", "c2", NOW)
            receipts.mark(tx, group, bob, 2)
            assert receipts.settle(tx, group) is None

    def test_who_is_shown_that_somebody_types(self, engine: Engine, store: Store) -> None:
        ann, bob, group = group_of_two(engine)
        assert typing.standing(store, group, ann) == (True, False, 2)
        assert typing.standing(store, group, 999) is None
        assert typing.audience(store, group, ann) == [bob]
        with writing(engine) as tx:
            tx.on.run(User.update(hide_typing=True).where(User.id == bob))
        assert typing.audience(store, group, ann) == []
        assert typing.standing(store, group, bob) == (True, True, 2)

    def test_a_conversation_is_muted_once(self, engine: Engine, store: Store) -> None:
        ann, bob, group = group_of_two(engine)
        with writing(engine) as tx:
            assert [groups.mute(tx, group, ann, muted) for muted in (True, True, False, True)] == [
                *(True, False),
                *(True, True),
            ]
        assert [line.muted for line in (store.conversation(group, ann), store.conversation(group, bob)) if line] == [
            True,
            False,
        ]

    # --- transactions ---

    def test_a_job_that_raises_undoes_itself_alone(self, engine: Engine, store: Store) -> None:
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            with tx.job():
                tx.add_message(talk, ann, "ann", "kept", "c1", NOW)
            with contextlib.suppress(RuntimeError), tx.job():
                tx.add_message(talk, bob, "bob", "undone", "c1", NOW)
                raise RuntimeError
            with tx.job():
                tx.add_message(talk, bob, "bob", "kept too", "c2", NOW)
            rung = [ring.number for ring in tx.rings if isinstance(ring, Entry) and ring.user == ann]
        assert rung == [1, 2], "nobody is rung for what was undone"
        assert [message.text for message in store.history(talk, None, 9)] == ["kept", "kept too"]
        assert [message.number for message in store.history(talk, None, 9)] == [1, 2]

    def test_nothing_is_seen_before_the_commit_and_all_of_it_after(self, engine: Engine, store: Store) -> None:
        ann, bob, talk = two_friends(engine)
        with writing(engine) as tx:
            tx.add_message(talk, ann, "ann", "one", "c1", NOW)
            assert store.history(talk, None, 9) == []
            assert store.bounds(bob).last == 0
        assert len(store.history(talk, None, 9)) == 1

    def test_a_transaction_that_fails_writes_nothing(self, engine: Engine, store: Store) -> None:
        ann, _, talk = two_friends(engine)
        with pytest.raises(RuntimeError), writing(engine) as tx:
            tx.add_message(talk, ann, "ann", "one", "c1", NOW)
            raise RuntimeError
        assert store.history(talk, None, 9) == []
        with writing(engine) as tx:
            assert tx.add_message(talk, ann, "ann", "two", "c1", NOW).number == 1

    def test_a_snapshot_sees_one_moment(self, engine: Engine, store: Store) -> None:
        ann, bob, talk = two_friends(engine)
        with engine.snapshot():
            before = store.bounds(bob)
            with writing(engine) as tx:
                tx.add_message(talk, ann, "ann", "one", "c1", NOW)
            assert store.bounds(bob) == before
            assert store.conversations(bob)[0].last_message is None
        assert store.bounds(bob).last == before.last + 1

    # --- presence ---

    def test_friends_hear_of_the_first_coming_and_the_last_going(self, engine: Engine, store: Store) -> None:
        ann, bob, _ = two_friends(engine)
        with writing(engine) as tx:
            tx.come(bob, "w1")
            assert tx.rings == [], "the friend is offline: nobody to tell"
            tx.come(ann, "w1")
            tx.come(ann, "w2")
            tx.go(ann, "w1")
            assert tx.rings == [Whisper(bob, 2)]
            tx.go(ann, "w2")
            tx.go(ann, "w2")
            assert tx.rings == [Whisper(bob, 2), Whisper(bob, 3)]
        assert not store.is_online(ann)
        assert store.presence_mark() == 3
        assert store.presence_since(0, ann) == [PresenceEvent("bob", True)]
        assert store.presence_since(0, bob) == [PresenceEvent("ann", False)]
        assert store.presence_since(3, bob) == []
        assert store.affected_since(0) == {ann, bob}
        assert store.affected_since(1) == {bob}
        assert store.affected_since(3) == set()
        assert [friend.online for friend in store.friends(ann)] == [True]

    def test_who_comes_is_told_what_friends_did_before_they_could_tell(self, engine: Engine, store: Store) -> None:
        """A mailbox was opened at mark 1; a friend came before its owner was on record as online."""
        ann, bob, _ = two_friends(engine)
        with writing(engine) as tx:
            tx.come(ann, "w1")
        mark = store.presence_mark()
        with writing(engine) as tx:
            tx.go(ann, "w1")
            assert tx.rings == [], "bob is not online yet"
        with writing(engine) as tx:
            tx.come(bob, "w2", mark)
            assert tx.rings == [Whisper(bob, store.presence_mark() + 1)]
        with writing(engine) as tx:
            tx.come(bob, "w3", store.presence_mark())
            assert tx.rings == []

    def test_a_buried_worker_takes_its_users_along_unless_they_came_back(self, engine: Engine, store: Store) -> None:
        ann, bob, _ = two_friends(engine)
        with writing(engine) as tx:
            tx.beat("w1", deaf=False)
            tx.beat("w1", deaf=True)
            for user in (ann, bob):
                tx.come(user, "w1")
            tx.come(ann, "w2")
        assert store.workers() == {"w1": (2, True)}
        with writing(engine) as tx:
            assert tx.bury("w1", beat=1, limit=10) is False
            assert tx.rings == []
        assert store.workers() == {"w1": (2, True)}, "it has beaten since: it lives"
        with writing(engine) as tx:
            assert tx.bury("w1", beat=2, limit=10) is False
            assert tx.rings == [Whisper(ann, store.presence_mark() + 1), Alarm()]
        assert store.workers() == {}
        assert (store.is_online(ann), store.is_online(bob)) == (True, False)
        assert store.present_in("w2") == {ann}

    def test_a_burial_goes_slice_by_slice(self, engine: Engine, store: Store) -> None:
        with writing(engine) as tx:
            tx.beat("w1", deaf=False)
            users = [tx.add_user(f"user{number}", "hash", NOW) or 0 for number in range(5)]
            for user in users:
                tx.come(user, "w1")
        left = []
        for expected in (True, True, False):
            with writing(engine) as tx:
                assert tx.bury("w1", beat=1, limit=2) is expected
                left.append(len(tx.present_in("w1")))
        assert left == [3, 1, 0]
        assert store.workers() == {}


@contextlib.contextmanager
def sending(engine: Engine) -> Iterator[Transaction]:
    """A transaction as the engine's own committer makes it."""
    with engine.writing() as connection:
        yield (SqliteTransaction if isinstance(engine, SqliteEngine) else PostgresTransaction)(connection)


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Transaction]:
    with engine.writing() as connection:
        yield Transaction(connection)


def two_users(engine: Engine) -> tuple[int, int]:
    with writing(engine) as tx:
        ann, bob = tx.add_user("ann", "hash", NOW), tx.add_user("bob", "hash", NOW)
    assert ann is not None
    assert bob is not None
    return ann, bob


def two_friends(engine: Engine) -> tuple[int, int, int]:
    ann, bob = two_users(engine)
    with writing(engine) as tx:
        talk = tx.add_conversation([ann, bob])
        tx.set_pair(ann, bob, Pair(friends=True, asked_by=None, conversation=talk))
    return ann, bob, talk


def group_of_two(engine: Engine) -> tuple[int, int, int]:
    """Ann owns it, Bob is in it."""
    ann, bob = two_users(engine)
    with writing(engine) as tx:
        group = groups.create(tx, "us")
        groups.join(tx, group, ann, "owner", 0)
        groups.join(tx, group, bob, "member", 0)
    return ann, bob, group


def messages(entry: Entry) -> Message:
    return msgspec.json.decode(entry.event, type=MessageEvent).message
