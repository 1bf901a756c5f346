"""Requests that are plain, odd or malicious, as bytes. Each is one `Case`; the tables of `corpus_heads` and
`corpus_bodies` make some hundreds.

None of them says what is right: the stock worker says that.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.workers.corpus_bodies import CHUNKED, CHUNKS, CODINGS, FRAMINGS, PIPELINES, RAW
from tests.workers.corpus_heads import FIELDS, METHODS, OTHERS, TARGETS, VERSIONS
from tests.workers.echo import ANSWERS, READS
from tests.workers.requests import BODY, COMMON, HOST, Case, get, made, post, sized


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
