"""Where our worker is meant to differ from the stock one, and why. Everything else must be the same.

`expect` makes of what the stock worker answered what ours must answer to the same; its second argument is the answer to
what follows, where something does. `as_problems` then does the same for refusals, wherever they occur. An entry that no
longer holds fails the test as an unlisted difference does.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import NamedTuple

from tests.workers.answers import Answer
from workers.refusals import BROKEN, TABLE

# A refusal, or a failure before the answer has begun, is a problem like all others of the API, with a stable code; the
# stock worker sends a page of HTML that repeats what it was sent. What it says there decides which code is right.
CODES = {
    "400 Invalid Request Line": "bad_request",
    "400 Invalid Method": "bad_method",
    "400 Invalid HTTP Version": "bad_version",
    "400 Invalid HTTP Header": "bad_header",
    "400 Invalid HTTP header name": "bad_header",
    "400 Obsolete line folding": "bad_header",
    "400 Contradictory scheme headers": "bad_header",
    "400 Invalid chunk": "bad_body",
    "414 ": "uri_too_long",
    "417 ": "bad_expectation",
    "431 ": "headers_too_large",
    "500 ": "internal",
    "501 Unsupported transfer coding": "unknown_coding",
}
_TITLES = {417: "Expectation Failed", 501: "Not Implemented"}  # the stock worker calls a 501 a bad request
_PAGE = re.compile(
    r"<html>\n  <head>\n    <title>([^<]*)</title>\n  </head>\n  <body>\n    <h1><p>.*</p></h1>\n    (.*)\n  </body>",
    re.DOTALL,
)
_DETAILS = {refusal.code: refusal.detail for refusal in [BROKEN, *(refusal for _, refusal in TABLE)]}


def problem(status: int, reason: str, code: str, head: bool = False) -> Answer:
    told = {"title": reason, "status": status, "code": code, "detail": _DETAILS[code], "type": "about:blank"}
    body = json.dumps(told, separators=(",", ":"))
    fields = (
        ("cache-control", "no-store"),
        ("content-length", str(len(body))),
        ("content-type", "application/problem+json"),
    )
    framing, body = ("none", "") if head else ("length", body)
    return Answer(f"HTTP/1.1 {status} {reason}", framing, "close", fields, body, False)


FAILED = problem(500, "Internal Server Error", "internal")


def as_problems(answers: list[Answer], head: bool = False) -> list[Answer]:
    """What we say where the stock worker says this. `head`: the first one answers a HEAD; the stock worker sends a body
    all the same."""
    made = []
    for place, answer in enumerate(answers):
        to_head = head and place == 0 and len(answers) > 1
        html_page = ("content-type", "text/html") in answer.fields
        page = _PAGE.match(answers[1].body if to_head else answer.body) if html_page else None
        if page is None:
            made.append(answer)
            continue
        status = int(answer.status[9:12])
        said = f"{status} {html.unescape(page[2])}"
        code = next(code for begin, code in CODES.items() if said.startswith(begin))
        told = problem(status, _TITLES.get(status, page[1]), code, head)
        # A second head after a first one, which is gunicorn's way with a timeout: it is not taken for one to HEAD.
        made.append(told if to_head or not head else told._replace(framing="length, cut off"))
        if to_head:
            break  # what follows is the body
    return made


class Difference(NamedTuple):
    answers: tuple[str, ...]  # of `tests.workers.echo`
    reason: str
    expect: Callable[[list[Answer], list[Answer]], list[Answer]]


def with_length(stock: list[Answer]) -> list[Answer]:
    return [
        answer
        if answer.framing != "chunked"
        else answer._replace(
            framing="length", fields=tuple(sorted((*answer.fields, ("content-length", str(len(answer.body))))))
        )
        for answer in stock
    ]


def cut_off(stock: list[Answer]) -> list[Answer]:
    return [stock[0]._replace(framing="chunked, cut off")]


def replaced(stock: list[Answer]) -> list[Answer]:
    fields = tuple(field for field in stock[0].fields if field not in (("x-old", "1"), ("content-length", "3")))
    return [stock[0]._replace(fields=fields), *stock[1:]]


DIFFERENCES = (
    Difference(
        (
            "one piece",
            "nothing",
            "an empty piece",
            "closed, sized",
            "404",
            "no reason",
            "empty reason",
            "odd reason",
            "header in latin-1",
            "header with spaces",
            "empty header",
            "header is a list",
            "cookies",
            "caught",
            "changed headers",
            "hints",
            "logged",
            "huge",
        ),
        "an answer of one piece has a known length: it is sent with it, in one go, and not as chunks",
        lambda stock, _: with_length(stock),
    ),
    Difference(
        ("text", "text, sized", "bytes for an iterable", "number"),
        "an only piece that is not bytes shows before anything is sent: 500, where the stock worker sends a head "
        "and then hangs up",
        lambda *_: [FAILED],
    ),
    Difference(
        ("bytearray",),
        "and one that is as good as bytes is sent",
        lambda stock, after: [
            stock[0]._replace(
                framing="length", fields=tuple(sorted((*stock[0].fields, ("content-length", "1")))), body="x"
            ),
            *after,
        ],
    ),
    Difference(
        ("started again",),
        "PEP 3333: headers of a second `start_response` replace the first ones; the stock worker sends both, with two "
        "lengths",
        lambda stock, _: replaced(stock),
    ),
    Difference(
        ("fails with OSError", "fails with OSError at the first piece"),
        "a disk or a database that fails is a failure of the application: 500; the stock worker takes every OSError "
        "for the client's and hangs up without a word",
        lambda *_: [FAILED],
    ),
    Difference(
        ("stops",),
        "so is a StopIteration, which the stock worker takes for its own",
        lambda *_: [FAILED],
    ),
    Difference(
        ("exits", "exits at the first piece"),
        "so is a SystemExit; the stock worker swallows it and goes on to the next request, whose answer the client "
        "takes for the answer to the first",
        lambda *_: [FAILED],
    ),
    Difference(
        ("is killed",),
        "a greenlet that is killed ends, and its connection with it; the stock worker goes on, as above",
        lambda *_: [],
    ),
    Difference(
        ("times out after a piece",),
        "a gevent.Timeout after the head was sent leaves nothing but to hang up; the stock worker sends a second head "
        "into the first one's body",
        lambda stock, _: cut_off(stock),
    ),
)
BY_CASE = {f"answer: {name} to GET": difference for difference in DIFFERENCES for name in difference.answers}
