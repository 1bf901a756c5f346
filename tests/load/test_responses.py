"""The parser of HTTP responses, cut at every byte."""

from __future__ import annotations

import pytest

from tests.load.responses import Malformed, Parser, Response

PLAIN = b"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=y\r\nhello\r\nB\r\n, you there\r\n0\r\nA: b\r\n\r\n"
)
EMPTY = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def responses(*pieces: bytes) -> list[Response]:
    parser = Parser()
    return [response for piece in pieces for response in parser.feed(piece)]


def test_lengths_chunks_and_no_body() -> None:
    plain, chunked, empty = responses(PLAIN + CHUNKED + EMPTY)
    assert plain == (201, {b"content-type": b"text/plain", b"content-length": b"5"}, b"hello", False)
    assert (chunked.status, chunked.body) == (200, b"hello, you there")
    assert (empty.status, empty.body, empty.closes) == (204, b"", True)


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED, EMPTY, CONTINUE + PLAIN])
def test_any_two_pieces_and_single_bytes_are_the_same_response(whole: bytes) -> None:
    expected = responses(whole)
    assert len(expected) == 1
    for cut in range(1, len(whole)):
        assert responses(whole[:cut], whole[cut:]) == expected
    assert responses(*(whole[place : place + 1] for place in range(len(whole)))) == expected


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the connection ends",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_not_understood_is_refused(nonsense: bytes) -> None:
    with pytest.raises(Malformed):
        responses(nonsense)
