"""Where our worker is meant to differ from the stock one, and why. Everything else must be the same.

`expect` makes of what the stock worker answered what ours must answer to the same; its second argument is the answer to
what follows, where something does. An entry that no longer holds fails
the test as an unlisted difference does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.workers.answers import Answer

PAGE = (
    "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n"
    "  <body>\n    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n"
)
FAILED = Answer(
    "HTTP/1.1 500 Internal Server Error",
    "length",
    "close",
    (("content-length", str(len(PAGE))), ("content-type", "text/html")),
    PAGE,
    False,
)


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
