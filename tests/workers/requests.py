"""Requests as bytes: how they are put together, and those that real clients send."""

from __future__ import annotations

from typing import NamedTuple

HOST = b"Host: chat.example"
# Behind every case: whoever answers it has understood where the case ended, and kept the connection.
AFTER = b"GET /after HTTP/1.1\r\nHost: chat.example\r\nConnection: close\r\n\r\n"
BODY = b"one\r\ntwo\n\nthree four five\nlast"


class Case(NamedTuple):
    name: str
    data: bytes
    head: bool = False  # the first answer is one to HEAD


def made(line: bytes, *fields: bytes, body: bytes = b"", host: bytes = HOST) -> bytes:
    return b"\r\n".join((line, *([host] if host else []), *fields)) + b"\r\n\r\n" + body


def get(*fields: bytes, target: bytes = b"/x?y=z") -> bytes:
    return made(b"GET " + target + b" HTTP/1.1", *fields)


def post(*fields: bytes, target: bytes = b"/x?y=z", body: bytes = b"hello") -> bytes:
    return made(b"POST " + target + b" HTTP/1.1", *fields, body=body)


def sized(body: bytes, *fields: bytes, target: bytes = b"/x?y=z") -> bytes:
    return post(b"Content-Length: %d" % len(body), *fields, target=target, body=body)


# What real clients send. All of it must be plain.
CHROMIUM = get(
    b"Connection: keep-alive",
    b'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
    b"sec-ch-ua-mobile: ?0",
    b'sec-ch-ua-platform: "Linux"',
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0",
    b"Accept: */*",
    b"X-Webchat-Session: main",
    b"Sec-Fetch-Site: same-origin",
    b"Sec-Fetch-Mode: cors",
    b"Sec-Fetch-Dest: empty",
    b"Referer: http://chat.example/",
    b"Accept-Encoding: gzip, deflate, br, zstd",
    b"Accept-Language: en-US,en;q=0.9",
    b"Cookie: webchat_main=abc_def-ghi; other=1",
    target=b"/api/events?after=abc.17&timeout=25",
)
FIREFOX = sized(
    b'{"text": "h\xc3\xa9llo", "client_id": "a-1"}',
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    b"Accept: */*",
    b"Accept-Language: en-US,en;q=0.5",
    b"Accept-Encoding: gzip, deflate",
    b"Content-Type: application/json",
    b"Origin: http://chat.example",
    b"DNT: 1",
    b"Connection: keep-alive",
    b"Priority: u=0",
    target=b"/api/messages",
)
BEHIND_A_PROXY = get(
    b"X-Forwarded-For: 203.0.113.7", b"X-Forwarded-Proto: https", b"X-Real-IP: 203.0.113.7", b"Connection: keep-alive"
)
COMMON = [Case("Chromium", CHROMIUM), Case("Firefox", FIREFOX), Case("behind a proxy", BEHIND_A_PROXY)]
