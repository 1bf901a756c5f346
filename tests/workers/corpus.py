"""Requests that are plain, odd or malicious, as bytes. Each is one `Case`; the tables below make some hundreds.

None of them says what is right: the stock worker says that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.workers.echo import ANSWERS, READS

HOST = b"Host: chat.example"
# Behind every case: whoever answers it has understood where the case ended, and kept the connection.
AFTER = b"GET /after HTTP/1.1\r\nHost: chat.example\r\nConnection: close\r\n\r\n"


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

METHODS = (
    b"GET HEAD POST PUT DELETE PATCH OPTIONS TRACE CONNECT PRI get Get GE G GET# M-SEARCH X23456789012345678901".split()
)
TARGETS = [
    *b"/ // //x ///x /x//y /. /../x /x/../y /%41 /%2f /%2F%2f /%00 /%0d%0a".split(),
    *b"/% /%4 /%zz /%c3%a9 /%e9 /a;b=c /x? /x?? /?".split(),
    *b"/x?y=%41&z=%00 /x#f /x?y#f /#f //x?y //x#f /x:80 /[ //[".split(),
    *b'//[::1]/x //user@host/x /\\x /"x /<x> /{x} /|x /^x /`x'.split(),
    *b"* x x:80 :80 ?x http://chat.example/x HTTP://chat.example http://chat.example?x http://[/x ftp://a/b ://".split(),
    *b"/caf\xc3\xa9 /\xe9 /x?\xff /\x01 /\x7f /x\x00y /x\ty /x?a_b /~x /!$&'()*+,= /x@y /answer_x".split(b" "),
    b"",
    b"/x y",
    b" /x",
    b"/x ",
    b"/" + b"x" * 4000,
    b"/" + b"x" * 4079,
    b"/" + b"x" * 4080,
    b"/" + b"x" * 4081,
    b"/" + b"x" * 4082,
    b"/" + b"x" * 9000,
    b"/?" + b"y=z&" * 900,
]
VERSIONS = [
    *b"HTTP/0.9 HTTP/1.0 HTTP/1.1 HTTP/1.2 HTTP/1.9 HTTP/2.0 HTTP/3 HTTP/1".split(),
    *b"HTTP/1.10 HTTP/01.1 http/1.1 HTP/1.1 HTTP/1.1x".split(),
    *(
        b"HTTP/1.1 ",
        b" HTTP/1.1",
        b"HTTP/1.1\t",
        b"HTTP /1.1",
        b"HTTP/1,1",
        b"HTTP/\xb9.1",
        b"",
        b"HTTP/1.1\r",
        b"HTTP/1.1\n",
    ),
]
FIELDS = [
    b"X: y",
    b"X:y",
    b"X:",
    b"X: ",
    b"X:\t y \t",
    b"X: y\tz",
    b"X : y",
    b"X\t: y",
    b" X: y",
    b"\tX: y",
    b": y",
    b":",
    b"X",
    b"X y",
    b"X=y",
    b"X: y\r\n z",
    b"X: y\r\n\tz",
    b"X: y\r\n ",
    b"X: y\r\n z\r\n w",
    b"X: y\nZ: w",
    b"X: y\n z",
    b"X: y\rZ: w",
    b"X: y\r",
    b"X: y\r\r",
    b"X: y\n",
    b"\rX: y",
    b"\nX: y",
    *(b"X: a" + bytes([byte]) + b"b" for byte in (0, 1, 7, 8, 11, 12, 27, 31, 127, 128, 160, 233, 255)),
    *(b"X" + bytes([byte]) + b"Y: z" for byte in b'\x00\x01\x0b\x20\x7f\x80\xe9\xdf"(),/;<=>?@[\\]{}'),
    *(b"X" + bytes([byte]) + b"Y: z" for byte in b"!#$%&'*+-.^`|~0"),
    *(b"X" + bytes([byte]) + b"A_B: z" for byte in b"!#$%&'*+-.^`|~0"),
    b"X_Y: z",
    b"_: y",
    b"_X: y",
    b"X_: y",
    b"X-Y: a_b",
    b"X-Y: a_b: c",
    b"X_Forwarded_For: 1.1.1.1",
    b"X-Forwarded-For: 1.1.1.1\r\nX_Forwarded_For: 2.2.2.2",
    b"Content_Length: 5",
    b"Content_Type: a/b",
    b"Transfer_Encoding: chunked",
    b"SCRIPT_NAME: /x",
    b"Script-Name: /x",
    b"PATH_INFO: /secret",
    b"Path-Info: /secret",
    b"REMOTE_USER: root",
    b"Remote-Addr: 1.1.1.1",
    b"HTTP_X: y",
    b"Content-Type: a/b",
    b"Content-Type: a/b\r\nContent-Type: a/b",
    b"Content-Type: a/b\r\nContent-Type: c/d",
    b"content-type: a/b\r\nCONTENT-TYPE: c/d",
    b"Host: other.example",
    b"host: chat.example",
    b"X: a\r\nX: b",
    b"X: a\r\nx: b\r\nX: c",
    b"X: a\nX: b",
    b"X: a\nX: b\r\n c",
    b"Cookie: a=b\r\nCookie: c=d",
    b"Cookie: a=b\nCookie: c=d",
    b"Accept: a\r\nX: b\r\nAccept: c",
    b"Proxy: evil",
    b"X" * 249 + b": y",
    b"X" * 250 + b": y",
    b"X" * 251 + b": y",
    b"X" * 255 + b": y",
    b"X" * 256 + b": y",
    b"X" * 251 + b"a: y\r\n" + b"X" * 251 + b"b: z",
    b"X" * 8000 + b": y",
    b"X: " + b"y" * 8000,
    *(b"X: " + b"y" * (8190 + more) for more in (-8, -6, -5, -4, -3, -2, -1, 0, 1, 8)),
    b"X:" + b" " * 9000 + b"y",
    b"X: y" + b" " * 9000,
    *(b"\r\n".join(b"X%d: y" % number for number in range(count)) for count in (20, 62, 63, 64, 65, 100, 300)),
    b"\r\n".join(b"X%d: %s" % (number, b"y" * 1200) for number in range(60)),
]
LENGTHS = [
    *b"0 00 5 05 005 4 6 +5 -5 -0 0x5 5x 5.0 5e0 5,5 5,6 5;5 five \xb2 \xb5 \xd9\xa5 5_0 1_0".split(),
    b"",
    b" 5",
    b"5 ",
    b"\t5\t",
    b"5 5",
    b"5\x0b",
    b"5\x00",
    b"\x005",
    b"5, 5",
    b"999999999999999",
    b"1000000000000000",
    b"9223372036854775807",
    b"18446744073709551621",
    b"99999999999999999999999999",
    b"0" * 15 + b"5",
    b"0" * 30 + b"5",
]
FRAMINGS = [
    *(b"Content-Length: " + length for length in LENGTHS),
    b"Content-Length: 5\r\nContent-Length: 5",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 5\nContent-Length: 6",
    b"Content-Length: 5\r\ncontent-length: 0",
    b"Content-Length: 5\r\nContent_Length: 0",
    b"Content-Length : 5",
    b"Content-Length\t: 5",
    b" Content-Length: 5",
    b"X: y\r\n Content-Length: 5",
    b"Content-Length:\r\n 5",
    b"Content-Length: 5\r\n 0",
    b"Content-Length\x00: 5",
    b"Content-Length:5",
    b"Content-Length: 5\rX: y",
    b"Content.Length: 5",
]
CODINGS = [
    *b"chunked Chunked CHUNKED xchunked chunkedx chunked, ,chunked chunked,chunked identity".split(),
    *b"gzip,chunked chunked,gzip".split(),
    *b"identity,chunked chunked,identity deflate compress x,chunked".split(),
    *b'\x0bchunked chunked\x00 "chunked" chunked;q=1'.split(),
    b"",
    b" ",
    b"\tchunked",
    b"chunked ",
    b"gzip, chunked",
    b"chunked\r\nTransfer-Encoding: chunked",
    b"chunked\r\nTransfer-Encoding: identity",
    b"chunked\r\nTransfer-encoding: x",
    b"\r\n chunked",
    b"x\r\n chunked",
    b"chunked\r\nContent-Length: 5",
    b"chunked\r\nContent-Length: 0",
    b"chunked\nContent-Length: 5",
    b"identity\r\nContent-Length: 15",
    b"\r\nContent-Length: 15",
    b"chunked\r\nContent_Length: 5",
]
CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"
CHUNKS = [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"0\r\n\r\n",
    b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: y\r\n\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n",
    b"5\nhello\n0\n\n",
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"+5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhelloX\r\n0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"g\r\nhello\r\n0\r\n\r\n",
    b"5;\rx\r\nhello\r\n0\r\n\r\n",
    b"\r\n5\r\nhello\r\n0\r\n\r\n",
    b"00005\r\nhello\r\n000\r\n\r\n",
    b"fffffffffffffffff\r\nhello",
    b"5\r\nhel",
]
OTHERS = [
    *(
        b"Expect: " + value
        for value in (b"100-continue", b"100-Continue", b"200-ok", b"", b"100-continue, x", b"\r\n 100-continue")
    ),
    b"Expect: 100-continue\r\nExpect: 100-continue",
    *(
        b"Connection: " + value
        for value in b"close Close CLOSE keep-alive Keep-Alive upgrade close,keep-alive closed xclose \xe9 , TE".split()
    ),
    b"Connection:",
    b"Connection: close, x",
    b"Connection: keep-alive, close",
    b"Connection: \tclose ",
    b"Connection: close\r\nConnection: keep-alive",
    b"Connection: keep-alive\r\nConnection: close",
    b"Connection: close\nConnection: keep-alive",
    b"Connection: x\nConnection: close",
    b"Connection_: close",
    b"Keep-Alive: timeout=5",
    b"Proxy-Connection: close",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    b"Upgrade: h2c",
    b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    b"TE: trailers",
    b"Trailer: X",
    *(
        b"X-Forwarded-Proto: " + value
        for value in (b"https", b"http", b"HTTPS", b"", b"https,http", b" https ", b"\xe9")
    ),
    b"X-Forwarded-Ssl: on",
    b"X-Forwarded-SSL: off",
    b"X-Forwarded-Protocol: ssl",
    b"X-Forwarded-Protocol: https",
    b"X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https",
    b"X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http",
    b"X-Forwarded-Proto: https\nX-Forwarded-Proto: http",
    b"X-Forwarded-Proto: http\nX-Forwarded-Proto: https",
    b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on",
    b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off",
    b"X-Forwarded-Proto: http\r\nX-Forwarded-Protocol: ssl",
    b"X_Forwarded_Proto: https",
    b"X-Forwarded-Proto: http\r\nX_Forwarded_Proto: https",
    b"X.Forwarded_Proto: https",
    b"Forwarded: proto=https",
    b"Front-End-Https: on",
]
BODY = b"one\r\ntwo\n\nthree four five\nlast"
RAW = {
    "no host": made(b"GET /x HTTP/1.1", host=b""),
    "no field at all": b"GET /x HTTP/1.1\r\n\r\n",
    "an empty line before": b"\r\n" + get(),
    "two empty lines before": b"\r\n\r\n" + get(),
    "a bare LF before": b"\n" + get(),
    "a space before": b" " + get(),
    "bare LF all over": get(b"X: y").replace(b"\r\n", b"\n"),
    "bare LF after the line": get().replace(b"\r\n", b"\n", 1),
    "bare LF at the end": get(b"X: y")[:-2] + b"\n",
    "bare LF at the end, a field twice": get(b"X: y", b"X: z")[:-2] + b"\n",
    "bare LF at the end, two schemes": get(b"X-Forwarded-Proto: https", b"X-Forwarded-Proto: http")[:-2] + b"\n",
    "two bare LF at the end": get(b"X: y")[:-4] + b"\n\n",
    "CR CR LF at the end": get(b"X: y")[:-2] + b"\r\r\n",
    "tabs in the line": b"GET\t/x\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "two spaces in the line": b"GET  /x  HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /x\r\n",
    "nothing": b"",
    "one byte": b"G",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zeros": bytes(300),
    "half a line": b"GET /x HT",
    "half a head": get(b"X: y")[:-3],
    "proxy protocol": b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + get(),
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET with a body": made(b"GET /x HTTP/1.1", b"Content-Length: 5", body=b"hello"),
    "DELETE with a body": made(b"DELETE /x HTTP/1.1", b"Content-Length: 5", body=b"hello"),
    "a body that is a request": sized(get(target=b"/smuggled")),
    "an unread body that is a request": sized(get(target=b"/smuggled"), target=b"/read/nothing"),
    "a body without a length": post(),
    "a body that is too short": post(b"Content-Length: 500"),
    "a big body": sized(BODY * 4000),
    "a big body, unread": sized(BODY * 4000, target=b"/read/nothing"),
    "a big body, read in part": sized(BODY * 4000, target=b"/read/some"),
    "a body of 64 KiB": sized(b"b" * 65536),
    "a body after close": sized(BODY, b"Connection: close"),
}
PIPELINES = {
    "three": get() * 3,
    "five": get(target=b"/1")
    + sized(BODY)
    + get(target=b"/3")
    + sized(BODY, target=b"/read/nothing")
    + get(target=b"/5"),
    "odd in the middle": get() + get(b"X: a", b"X: b") + get(),
    "HTTP/1.0 in the middle": get() + made(b"GET /old HTTP/1.0") + get(),
    "HTTP/1.0 that keeps alive": get() + made(b"GET /old HTTP/1.0", b"Connection: keep-alive") + get(),
    "chunked in the middle": get() + post(b"Transfer-Encoding: chunked", body=CHUNKED) + get() + sized(BODY),
    "chunked, unread": get() + post(b"Transfer-Encoding: chunked", body=CHUNKED, target=b"/read/nothing") + get(),
    "malformed in the middle": get() + get(b"X : y") + get(),
    "malformed body in the middle": get() + post(b"Transfer-Encoding: chunked", body=b"x\r\n") + get(),
    "close in the middle": get() + get(b"Connection: close") + get(),
    "expect in the middle": get() + sized(BODY, b"Expect: 100-continue") + get(),
    "empty lines between": get() + b"\r\n" + get() + b"\r\n" + get(),
    "two empty lines between": get() + b"\r\n\r\n" + get(),
    "a body that is too long": sized(b"hello") + b"xx" + get(),
    "CL.TE": post(b"Content-Length: 15", b"Transfer-Encoding: chunked", body=CHUNKED) + get(),
    "TE.CL": post(b"Transfer-Encoding: chunked", b"Content-Length: 3", body=CHUNKED) + get(),
    "TE_.CL": post(b"Transfer_Encoding: chunked", b"Content-Length: 15", body=CHUNKED) + get(),
    "CL.0": sized(get(target=b"/smuggled"), target=b"/read/nothing") + get(),
    "CL.CL": post(b"Content-Length: 5", b"Content-Length: 3") + get(),
    "streamed in the middle": get() + get(target=b"/answer/several%20pieces") + get(),
    "204 in the middle": get() + get(target=b"/answer/204%20with%20body") + get(),
    "failing in the middle": get() + get(target=b"/answer/fails") + get(),
    "broken in the middle": get() + get(target=b"/answer/fails%20after%20a%20piece") + get(),
    "written": get(target=b"/answer/written") * 3,
    "a body read in part": sized(BODY, target=b"/read/some") * 3,
    "big ones": sized(BODY * 1000, target=b"/read/some") + get() + sized(BODY * 3000, target=b"/read/nothing") + get(),
}


def cases() -> list[Case]:
    """All of it."""
    return [*COMMON, *lines(), *fields(), *bodies(), *ways()]


def lines() -> Iterator[Case]:
    for method in METHODS:
        yield Case(f"method {method!r}", made(method + b" /x?y HTTP/1.1"), method == b"HEAD")
    for target in TARGETS:
        yield Case(f"target {target[:30]!r} {len(target)}", made(b"GET " + target + b" HTTP/1.1"))
    for line in (b"OPTIONS *", b"CONNECT x:80", b"CONNECT /x", b"POST *", b"PUT /%41"):
        yield Case(f"line {line!r}", made(line + b" HTTP/1.1"))
    for version in VERSIONS:
        yield Case(f"version {version!r}", made(b"GET /x " + version))
        yield Case(f"version {version!r}, kept alive", made(b"GET /x " + version, b"Connection: keep-alive"))


def fields() -> Iterator[Case]:
    for field in FIELDS:
        yield Case(f"field {field[:60]!r} {len(field)}", get(field))
        yield Case(f"first field {field[:60]!r} {len(field)}", made(b"GET /x HTTP/1.1", field, HOST, host=b""))
    for field in OTHERS:
        yield Case(f"other {field!r}", get(field))
        yield Case(f"other {field!r} with a body", sized(BODY, field))


def bodies() -> Iterator[Case]:
    for field in FRAMINGS:
        yield Case(f"length {field!r}", post(field))
    for coding in CODINGS:
        yield Case(f"coding {coding!r}", post(b"Transfer-Encoding: " + coding, body=CHUNKED))
    for chunks in CHUNKS:
        yield Case(f"chunks {chunks!r}", post(b"Transfer-Encoding: chunked", body=chunks))
    for read in READS:
        target = b"/read/" + read.replace(" ", "%20").encode()
        yield Case(f"read {read}", sized(BODY, target=target))
        yield Case(f"read {read}, no body", get(target=target))
    for name, data in RAW.items():
        yield Case(name, data)


def ways() -> Iterator[Case]:
    for name, data in PIPELINES.items():
        yield Case(f"pipeline: {name}", data)
    for name in ANSWERS:
        line = b" /answer/" + name.replace(" ", "%20").encode() + b" HTTP/1.1"
        yield Case(f"answer: {name} to GET", made(b"GET" + line))
        yield Case(f"answer: {name} to HEAD", made(b"HEAD" + line), head=True)
