"""What the HTTP server refuses before the application sees it is a problem, too, and repeats nothing of what was sent.

That it refuses the same requests as the stock worker of gunicorn does, `tests/workers/test_plain.py` holds. Here are
those that gunicorn's two parsers call by the same name.
"""

from __future__ import annotations

import socket

import msgspec
import pytest

from tests.web.conftest import QuickCluster
from tests.workers.answers import parse
from tests.workers.pair import to_the_end
from tests.workers.requests import Case, get, made, post
from webchat.web.problems import MEDIA_TYPE, Problem

SECRET = b"s3cret"
LONG = SECRET * 1000  # over every limit
UNREAD = post(b"Transfer-Encoding: chunked", body=SECRET + b"\r\n")
REFUSED = [
    (400, "bad_request", Case("a target that is not ASCII", get(target=b"/\xe9" + SECRET))),
    (400, "bad_request", Case("no HTTP", b"\x16\x03\x01\x02" + SECRET + b"\r\n\r\n")),
    (400, "bad_method", Case("a method that is none", made(b"s3cret / HTTP/1.1"))),
    (400, "bad_version", Case("another version", made(b"GET /s3cret HTTP/3.0"))),
    (400, "bad_header", Case("a control character in a header", get(b"X: " + SECRET + b"\x01"))),
    (400, "bad_header", Case("two hosts", get(b"Host: " + SECRET))),
    (400, "bad_header", Case("two lengths", post(b"Content-Length: 5", b"Content-Length: 6"))),
    (400, "bad_header", Case("a length that is none", post(b"Content-Length: 5" + SECRET))),
    (400, "bad_header", Case("two schemes", get(b"X-Forwarded-Proto: https", b"X-Forwarded-Ssl: off"))),
    (414, "uri_too_long", Case("a long target", get(target=b"/" + LONG))),
    (431, "headers_too_large", Case("a large header", get(b"X: " + LONG * 2))),
    (431, "headers_too_large", Case("many headers", get(*(b"X%d: s3cret" % number for number in range(70))))),
    (417, "bad_expectation", Case("an expectation", get(b"Expect: " + SECRET))),
    (400, "bad_body", Case("chunks that nobody reads", UNREAD + get())),
]


@pytest.mark.parametrize(("status", "code", "case"), REFUSED, ids=[case.name for _, _, case in REFUSED])
def test_a_refusal_is_a_problem(cluster: QuickCluster, status: int, code: str, case: Case) -> None:
    raw = ask(cluster, case.data)
    answer = parse(raw)[-1]
    problem = msgspec.json.decode(answer.body, type=Problem)
    assert (problem.status, problem.code) == (status, code)
    assert answer.status == f"HTTP/1.1 {status} {problem.title}"
    assert (answer.connection, answer.framing) == ("close", "length")
    assert ("content-type", MEDIA_TYPE) in answer.fields
    assert SECRET not in raw


HEADS = [(status, case) for status, _, case in REFUSED if case.data.startswith(b"GET /x?y=z ")]


@pytest.mark.parametrize(("status", "case"), HEADS, ids=[case.name for _, case in HEADS])
def test_to_head_it_is_the_same_without_a_body(cluster: QuickCluster, status: int, case: Case) -> None:
    whole = ask(cluster, case.data)
    assert whole.startswith(b"HTTP/1.1 %d " % status)
    head = ask(cluster, case.data.replace(b"GET", b"HEAD", 1))
    assert head == whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def ask(cluster: QuickCluster, data: bytes) -> bytes:
    """All that comes back on one connection."""
    with socket.create_connection(cluster.nodes[0], 10) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        return to_the_end(line)
