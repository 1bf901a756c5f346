"""Which words a text has, for search: one rule for what is indexed and for what is asked, on every engine.

Letters are compared without case, accents or width. Scripts that are written without blanks (Chinese, Japanese,
Thai, …, and Korean, which glues its endings on) have no words that a program could tell apart: of them every two
neighbouring characters are a word, and so is every single one. "你好吗" has the words 你好, 好吗, 吗 in this order, and
behind a gap, where no phrase comes, 你, 好, 吗.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from webchat.errors import Invalid

WORD_MAX = 64  # characters of a word that count
QUERY_MAX = 200  # characters
TERMS_MAX = 16  # words and phrases of one query
GAP = "…"  # a word that nobody says: no phrase goes across it

_ACCENTS = re.compile("[\u0300-\u036f]+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff"  # kana, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7ff\uf900-\ufaff"  # Han, Yi, Hangul
    "\U00020000-\U0003ffff"
)
# Vowel signs and points, which belong to a word and are no letters.
_MARKS = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"
_SIGNS = "\u2190-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff"  # arrows, symbols, emoji; not the skin colours
_RUN = re.compile(f"(?P<unspaced>[{_UNSPACED}]+)|(?:[^\\W_{_UNSPACED}]|[{_MARKS}])+|[{_SIGNS}]")
_ASCII = re.compile("[0-9a-z]+")
_PART = re.compile(r'"([^"]*)"?|([^\s"]+)')


class Term(NamedTuple):
    """Words that follow one another; with `open_end`, the last one is the beginning of a word."""

    words: tuple[str, ...]
    open_end: bool


def words(text: str) -> list[str]:
    """What of a text goes into the index: its words in their order, then the single characters, each once."""
    if text.isascii():
        return [word[:WORD_MAX] for word in _ASCII.findall(text.lower())]
    found: list[str] = []
    single: dict[str, None] = {}
    for run, unspaced in _runs(text):
        if not unspaced:
            found.append(run)
            continue
        found += _pairs(run)
        found.append(run[-1])
        single.update(dict.fromkeys(run))
    return [*found, GAP, *single] if single else found


def terms(query: str) -> list[Term]:
    """What a query asks for: all of its words, and of a "quoted phrase" the words in that order.

    The last word may go on, unless it is quoted. Empty where the query has no words, such as `%` or a single quotation
    mark. Raises Invalid where too much is asked for.
    """
    if len(query) > QUERY_MAX:
        raise Invalid(f"a query has at most {QUERY_MAX} characters", code="bad_query")
    asked: list[Term] = []
    parts = list(_PART.finditer(query))
    for part in parts:
        bare = part[2] is not None
        term = _term(part[2] if bare else part[1], bare and part is parts[-1])
        if term is not None:
            asked.append(term)
    if len(asked) > TERMS_MAX:
        raise Invalid(f"a query has at most {TERMS_MAX} words and phrases", code="bad_query")
    return asked


def _term(text: str, last: bool) -> Term | None:
    """One word as people write it may be several to us: `don't`, or a word next to Chinese."""
    asked: list[str] = []
    runs = list(_runs(text))
    open_end = False
    for n, (run, unspaced) in enumerate(runs):
        ends = n == len(runs) - 1
        if not unspaced:
            asked.append(run)
            open_end = last and ends
            continue
        asked += _pairs(run)
        if not ends:
            asked.append(run[-1])  # in the text, too, something else follows
        elif len(run) == 1:
            asked.append(run)
            open_end = len(runs) > 1  # after something else; alone, it is in the index by itself
    return Term(tuple(asked), open_end) if asked else None


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Stretches of letters and digits, or single signs; and whether they are of a script without blanks."""
    for match in _RUN.finditer(_folded(text)):
        if match.lastgroup:
            yield match[0], True
        else:
            yield match[0][:WORD_MAX], False


def _folded(text: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", bare).casefold()


def _pairs(run: str) -> list[str]:
    return [run[n : n + 2] for n in range(len(run) - 1)]
