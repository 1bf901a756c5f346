"""The contracts with application and client, kept as the stock worker keeps them: iterables are closed, errors are
logged and not shown, what is under way is answered, and what is idle ends in time.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.processes import is_alive
from tests.workers.answers import Answer, parse
from tests.workers.comparison import CASES, everything, same, workers
from tests.workers.differences import FAILED
from tests.workers.launched import until
from tests.workers.pair import Pair, Server, all_read, exchange, to_the_end
from tests.workers.requests import AFTER, BODY, COMMON, Case, get, made, sized

pytest.importorskip("gunicorn_h1c", reason="without it no request is plain: there is nothing to compare")

CLOSE = b"Connection: close"


# --- with the application


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


# --- over time


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
