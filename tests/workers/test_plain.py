"""Our worker and the stock one, side by side: the same bytes must have the same effect.

The corpus (`tests.workers.corpus`) goes to a pair of gunicorns (`tests.workers.pair`): whole, cut at every byte, cut
at random, mutated; under the settings that we deploy and under others. Compared are what the application saw, what
came back, in which framing, how many answers, and whether the connection went on. `tests.workers.differences` lists
what may differ.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.faults.processes import children, is_alive
from tests.workers.answers import Answer, parse
from tests.workers.corpus import AFTER, BODY, COMMON, PIPELINES, Case, cases, get, made, sized
from tests.workers.differences import BY_CASE, FAILED
from tests.workers.launched import until
from tests.workers.pair import Pair, Server, all_read, exchange, to_the_end

pytest.importorskip("gunicorn_h1c", reason="without it no request is plain: there is nothing to compare")

CASES = cases()
SEED = 20_261_124
CLOSE = b"Connection: close"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("pair")) as made:
        yield made


def same(case: Case, raw: tuple[bytes, bytes], after: list[Answer] | None = None, loosely: bool = False) -> str:
    """What differs and may not, for a person to read; empty when all is well.

    `after`: what `AFTER` is answered with, where it was sent. `loosely`: an intended difference may show or not.
    """
    ours, stock = ([answer._replace(fast=False) for answer in parse(each, case.head)] for each in raw)
    listed = BY_CASE.get(case.name)
    expected = listed.expect(stock, after or []) if listed else stock
    if loosely and ours == stock:
        return ""
    if ours == expected:
        return "" if not listed or expected != stock else f"{case.name}: this difference is listed and does not occur"
    return f"{case.name}: {case.data[:300]!r}\n  expected {shown(expected)}\n  got      {shown(ours)}"


def shown(answers: list[Answer]) -> str:
    return "\n           ".join(str(answer)[:900] for answer in answers) or "nothing"


def unlike(differing: Iterable[str]) -> list[str]:
    return [each for each in differing if each]


def everything(pair: Pair) -> list[str]:
    """All cases, whole, each with a request behind it."""
    after = [answer._replace(fast=False) for answer in parse(pair.stock.ask(AFTER))]
    came = pair.exchange([case.data + AFTER] for case in CASES)
    return unlike(same(case, raw, after) for case, raw in zip(CASES, came, strict=True))


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
    chosen = COMMON + random.Random(SEED).sample(chosen, 80)
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


# What the fast path leaves out switches it off as a whole, and then nothing at all may differ.
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
            assert parse(ours, case.head) == parse(stock, case.head), case.name
        if name == "access log":
            lines = [sorted(server.log("access").splitlines()) for server in other.servers]
            assert lines[0] == lines[1]
            assert len(lines[0]) > len(CASES)


# --- the way it takes


def fast(raw: bytes) -> list[bool]:
    answers = parse(raw)
    assert all(answer.status == "HTTP/1.1 200 OK" for answer in answers), answers
    return [answer.fast for answer in answers]


@pytest.mark.parametrize("case", COMMON, ids=lambda case: case.name)
def test_what_browsers_and_proxies_send_is_plain(pair: Pair, case: Case) -> None:
    assert fast(pair.ours.ask(case.data * 3 + AFTER)) == [True] * 4
    assert fast(pair.stock.ask(case.data * 3 + AFTER)) == [False] * 4


@pytest.mark.parametrize(
    "data",
    [
        made(b"GET /x HTTP/1.0"),
        made(b"HEAD /x HTTP/1.1"),
        made(b"OPTIONS * HTTP/1.1"),
        get(target=b"//x"),
        get(target=b"/x#y"),
        get(target=b"http://chat.example/x"),
        get(b"X_Y: z"),
        get(b"X.Y_Z: z"),
        get(b"X: a", b"X: b"),
        get(b"X: a\n b"),
        get(b"X-Forwarded-Proto: https", b"X-Forwarded-Ssl: on"),
        get(b"Upgrade: h2c"),
        get(b"TE: trailers"),
        get(b"Y" * 251 + b": y"),
        sized(BODY, b"Expect: 100-continue"),
        sized(b"")[:-4].replace(b": 0", b": 0000000000000000") + b"\r\n\r\n",
        made(b"POST /x HTTP/1.1", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        b"\r\n" + get(),
        get().replace(b"\r\n", b"\n"),
    ],
    ids=lambda data: repr(data[:60]),
)
def test_what_is_odd_is_not(pair: Pair, data: bytes) -> None:
    answers = parse(pair.ours.ask(data), head=data.startswith(b"HEAD"))
    assert not any(answer.fast for answer in answers)
    # And neither is anything that follows: gunicorn's own loop has the connection.
    if not data.startswith(b"HEAD"):
        first, *rest = (answer.fast for answer in parse(pair.ours.ask(get() + data + get() + AFTER)))
        assert first
        assert not any(rest)


def test_what_python_sends_is_plain(pair: Pair) -> None:
    line = http.client.HTTPConnection(*pair.ours.address, timeout=5)
    for method, body in (
        ("GET", None),
        ("POST", b"hello"),
        ("PUT", b"hello"),
        ("DELETE", None),
        ("POST", b"b" * 200_000),
    ):
        line.request(method, "/x?y=z", body, {"Authorization": "Bearer a_b", "Content-Type": "application/json"})
        told = json.loads(line.getresponse().read())
        assert told["fast"]
        assert told["body"] == [(body or b"").decode()]
    line.close()


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_what_curl_sends_is_plain(pair: Pair) -> None:
    url = f"http://127.0.0.1:{pair.ours.address[1]}/x?y=z"
    for flags in ([], ["-d", '{"a": "b"}', "-H", "Content-Type: application/json"], ["-X", "DELETE"], ["-b", "a=b"]):
        done = subprocess.run(["curl", "-sS", *flags, url], capture_output=True, timeout=10, check=True)
        assert json.loads(done.stdout)["fast"], flags


@pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx")
def test_what_nginx_passes_on_is_plain(pair: Pair, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "nginx.conf"
    temporary = " ".join(
        f"{kind}_temp_path {tmp_path};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n"
        f"upstream chat {{ server 127.0.0.1:{pair.ours.address[1]}; keepalive 4; }}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://chat; proxy_http_version 1.1;\n"
        'proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto https;\n'
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }\n"
    )
    nginx = subprocess.Popen(["nginx", "-c", str(config), "-e", f"{tmp_path}/log"], stderr=subprocess.DEVNULL)
    try:
        until("nginx listens", lambda: listens(port))
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        for body in (None, b"hello", b"b" * 100_000, None):
            line.request("POST" if body else "GET", "/x?y=z", body)
            told = json.loads(line.getresponse().read())
            assert told["fast"]
            assert told["seen"]["wsgi.url_scheme"] == "https"
        line.close()
    finally:
        nginx.kill()
        nginx.wait()


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


# --- the contract with the application


def test_the_iterable_is_closed_once_whatever_happens(pair: Pair) -> None:
    before = [counts(server) for server in pair.servers]
    assert not everything(pair)
    after = [counts(server) for server in pair.servers]
    grown = [
        {name: after[kind].get(name, 0) - before[kind].get(name, 0) for name in after[kind]}
        for before, after in zip(before, after, strict=True)
        for kind in ("called", "closed")
    ]
    assert grown[1] == grown[3], "as often as the stock worker closes it"
    assert grown[1].keys() > {"closed, sized, 204", "failing close", "fails after a piece"}
    assert all(grown[1][name] == grown[0][name] for name in grown[1])


def counts(server: Server) -> dict[str, dict[str, int]]:
    (answer,) = parse(server.ask(get(CLOSE, target=b"/counts")))
    told: dict[str, dict[str, int]] = answer.body
    return told


def test_a_page_of_ours_gives_nothing_away(pair: Pair) -> None:
    raw = exchange([(pair.ours, [case.data]) for case in CASES if case.name.startswith("answer")])
    assert not [each for each in raw if b"secret" in each or b"Traceback" in each]
    assert sum(FAILED.body.encode() in each for each in raw) > 20


def test_errors_are_still_logged_after_the_log_was_rotated(tmp_path: Path) -> None:
    with Pair(tmp_path) as other:
        for server in other.servers:
            assert b"200 OK" in server.ask(get(CLOSE, target=b"/answer/logged"))
            log = server.folder / "error.log"
            log.rename(server.folder / "old.log")
            (worker,) = workers(server)
            os.kill(worker, signal.SIGUSR1)
            until("the log is a new one", log.exists)
            assert b"200 OK" in server.ask(get(CLOSE, target=b"/answer/logged"))
            assert server.log("old").count("told by the application") == 1
            assert server.log().count("told by the application") == 1


# --- time


def test_a_body_may_come_late_and_is_read_past_when_nobody_wants_it(pair: Pair) -> None:
    body = get(target=b"/smuggled") * 3
    for read in (b"whole", b"nothing", b"some", b"a line"):
        whole = sized(body, target=b"/read/" + read.replace(b" ", b"%20"))
        head = len(whole) - len(body)
        parts = [whole[:head], whole[head : head + 10], whole[head + 10 : -1], whole[-1:] + AFTER]
        case = Case(f"read {read!r}, late", whole)
        (raw,) = pair.exchange([parts])
        assert not same(case, raw)
        assert [answer.fast for answer in parse(raw[0])] == [True, True]


def test_a_connection_goes_on_after_a_while(pair: Pair) -> None:
    """The second request is sent when the first one's answer is there."""
    for data in (COMMON[0].data, sized(BODY * 1000, target=b"/read/some"), get(target=b"/answer/several%20pieces")):
        raw = []
        for server in pair.servers:
            with socket.create_connection(server.address, 5) as line:
                line.sendall(data)
                first = line.recv(1 << 16)
                line.sendall(AFTER)
                raw.append(first + to_the_end(line))
        assert not same(Case("one after the other", data), (raw[0], raw[1]))


def test_an_idle_connection_is_closed_in_time(tmp_path: Path) -> None:
    unread_body = made(b"POST /read/nothing HTTP/1.1", b"Content-Length: 500", body=b"some of it")
    states = {  # what is sent, and how many answers it gets
        "new": (b"", 0),
        "after an answer": (get(), 1),
        "after half a head": (get()[:-3], 0),
        "in an unread body": (unread_body, 1),
    }
    with Pair(tmp_path, keepalive=1) as other, ThreadPoolExecutor() as pool:
        asked = [(server, name) for server in other.servers for name in states]
        came = pool.map(lambda each: closed_after(each[0], states[each[1]][0]), asked)
        for (server, name), (seconds, answers) in zip(asked, came, strict=True):
            # Ours looks once a second, and half a head gets another second from gunicorn's own loop.
            assert 0.9 < seconds < (3.5 if server is other.ours else 1.5) + 0.5, (server.worker, name)
            assert [answer.status for answer in answers] == ["HTTP/1.1 200 OK"] * states[name][1]


def closed_after(server: Server, data: bytes) -> tuple[float, list[Answer]]:
    """How long the server keeps a connection on which nothing but this is sent, and what it answers."""
    started = time.monotonic()
    with socket.create_connection(server.address, 10) as line:
        line.sendall(data)
        raw = to_the_end(line)
        return time.monotonic() - started, parse(raw)


@pytest.mark.parametrize("way", ["plain", "not plain"])
def test_the_last_of_max_requests_says_so(tmp_path: Path, way: str) -> None:
    data = get() if way == "plain" else get(b"X: a", b"X: b")
    with Pair(tmp_path, max_requests=6) as other:
        for server in other.servers:
            (worker,) = workers(server)
            done = len(parse(server.ask(data * 9)))
            assert done == 6 - 1, "and one that asked whether it is there"
            until("another worker takes over", lambda w=worker: not is_alive(w), 5.0)  # type: ignore[misc]
            until("which answers", lambda s=server: b"200" in s.ask(get(CLOSE)), 10.0)  # type: ignore[misc]


def test_what_is_under_way_is_answered_when_the_worker_ends(tmp_path: Path) -> None:
    with Pair(tmp_path) as other:
        for server in other.servers:
            whole = sized(BODY, target=b"/read/whole")
            idle, *busy = [socket.create_connection(server.address, 10) for _ in range(6)]
            for line in busy:
                line.sendall(whole[:-4])
            all_read({server.address[1]})
            (worker,) = workers(server)
            os.kill(worker, signal.SIGTERM)
            if server is other.ours:  # the stock worker leaves idle connections alone
                assert to_the_end(idle) == b""
            for line in busy:
                line.sendall(whole[-4:])
                came = b""
                while not came.endswith(b"}"):
                    came += line.recv(1 << 16)
                (answer,) = parse(came)
                assert answer.body["body"] == [BODY.decode()]
                # Intended: the stock worker promises to keep the connection, and then waits for its client in vain.
                assert answer.connection == "close" or server is other.stock
            for line in (idle, *busy):
                line.close()
            until("the worker is gone", lambda w=worker: not is_alive(w), 8.0)  # type: ignore[misc]


def workers(server: Server) -> list[int]:
    return children(server.process.pid)
