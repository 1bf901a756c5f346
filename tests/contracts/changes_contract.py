"""What becomes of a message after it was sent, on any engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain

import gevent
import pytest

from tests.contracts.store_contract import NOW, writing
from tests.contracts.talk import Talk, talk
from webchat.data import attachments, export
from webchat.data.engine import Engine
from webchat.entities.talk import QUOTE_MAX, File, Message, Quote
from webchat.errors import Conflict, Forbidden, Invalid, NotFound
from webchat.logic.changes import OWN_REACTIONS_MAX, REACTIONS_MAX

Change = Callable[[int], Message]  # of the message with this id

THUMB, HEART, PLAIN_HEART = "👍", "❤️", "❤"


class ChangesContract:
    @pytest.fixture
    def room(self, engine: Engine) -> Iterator[Talk]:
        with talk(engine) as made:
            yield made

    # --- edit

    def test_an_edit_is_told_to_every_member_and_stays(self, room: Talk) -> None:
        sent = room.say("ann", "helo")
        edited = room.changes.edit(room.people["ann"], sent.id, "hello")
        assert (edited.text, edited.revision, edited.edited_at) == ("hello", 1, "2026-11-22T09:56:39.121Z")
        assert (edited.number, edited.sent_at, edited.client_id) == (sent.number, sent.sent_at, sent.client_id)
        assert room.history() == [edited]
        for name in ("ann", "bob", "eve"):
            assert room.told(name) == [edited]
        assert room.told("zoe") == []

    def test_what_was_said_before_is_kept_for_admins(self, room: Talk) -> None:
        sent = room.say("ann", "one")
        room.changes.react(room.people["bob"], sent.id, THUMB, True)
        room.changes.edit(room.people["ann"], sent.id, "two")
        room.changes.delete(room.people["ann"], sent.id)
        rows = room.store.on.rows("SELECT revision, text FROM version WHERE message = ? ORDER BY revision", (sent.id,))
        assert rows == [(1, "one"), (2, "two")]

    def test_a_change_that_changes_nothing_is_told_to_nobody(self, room: Talk) -> None:
        ann = room.people["ann"]
        sent = room.say("ann", "same")
        assert room.changes.edit(ann, sent.id, "same") == sent
        assert room.changes.react(ann, sent.id, THUMB, False) == sent
        once = room.changes.react(ann, sent.id, THUMB, True)
        assert room.changes.react(ann, sent.id, THUMB, True) == once
        gone = room.changes.delete(ann, sent.id)
        assert room.changes.delete(ann, sent.id) == gone
        assert room.told("bob") == [once, gone]

    def test_only_its_sender_may_change_what_was_said(self, room: Talk) -> None:
        sent = room.say("ann", "mine")
        for change in (partial(room.changes.edit, text="x"), room.changes.delete):
            with pytest.raises(Forbidden) as refused:
                change(room.people["bob"], id=sent.id)
            assert refused.value.code == "not_yours"
            with pytest.raises(NotFound):
                change(room.people["zoe"], id=sent.id)
        room.leave("ann")
        with pytest.raises(NotFound):
            room.changes.edit(room.people["ann"], sent.id, "x")
        assert room.history() == [sent]

    def test_an_absent_message_and_one_elsewhere_look_the_same(self, room: Talk) -> None:
        with writing(room.engine) as tx:
            elsewhere = tx.add_conversation([room.people["bob"].user])
        other = room.say("bob", "private", place=elsewhere)
        said = set()
        answers: Change = lambda id: room.say("ann", "re", reply_to=id)  # noqa: E731  typed like the others
        for id in (other.id, 10**17):
            for change in (*every_change(room, "ann"), answers):
                with pytest.raises(NotFound) as refused:
                    change(id)
                said.add((refused.value.code, refused.value.detail))
        assert len(said) == 1
        with pytest.raises(NotFound) as refused:
            room.say("zoe", "re", reply_to=other.id)
        assert refused.value.code == "not_found", "who may not send there is told nothing of its messages"

    def test_in_a_closed_conversation_one_only_deletes_what_one_has_said(self, room: Talk) -> None:
        sent = room.say("ann", "one")
        with writing(room.engine) as tx:
            tx.set_open(room.place, False)
        edit, delete, react = every_change(room, "ann")
        for change in (edit, react):
            with pytest.raises(Forbidden) as refused:
                change(sent.id)
            assert refused.value.code == "conversation_closed"
        with pytest.raises(Forbidden) as refused:
            room.changes.delete(room.people["bob"], sent.id)
        assert refused.value.code == "not_yours"
        gone = delete(sent.id)
        assert gone.deleted
        assert room.history() == [gone]
        assert room.told("bob") == [gone]

    @pytest.mark.parametrize("text", ["", "  \n", "a\0b", "x" * 4001])
    def test_an_edit_obeys_the_rules_of_a_send(self, room: Talk, text: str) -> None:
        sent = room.say("ann", "one")
        with pytest.raises(Invalid) as refused:
            room.changes.edit(room.people["ann"], sent.id, text)
        assert refused.value.code == "bad_text"

    def test_changes_at_the_same_time_do_not_lose_one_another(self, room: Talk) -> None:
        sent = room.say("ann", "0")
        work = [
            gevent.spawn(room.changes.react, room.people[name], sent.id, emoji, True)
            for name in ("ann", "bob", "eve")
            for emoji in (THUMB, HEART, "🎉")
        ]
        work += [gevent.spawn(room.changes.edit, room.people["ann"], sent.id, f"{n}") for n in range(1, 6)]
        work += [gevent.spawn(room.say, "bob", f"hi @ann @eve {n}") for n in range(5)]
        work += [gevent.spawn(room.say, "eve", f"hi @bob @ann {n}") for n in range(5)]
        gevent.joinall(work, timeout=30, raise_error=True)
        message = room.history()[0]
        assert {emoji: sorted(names) for emoji, names in message.reactions.items()} == {
            emoji: ["ann", "bob", "eve"] for emoji in (THUMB, HEART, "🎉")
        }
        assert message.revision == 14
        for name in ("ann", "bob", "eve"):
            assert [told.revision for told in room.told(name)] == list(range(1, 15))

    # --- a retry of what was changed

    def test_a_retry_of_an_edited_message_gives_the_message(self, room: Talk) -> None:
        first = room.say("ann", "first")
        sent = room.say("ann", "one", "c", reply_to=first.id)
        edited = room.changes.edit(room.people["ann"], sent.id, "two")
        assert room.say("ann", "one", "c", reply_to=first.id) == edited
        for text, reply_to in (("two", first.id), ("one", None), ("one", sent.id)):
            with pytest.raises(Conflict):
                room.say("ann", text, "c", reply_to=reply_to)
        gone = room.changes.delete(room.people["ann"], sent.id)
        assert room.say("ann", "one", "c", reply_to=first.id) == gone
        with pytest.raises(Conflict):
            room.say("ann", "two", "c", reply_to=first.id)

    def test_a_retry_of_what_was_reacted_to_gives_the_message(self, room: Talk) -> None:
        sent = room.say("ann", "one", "c")
        reacted = room.changes.react(room.people["bob"], sent.id, THUMB, True)
        assert room.say("ann", "one", "c") == reacted

    # --- delete

    def test_of_a_deleted_message_nothing_is_left_but_its_place(self, room: Talk) -> None:
        first = room.say("bob", "first")
        sent = room.say("ann", "secret @bob", reply_to=first.id)
        room.changes.react(room.people["bob"], sent.id, THUMB, True)
        gone = room.changes.delete(room.people["ann"], sent.id)
        assert gone == Message(
            *(sent.id, room.place, 2, "ann", "", sent.sent_at, sent.client_id), deleted=True, revision=2
        )
        assert room.history()[1] == gone
        assert room.told("eve")[-1] == gone
        entries = room.store.entries(room.people["bob"].user, 0, 100)
        assert not [entry for entry in entries if b"secret" in entry.event]
        with pytest.raises(Conflict):
            room.changes.edit(room.people["ann"], sent.id, "back")
        with pytest.raises(Conflict):
            room.changes.react(room.people["bob"], sent.id, THUMB, True)

    # --- reply

    def test_a_reply_quotes_what_it_answers_as_that_is_now(self, room: Talk) -> None:
        long = room.say("bob", "x" * 300)
        reply = room.say("ann", "yes", reply_to=long.id)
        quote = Quote(long.id, long.number, "bob", "x" * QUOTE_MAX)
        assert reply.reply_to == quote
        ann = room.people["ann"].user
        assert room.history()[-1] == reply
        line = room.store.conversation(room.place, ann)
        assert line is not None
        assert line.last_message == reply
        assert room.store.conversations(ann)[0].last_message == reply
        assert b"x" * QUOTE_MAX in room.store.entries(ann, 1, 9)[0].event
        room.changes.edit(room.people["bob"], long.id, "short")
        assert room.history()[-1].reply_to == Quote(long.id, 1, "bob", "short")
        edited = room.changes.edit(room.people["ann"], reply.id, "yes!")
        assert edited.reply_to == Quote(long.id, 1, "bob", "short")
        room.changes.delete(room.people["bob"], long.id)
        assert room.history()[-1].reply_to == Quote(long.id, 1, "bob", "", deleted=True)
        assert room.say("eve", "what was it?", reply_to=long.id).reply_to == Quote(long.id, 1, "bob", "", deleted=True)

    # --- mentions

    def test_members_that_are_named_are_mentioned(self, room: Talk) -> None:
        sent = room.say("ann", "hi @BOB, @eve. and @zoe; mail me@bob.example, 你好@eve @ann")
        assert sent.mentions == ["ann", "bob", "eve"]
        assert [room.mentioned(name) for name in ("ann", "bob", "eve")] == [False, True, True]
        assert room.say("ann", "@nobody here").mentions == []
        with writing(room.engine) as tx:
            tx.set_read(room.place, room.people["bob"].user, 2)
        assert not room.mentioned("bob")

    def test_an_edit_mentions_and_takes_back(self, room: Talk) -> None:
        ann = room.people["ann"]
        first, second = room.say("ann", "@eve"), room.say("ann", "@bob")
        edited = room.changes.edit(ann, second.id, "no, @eve")
        assert edited.mentions == ["eve"]
        assert [room.mentioned(name) for name in ("bob", "eve")] == [False, True]
        room.changes.delete(ann, second.id)
        assert room.mentioned("eve"), "the first names her, too"
        room.changes.edit(ann, first.id, "nobody")
        assert not room.mentioned("eve")

    # --- taken along

    def test_what_was_said_in_a_conversation_that_one_has_left_is_read_oldest_first(
        self, room: Talk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(export, "PAGE", 2)
        said = [room.say("ann", f"{client_id}!", client_id) for client_id in ("e", "b", "d", "a", "c")]
        room.say("bob", "mine")
        ann = room.people["ann"].user
        assert list(chain(*export.said_elsewhere(room.store, ann))) == []
        assert [one.text for one in chain(*export.said_in(room.store, ann, room.place))][-1] == "mine"
        room.leave("ann")
        assert list(chain(*export.said_elsewhere(room.store, ann))) == said
        assert list(chain(*export.said_in(room.store, ann, room.place))) == []

    def test_files_are_read_oldest_first(self, room: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(export, "PAGE", 2)
        ann = room.people["ann"].user
        with writing(room.engine) as tx:
            for at, id in enumerate(("e", "b", "d", "a", "c")):
                attachments.add(tx, ann, File(id, id, "text/plain", 1), "digest", NOW + at // 2)
        read = [file.id for file in chain(*export.files(room.store, ann))]
        assert read == ["b", "e", "a", "d", "c"], "of one moment, by their ids"

    # --- reactions

    def test_reactions_are_named_in_their_order(self, room: Talk) -> None:
        sent = room.say("ann", "one")
        for name, emoji in (("bob", THUMB), ("ann", HEART), ("ann", THUMB), ("eve", PLAIN_HEART)):
            message = room.changes.react(room.people[name], sent.id, emoji, True)
        assert message.reactions == {THUMB: ["bob", "ann"], HEART: ["ann", "eve"]}
        room.changes.react(room.people["ann"], sent.id, PLAIN_HEART, False)
        message = room.changes.react(room.people["eve"], sent.id, HEART, False)
        assert (message.reactions, message.revision, message.edited_at) == ({THUMB: ["bob", "ann"]}, 6, None)
        assert room.history() == [message]

    def test_a_message_has_only_so_many_reactions(self, room: Talk) -> None:
        sent = room.say("ann", "one")
        names = [f"user{n}" for n in range(REACTIONS_MAX // OWN_REACTIONS_MAX)]
        for at, name in enumerate(names):
            who = room.join(name)
            for n in range(OWN_REACTIONS_MAX):
                room.changes.react(who, sent.id, chr(0x1F600 + at * OWN_REACTIONS_MAX + n), True)
        with pytest.raises(Conflict) as refused:
            room.changes.react(room.people["bob"], sent.id, THUMB, True)
        assert refused.value.code == "too_many_reactions"
        room.changes.react(room.people["bob"], sent.id, chr(0x1F600), True)

    def test_one_member_has_only_so_many_of_them(self, room: Talk) -> None:
        ann = room.people["ann"]
        sent = room.say("ann", "one")
        for n in range(OWN_REACTIONS_MAX):
            room.changes.react(ann, sent.id, chr(0x1F600 + n), True)
        room.changes.react(ann, sent.id, chr(0x1F600), True)
        with pytest.raises(Conflict) as refused:
            room.changes.react(ann, sent.id, THUMB, True)
        assert refused.value.code == "too_many_reactions"
        room.changes.react(ann, sent.id, chr(0x1F600), False)
        room.changes.react(ann, sent.id, THUMB, True)


def every_change(room: Talk, name: str) -> list[Change]:
    who = room.people[name]
    return [
        lambda id: room.changes.edit(who, id, "x"),
        lambda id: room.changes.delete(who, id),
        lambda id: room.changes.react(who, id, THUMB, True),
    ]
