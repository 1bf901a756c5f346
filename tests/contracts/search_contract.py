"""What a search finds, on any engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.store_contract import writing
from tests.contracts.talk import Talk, talk
from webchat.data import search
from webchat.data.engine import Engine
from webchat.data.words import terms
from webchat.entities.feed import encode
from webchat.entities.talk import Extra
from webchat.errors import Invalid, NotFound, Unavailable


class SearchContract:
    @pytest.fixture
    def room(self, engine: Engine) -> Iterator[Talk]:
        with talk(engine) as made:
            yield made

    @pytest.mark.parametrize(
        ("text", "queries"),
        [
            ("Grüße aus der Straße", ["grusse", "GRÜSSE", "strasse", "straße gr", "gruss"]),
            ("你好，今天下午开会", ["你好", "今", "开会", "会", "下午开", "你好 开会", '"今天下午"', "天下"]),
            ("Zoë's naïve café — déjà vu", ["zoe's", "cafe naive", '"deja vu"', "deja v"]),
            ("明天meet在office", ["明天meet", "meet在", '"meet在office"', "off", "天", "在off"]),
            ("日本語のテキスト", ["日本", "テキスト", "のテ"]),
            ("한국어를 배워요", ["한국", "한국어", "배워"]),
            ("สวัสดีครับ", ["สวัสดี", "ครับ"]),
            ("Привет, ЁЖИК", ["привет", "ёжик", "ежик"]),
            ("ＦＵＬＬ width №5", ["full", "no5"]),
            ("party 🎉🎉 time", ["🎉", "party 🎉"]),
            ("see http://example.org/a_b?c=1", ["example", '"example org"', "example.org/a_b"]),
            ("it is 3.14 o'clock", ["3.14", "o'clock", "3"]),
            ("AND OR NOT NEAR(x) * ^ :", ["and", "or not", "near(x)", '"and or"']),
        ],
    )
    def test_what_was_said_is_found(self, room: Talk, text: str, queries: list[str]) -> None:
        room.say("ann", "something else")
        room.say("ann", text)
        for query in queries:
            assert room.found("bob", query) == [text], query

    @pytest.mark.parametrize(
        ("text", "queries"),
        [
            ("hello big world", ["hell w", '"hello world"', "world hellos", '"hell"', '"h"']),
            ("你好吗", ["好你", "你吗", '"你 吗"', "你好啊"]),
            ("好你 你好", ["你你", "好你好"]),
        ],
    )
    def test_what_was_not_said_is_not_found(self, room: Talk, text: str, queries: list[str]) -> None:
        room.say("ann", text)
        for query in queries:
            assert room.found("bob", query) == [], query

    @pytest.mark.parametrize("query", ["", " ", '"', '""', "!?", "…", "%", "-", "\0"])
    def test_a_query_without_words_finds_nothing(self, room: Talk, query: str) -> None:
        room.say("ann", f"anything at all {query}".replace("\0", ""))  # which no message may have
        assert room.found("ann", query) == []

    @pytest.mark.parametrize("query", ["x" * 201, "a " * 17])
    def test_a_query_that_asks_for_too_much_is_refused(self, room: Talk, query: str) -> None:
        with pytest.raises(Invalid) as refused:
            room.found("ann", query)
        assert refused.value.code == "bad_query"

    @pytest.mark.parametrize(
        "query",
        [
            'a"b',
            "a'b",
            "a''b",
            "a\\b",
            "'a':*",
            "a & b | !c",
            "#1",
            "a*",
            "(a",
            "a NEAR b",
            "-a",
            "words:a",
            "a\0b",
            "%a_",
        ],
    )
    def test_no_sign_in_a_query_is_more_than_a_sign(self, room: Talk, query: str) -> None:
        room.say("ann", f"{query.replace(chr(0), ' ')} c")
        assert len(room.found("ann", query)) == 1

    def test_only_members_find_what_was_said_and_only_while_they_are(self, room: Talk) -> None:
        room.say("ann", "secret plan")
        assert room.found("zoe", "secret") == []
        assert room.found("bob", "secret") == ["secret plan"]
        assert room.found("bob", "secret", room.place) == ["secret plan"]
        room.leave("bob")
        assert room.found("bob", "secret") == []
        for name in ("bob", "zoe"):
            with pytest.raises(NotFound):
                room.found(name, "secret", room.place)
        with pytest.raises(NotFound):
            room.found("ann", "secret", 10**17)

    def test_one_finds_in_one_conversation_or_in_all(self, room: Talk) -> None:
        with writing(room.engine) as tx:
            other = tx.add_conversation([room.people["ann"].user, room.people["zoe"].user])
        room.say("ann", "hello here")
        room.say("zoe", "hello there", place=other)
        assert room.found("ann", "hello") == ["hello there", "hello here"]
        assert room.found("ann", "hello", other) == ["hello there"]
        assert room.found("zoe", "hello") == ["hello there"]

    def test_one_may_have_thousands_of_conversations(self, room: Talk) -> None:
        room.say("ann", "hello here")
        room.say("ann", "goodbye")
        assert room.found("bob", "hello") == ["hello here"]
        bob, many = room.people["bob"].user, [*range(1, 5000), room.place]
        assert len(search.find(room.store, bob, many, terms("hello"), search.LAST, 9)) == 1

    def test_hits_come_newest_first_page_by_page(self, room: Talk) -> None:
        sent = [room.say("ann", f"hit {n}") for n in range(7)]
        pages, before = [], None
        while True:
            messages, more = room.search.find(room.people["bob"], "hit", None, before, 3)
            pages.append([message.id for message in messages])
            if not more:
                break
            before = messages[-1].id
        ids = [message.id for message in reversed(sent)]
        assert pages == [ids[:3], ids[3:6], ids[6:]]

    def test_what_was_edited_or_deleted_is_found_no_more(self, room: Talk) -> None:
        ann = room.people["ann"]
        one, two = room.say("ann", "alpha beta"), room.say("ann", "alpha gamma")
        for indexed in (True, False):
            if indexed:
                assert room.found("bob", "alpha") == ["alpha gamma", "alpha beta"]
            room.changes.edit(ann, one.id, "delta")
            room.changes.delete(ann, two.id)
            assert room.found("bob", "alpha") == []
            assert room.found("bob", "gamma") == []
            assert room.found("bob", "delta") == ["delta"]
            one, two = room.say("ann", "alpha beta"), room.say("ann", "alpha gamma")
            room.changes.delete(ann, room.history()[0].id)

    def test_a_change_leaves_the_index_with_its_own_transaction(self, room: Talk) -> None:
        sent = room.say("ann", "alpha")
        assert room.found("bob", "alpha") == ["alpha"]
        room.changes.edit(room.people["ann"], sent.id, "beta")
        with room.engine.snapshot():
            bob = room.people["bob"].user
            assert search.find(room.store, bob, [room.place], terms("alpha"), search.LAST, 9) == []
            assert len(search.find(room.store, bob, [room.place], terms("beta"), search.LAST, 9)) == 1

    def test_the_indexer_goes_through_everything_bit_by_bit(self, room: Talk) -> None:
        for n in range(250):
            room.say("ann", f"word{n}")
        rounds = 0
        while room.search.index_some():
            rounds += 1
        assert rounds == 3
        assert search.is_complete(room.store)
        assert search.behind(room.store, room.people["ann"].user, None, 9) == []
        assert room.found("bob", '"word249"') == ["word249"]
        assert room.found("bob", '"word0"') == ["word0"]

    def test_a_message_that_the_indexer_has_passed_by_is_found_all_the_same(self, room: Talk) -> None:
        """On PostgreSQL a message may be committed after one with a higher id, of another conversation."""
        room.say("ann", "late")
        with writing(room.engine) as tx:
            tx.on.rows("UPDATE meta SET value = '1000' WHERE key = 'indexed'")
        assert not room.search.index_some()
        assert room.found("bob", "late") == ["late"]
        with writing(room.engine) as tx:
            tx.on.rows("UPDATE meta SET value = '0' WHERE key = 'indexed'")
            tx.on.rows("DELETE FROM indexed")
            tx.on.rows("DELETE FROM search")
            tx.on.rows("UPDATE meta SET value = '1' WHERE key = 'indexed'")
        room.say("ann", "later")
        assert room.search.index_some()
        assert room.found("bob", "late") == ["later", "late"]

    def test_what_a_group_says_of_itself_is_not_found_and_files_are_by_their_names(self, room: Talk) -> None:
        ann = room.people["ann"]
        with writing(room.engine) as tx:
            note = encode(Extra(kind="renamed"))
            file = b'{"files":[{"id":"1","name":"report-2026.pdf","type":"a/b","size":1}]}'
            tx.add_message(room.place, ann.user, "ann", "Reporters", "n1", 1, extra=note)
            tx.add_message(room.place, ann.user, "ann", "", "n2", 1, extra=file)
        assert [message.client_id for message in room.search.find(ann, "report", None, None, 9)[0]] == ["n2"]

    def test_a_database_that_cannot_be_written_is_searched_all_the_same(
        self, room: Talk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room.say("ann", "old news")
        assert room.found("bob", "news") == ["old news"]
        room.say("ann", "late news")

        def full(*_: object, **__: object) -> None:
            raise Unavailable("the disk is full")

        monkeypatch.setattr(search, "index", full)
        assert room.found("bob", "news") == ["old news"]
