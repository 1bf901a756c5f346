"""Our worker and the stock one, side by side: the same bytes must have the same effect.

The corpus (`tests.workers.corpus`) goes to a pair of gunicorns (`tests.workers.pair`): whole, cut at every byte, cut
at random, mutated; under the settings that we deploy and under others. `tests.workers.comparison` says what is
compared.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.workers.answers import parse
from tests.workers.comparison import CASES, everything, same, unlike, workers
from tests.workers.corpus_bodies import PIPELINES
from tests.workers.differences import as_problems
from tests.workers.pair import Pair
from tests.workers.requests import AFTER, BODY, COMMON, Case, get, sized

pytest.importorskip("gunicorn_h1c", reason="without it no request is plain: there is nothing to compare")

SEED = 20_261_124


# --- the same bytes


def test_every_request_has_the_same_effect(pair: Pair) -> None:
    before = workers(pair.ours)
    assert not everything(pair)
    assert workers(pair.ours) == before, "none of it may end the worker"


def test_it_has_the_same_effect_with_nothing_behind_it(pair: Pair) -> None:
    came = pair.exchange([case.data] for case in CASES)
    assert not unlike(same(case, raw, loosely=True) for case, raw in zip(CASES, came, strict=True))


def test_a_cut_at_any_byte_changes_nothing(pair: Pair) -> None:
    chosen = [case for case in CASES if not case.name.startswith(("answer", "first field")) and len(case.data) < 150]
    chosen = COMMON + random.Random(SEED).sample(chosen, 40)
    chosen += [Case(name, data) for name, data in PIPELINES.items() if len(data) < 300]
    cuts = [(case, place) for case in chosen for place in range(1, len(case.data) + 1)]
    came = pair.exchange([case.data[:place], case.data[place:] + AFTER] for case, place in cuts)
    assert not unlike(same(case, raw) for (case, _), raw in zip(cuts, came, strict=True))


def test_neither_do_cuts_at_random(pair: Pair) -> None:
    draw = random.Random(SEED)
    parts = []
    for case in CASES:
        one, other = sorted(draw.randrange(len(case.data) + 1) for _ in range(2))
        parts.append([part for part in (case.data[:one], case.data[one:other], case.data[other:] + AFTER) if part])
    came = pair.exchange(parts)
    after = [answer._replace(fast=False) for answer in parse(pair.stock.ask(AFTER))]
    assert not unlike(same(case, raw, after, loosely=True) for case, raw in zip(CASES, came, strict=True))


PIECES = [
    *b": _ - % // 0 ? # *".split(),
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b"\r\n\r\n", b"\r\n "),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"X.Y_Z: a\r\n", b"X-Y: z\n", b"X-Y: z\r\n"),
]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(("insert", "replace", "delete", "double")),
        st.floats(0, 1, exclude_max=True),
        st.one_of(
            st.binary(min_size=1, max_size=3),
            st.sampled_from(PIECES),
        ),
    ),
    min_size=1,
    max_size=3,
)


# Without shrinking: each attempt would start from connections to servers that broke in the one before.
@settings(
    derandomize=True,
    database=None,
    max_examples=80,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.tuples(st.integers(0, 5), EDITS), min_size=20, max_size=40))
def test_a_mutated_request_has_the_same_effect(
    pair: Pair, many: list[tuple[int, list[tuple[str, float, bytes]]]]
) -> None:
    wellformed = [*(case.data for case in COMMON), sized(BODY), get() + sized(BODY), sized(BODY, target=b"/read/some")]
    mutants = [Case("mutant", edited(wellformed[which], edits)) for which, edits in many]
    came = pair.exchange([case.data + AFTER] for case in mutants)
    assert not unlike(same(case, raw) for case, raw in zip(mutants, came, strict=True))


def edited(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    for how, where, what in edits:
        at = int(where * len(data))
        if how == "double":
            line = data.find(b"\r\n", at)
            begin = data.rfind(b"\n", 0, max(line, 0)) + 1
            data = data[:begin] + data[begin : line + 2] * 2 + data[line + 2 :] if line >= 0 else data
        else:
            if what.endswith(b"\n"):
                at = data.rfind(b"\n", 0, at) + 1  # a field, or an end of one, goes between two others
            data = data[:at] + (b"" if how == "delete" else what) + data[at + (how != "insert") * len(what) :]
    return data


# --- under other settings

SETTINGS: dict[str, dict[str, Any]] = {
    "small limits": {"limit_request_line": 100, "limit_request_fields": 8, "limit_request_field_size": 64},
    "no limits": {"limit_request_line": 0, "limit_request_fields": 0, "limit_request_field_size": 0},
    "underscores refused, no proxy trusted": {"header_map": "refuse", "forwarded_allow_ips": "10.0.0.1"},
    "underscores taken, all proxies trusted": {
        "header_map": "dangerous",
        "forwarded_allow_ips": "*",
        "forwarder_headers": "SCRIPT_NAME,PATH_INFO",
    },
    "scheme by an odd header": {"secure_scheme_headers": {"X-TLS": "1", "X_FORWARDED_PROTO": "https"}},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_it_has_the_same_effect_under_other_settings(tmp_path: Path, name: str) -> None:
    with Pair(tmp_path, **SETTINGS[name]) as other:
        assert not everything(other)


# What the fast path leaves out switches it off as a whole, and then nothing may differ but the form of a refusal.
OFF: dict[str, dict[str, Any]] = {
    "access log": {"accesslog": "-", "access_log_format": "%(h)s %(l)s %(u)s %(r)s %(s)s %(b)s %(f)s %(a)s %({x}i)s"},
    "no keep-alive": {"keepalive": 0},
    "the parser in Python": {"http_parser": "python"},
    "spaces before colons": {"strip_header_spaces": True},
    "any method": {"permit_unconventional_http_method": True, "casefold_http_method": True},
}


@pytest.mark.parametrize("name", OFF)
def test_what_the_fast_path_leaves_out_switches_it_off(tmp_path: Path, name: str) -> None:
    with Pair(tmp_path, **OFF[name]) as other:
        # What comes behind the last request is left unread, and a reset then takes a part of a long answer with it.
        behind = AFTER if name != "no keep-alive" else b""
        came = other.exchange([case.data + behind] for case in CASES)
        for case, (ours, stock) in zip(CASES, came, strict=True):
            assert parse(ours, case.head) == as_problems(parse(stock, case.head), case.head), case.name
        if name == "access log":
            lines = [sorted(server.log("access").splitlines()) for server in other.servers]
            assert lines[0] == lines[1]
            assert len(lines[0]) > len(CASES)
