"""Which words a text has, and a query asks for."""

from __future__ import annotations

import pytest

from webchat.data.words import GAP, WORD_MAX, Term, terms, words


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("Hello, WORLD! don't", ["hello", "world", "don", "t"]),
        ("a_b x@y.z", ["a", "b", "x", "y", "z"]),
        ("Ünïcödé Straße ﬁne", ["unicode", "strasse", "fine"]),
        ("你好吗", ["你好", "好吗", "吗", GAP, "你", "好", "吗"]),
        ("我 you 我", ["我", "you", "我", GAP, "我"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("👍🏽👍 ok", ["👍", "👍", "ok"]),
        ("…", []),
        ("", []),
        ("x" * 99, ["x" * WORD_MAX]),
        ("é" * 99, ["e" * WORD_MAX]),
    ],
)
def test_words_of_a_text(text: str, has: list[str]) -> None:
    assert words(text) == has


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("Hel", [Term(("hel",), True)]),
        ('"hello wor"', [Term(("hello", "wor"), False)]),
        ('one "two three', [Term(("one",), False), Term(("two", "three"), False)]),
        ("你", [Term(("你",), False)]),
        ("你好吗", [Term(("你好", "好吗"), False)]),
        ("你x", [Term(("你", "x"), True)]),
        ("x你", [Term(("x", "你"), True)]),
        ("don't", [Term(("don", "t"), True)]),
        ("a -- b", [Term(("a",), False), Term(("b",), True)]),
    ],
)
def test_terms_of_a_query(query: str, asked: list[Term]) -> None:
    assert terms(query) == asked


def test_ascii_and_the_rest_go_by_one_rule() -> None:
    every = "".join(map(chr, range(128)))
    assert [*words(every), "z"] == words(f"{every} ź")
