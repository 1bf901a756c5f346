"""Bad input gets a clear answer and costs nothing: one table of what a hostile or clumsy client may send.

Each line says what is sent, and the status and code that must come back. After every one of them the
database holds exactly what it held before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from tests.client import JSON, PASSWORD, Answer, Client
from tests.web.conftest import QuickCluster
from tests.web.rows import written
from webchat.web.body import BODY_MAX
from webchat.web.problems import MEDIA_TYPE

USERS, SESSION, TOKENS = "POST /api/users", "POST /api/session", "POST /api/tokens"
MESSAGES, READ, ASK = "POST /api/messages", "PUT /api/conversations/{conversation}/read", "POST /api/friends"
HISTORY, EVENTS, FIND = "GET /api/conversations/{conversation}/messages", "GET /api/events", "GET /api/users"
ME = "PATCH /api/me"
GROUPS, RENAME, RECEIPTS = "POST /api/conversations", "PATCH /api/conversations/{group}", "POST /api/receipts"
QUIET = {"muted": True}
RANK = "PUT /api/conversations/{group}/members/{other}"
WRITES = (
    *(USERS, SESSION, TOKENS, MESSAGES, READ, ASK, ME, "PUT /api/me/password", "DELETE /api/me"),
    *(GROUPS, RENAME, RECEIPTS),
)

GOOD: dict[str, dict[str, Any]] = {
    USERS: {"name": "somebody-new", "password": PASSWORD},
    SESSION: {"name": "{one}", "password": PASSWORD},
    TOKENS: {"name": "{one}", "password": PASSWORD},
    MESSAGES: {"text": "hello", "client_id": "bad-1", "to": "{other}"},
    READ: {"number": 1},
    ASK: {"name": "{stranger}"},
    ME: {"status": "out"},
    "PUT /api/me/password": {"old": PASSWORD, "new": "another horse"},
    "DELETE /api/me": {"password": PASSWORD},
    GROUPS: {"name": "new", "members": ["{other}"]},
    RENAME: {"name": "new"},
    RECEIPTS: {"delivered": {}},
}
DEEP = b"[" * 30_000 + b"]" * 30_000
DEEP_OBJECTS = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
UNSEEN = ("\u200b", " \u2060\ufeff", "\u3164", "\u0301")  # names that nobody sees
TURNED = ("a\u202eb", "\u2066a", "\u200fa")  # direction controls


class Case(NamedTuple):
    """`call`: method and path; `{one}` and the like are filled in, in the body too. `body`: bytes as they are."""

    what: str
    call: str
    body: Any
    status: int
    code: str
    headers: dict[str, str] = JSON


@dataclass
class World:
    """Two friends with one message, a stranger, and what they are called in the table."""

    cluster: QuickCluster
    one: Client
    fill: dict[str, str]

    def filled(self, value: Any) -> Any:
        match value:
            case str():
                for name, real in self.fill.items():
                    value = value.replace(f"{{{name}}}", real)
                return value
            case bytes():
                for name, real in self.fill.items():
                    value = value.replace(b"{%b}" % name.encode(), real.encode())
                return value
            case dict():
                return {key: self.filled(each) for key, each in value.items()}
        return value

    def send(self, case: Case) -> Answer:
        method, path = self.filled(case.call).split(" ", 1)
        body = self.filled(case.body)
        if not (body is None or isinstance(body, bytes)):
            body = json.dumps(body).encode()  # here and not by the client, which would add a Content-Type
        return self.one.call(method, path, body, case.headers | {"X-Webchat-Session": "main"})


@pytest.fixture(scope="module")
def world(cluster: QuickCluster) -> World:
    one, other, conversation = cluster.pair()
    stranger, third = cluster.user(), cluster.user()
    foreign = stranger.befriend(third)
    one.send(conversation, "hello", "used-1")
    group = one.ok("POST", "/api/conversations", {"name": "old", "members": [other.name]})["conversation"]["id"]
    fill = {
        "one": one.name,
        "other": other.name,
        "stranger": stranger.name,
        "conversation": str(conversation),
        "foreign": str(foreign),
        "group": str(group),
        "cursor": one.cursor(),
    }
    return World(cluster, one, fill)


def with_field(call: str, **fields: Any) -> dict[str, Any]:
    return GOOD[call] | fields


def without(call: str, field: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD[call].items() if name != field}


def raw_field(call: str, field: str, value: bytes) -> bytes:
    """The good body with a value that json.dumps would not write."""
    return json.dumps(without(call, field) | {field: "@"}).encode().replace(b'"@"', value)


def not_json() -> list[Case]:
    """Bodies that no call can read."""
    cases = []
    for call in WRITES:
        field = next(iter(GOOD[call]))
        cases += [
            Case("nothing", call, b"", 400, "bad_json"),
            Case("malformed", call, json.dumps(GOOD[call]).encode()[:-1], 400, "bad_json"),
            Case("two documents", call, json.dumps(GOOD[call]).encode() + b"{}", 400, "bad_json"),
            Case("nested 30,000 deep", call, DEEP, 400, "invalid"),
            Case("objects 10,000 deep", call, DEEP_OBJECTS, 400, "invalid"),
            Case("60,000 brackets that never close", call, b"[" * 60_000, 400, "invalid"),
            Case("nested in a known field", call, raw_field(call, field, DEEP), 400, "invalid"),
            Case("nested in an unknown field", call, raw_field(call, "extra", DEEP), 400, "invalid"),
            Case("no object", call, b"[]", 400, "invalid"),
            Case("null", call, b"null", 400, "invalid"),
            Case("NaN", call, raw_field(call, field, b"NaN"), 400, "bad_json"),
            Case("Infinity", call, raw_field(call, field, b"-Infinity"), 400, "bad_json"),
            Case("UTF-16", call, json.dumps(GOOD[call]).encode("utf-16"), 400, "bad_json"),
            Case("an unknown field", call, with_field(call, extra=1), 400, "invalid"),
            Case("no Content-Type", call, GOOD[call], 415, "wrong_media_type", {}),
            Case(
                "a form", call, b"a=b", 415, "wrong_media_type", {"Content-Type": "application/x-www-form-urlencoded"}
            ),
            Case("plain text", call, GOOD[call], 415, "wrong_media_type", {"Content-Type": "text/plain"}),
            Case("a strange charset", call, GOOD[call], 415, "wrong_media_type", json_in("charset=utf-16")),
            Case("too large", call, raw_field(call, field, b'"%b"' % (b"a" * BODY_MAX)), 413, "too_large"),
            Case("much too large", call, raw_field(call, field, b'"%b"' % (b"a" * 3_000_000)), 413, "too_large"),
        ]
        for name, value in GOOD[call].items():
            if name != "to" and call != ME:
                cases.append(Case(f"no {name}", call, without(call, name), 400, "invalid"))
            wrong_types: tuple[Any, ...] = (True, [], {}, 1.5, 7 if isinstance(value, str) else "7")
            for wrong in (one for one in wrong_types if type(one) is not type(value)):
                cases.append(Case(f"{name}: {wrong!r}", call, with_field(call, **{name: wrong}), 400, "invalid"))
            if isinstance(value, str):
                cases += not_text(call, name)
    return cases


def json_in(parameter: str) -> dict[str, str]:
    return {"Content-Type": f"application/json; {parameter}"}


def not_text(call: str, field: str) -> list[Case]:
    """Strings that are no Unicode text."""
    return [
        Case(f"{field}: {what}", call, raw_field(call, field, value), 400, "bad_json")
        for what, value in {
            "a lone high surrogate": b'"a\\ud800"',
            "a lone low surrogate": b'"\\udc00a"',
            "surrogates the wrong way round": b'"\\udc00\\ud800"',
            "a surrogate in bytes": b'"\xed\xa0\x80"',
            "no UTF-8": b'"\xff"',
            "UTF-8 cut short": b'"\xf0\x9f\x98"',
            "a line break": b'"a\nb"',
        }.items()
    ]


def out_of_range() -> list[Case]:
    """Well-formed JSON that means nothing good."""
    return [
        *(
            Case(f"text: {what}", MESSAGES, with_field(MESSAGES, text=text), 400, "bad_text")
            for what, text in {
                "empty": "",
                "blank": " \t\n\u2003\u00a0",
                "4,001 letters": "a" * 4001,
                "4,001 emoji": "\U0001f600" * 4001,
                "a NUL": "a\0b",
            }.items()
        ),
        *(
            Case(
                f"client_id: {client_id[:20]!r}",
                MESSAGES,
                with_field(MESSAGES, client_id=client_id),
                400,
                "bad_client_id",
            )
            for client_id in ("", "a" * 65, "ä", "a\nb", "a\0", "\u0661", "\x7f")
        ),
        Case("to and conversation", MESSAGES, with_field(MESSAGES, conversation=1), 400, "bad_recipient"),
        Case("to nobody", MESSAGES, without(MESSAGES, "to"), 400, "bad_recipient"),
        *(
            Case(
                f"conversation: {number}", MESSAGES, without(MESSAGES, "to") | {"conversation": number}, 400, "invalid"
            )
            for number in (0, -1, 10**18, 2**63, 2**64, 10**29, -(10**29))
        ),
        Case(
            "client_id of another text",
            MESSAGES,
            with_field(MESSAGES, client_id="used-1", text="other"),
            409,
            "client_id_reused",
        ),
        Case("name taken", USERS, with_field(USERS, name="{one}"), 409, "name_taken"),
        *(
            Case(f"name: {name[:20]!r}", USERS, with_field(USERS, name=name), 400, "bad_name")
            for name in (
                "",
                "a",
                "a" * 33,
                "_ab",
                ".ab",
                "-ab",
                "..",
                "a b",
                "a/b",
                "äb",
                "ab\n",
                "ab\0",
                "\u0430\u0431",
                "a\u202eb",
            )
        ),
        *(
            Case(f"password of {len(password)}", USERS, with_field(USERS, password=password), 400, "bad_password")
            for password in ("", "a" * 7, "a" * 257, "\U0001f600" * 7)
        ),
        Case("password with a NUL", USERS, with_field(USERS, password="correct\0horse"), 400, "bad_password"),
        *(
            Case(f"wrong password: {what}", call, with_field(call, **wrong), 401, "wrong_credentials")
            for call in (SESSION, TOKENS)
            for what, wrong in {
                "a letter more": {"password": PASSWORD + "e"},
                "empty": {"password": ""},
                "257 letters": {"password": "a" * 257},
                "a NUL after it": {"password": PASSWORD + "\0"},
                "unknown user": {"name": "nobody-at-all"},
                "no name": {"name": ""},
                "a name that cannot be": {"name": "\0' OR 1=1 --"},
            }.items()
        ),
        Case("read: negative", READ, {"number": -1}, 400, "invalid"),
        Case("read: beyond the last", READ, {"number": 2}, 400, "bad_number"),
        Case("read: 30 digits", READ, {"number": 10**29}, 400, "bad_number"),
        Case("oneself", ASK, {"name": "{one}"}, 400, "invalid"),
        Case("oneself", "PUT /api/blocks/{one}", None, 400, "invalid"),
        *(Case(f"note {len(note)}", ASK, with_field(ASK, note=note), 400, "bad_note") for note in ("a" * 201, "\0")),
        *(
            Case(f"{field} {len(value)} {value[:4]!r}", ME, {field: value}, 400, f"bad_{field}")
            for field, value in (
                *(("display_name", value) for value in ("a" * 65, "a\0", "a\nb", "\u2029", *UNSEEN, *TURNED)),
                *(("status", value) for value in ("a" * 141, "\0", "\r\n", "\x1b[2J", *TURNED)),
                *(("avatar", value) for value in ("nothing", "\0", "../../etc/passwd", "a" * 500)),
            )
        ),
        *(
            Case(f"group name: {name[:20]!r}", call, with_field(call, name=name), 400, "bad_name")
            for call in (GROUPS, RENAME)
            for name in ("", " ", "a" * 65, "a\nb", "a\0b", "\u2028", "\x7f")
        ),
        Case("group client_id", GROUPS, with_field(GROUPS, client_id=""), 400, "bad_client_id"),
        Case("group of a used client_id", GROUPS, with_field(GROUPS, client_id="used-1"), 409, "client_id_reused"),
        Case("group of 1,000", GROUPS, with_field(GROUPS, members=[f"n{n}" for n in range(1000)]), 409, "group_full"),
        Case("members: numbers", GROUPS, with_field(GROUPS, members=[1]), 400, "invalid"),
        Case("a strange role", RANK, {"role": "king"}, 400, "invalid"),
        Case("no JSON for a member", RANK, None, 415, "wrong_media_type", {}),
        *(
            Case(f"receipts: {receipts}", RECEIPTS, {"delivered": receipts}, 400, code)
            for receipts, code in (
                *(({"1": -1}, "invalid"), ({"1": "1"}, "invalid"), ({"1": True}, "invalid")),
                *(({"x": 1}, "bad_receipts"), ({"-1": 1}, "bad_receipts"), ({"": 1}, "bad_receipts")),
            )
        ),
    ]


def absent() -> list[Case]:
    """What is not there, or none of one's business."""
    ids = ("0", "-1", "1.0", "x", "9" * 18, "9" * 19, "9" * 30, "%D9%A1", "%00", "1%20", "{foreign}")
    names = (
        "nobody-at-all",
        "{stranger}",
        ".",
        "..",
        "%2E%2E",
        "%00",
        "%FF",
        "%ED%A0%80",
        "%F0%9F%98%80",
        "a%20b",
        "%",
        "*",
        "a" * 500,
    )
    return [
        *(Case(f"history of {one}", f"GET /api/conversations/{one}/messages", None, 404, "not_found") for one in ids),
        *(Case(f"read {one}", f"PUT /api/conversations/{one}/read", {"number": 1}, 404, "not_found") for one in ids),
        *(Case(f"look {one}", f"GET /api/conversations/{one}", None, 404, "not_found") for one in ids),
        *(
            Case(f"mute {one}", f"PUT /api/conversations/{one}/settings", {"muted": True}, 404, "not_found")
            for one in ids
        ),
        *(Case(f"type {one}", f"POST /api/conversations/{one}/typing", None, 404, "not_found") for one in ids),
        *(Case(f"accept {name[:20]}", f"PUT /api/friends/{name}", None, 404, "not_found") for name in names),
        *(Case(f"look up {name[:20]}", f"GET /api/users/{name}", None, 404, "not_found") for name in names[:1]),
        *(Case(f"look up {name[:20]}", f"GET /api/users/{name}", None, 404, "not_found") for name in names[2:]),
        *(
            Case(f"{method} {name[:20]}", f"{method} /api/blocks/{name}", None, 404, "not_found")
            for method in ("PUT", "DELETE")
            for name in (names[0], *names[2:])
        ),
        *(Case(f"end {name[:20]}", f"DELETE /api/friends/{name}", None, 404, "not_found") for name in names),
        *(
            Case(f"ask {name!r}", ASK, {"name": name}, 404, "not_found")
            for name in ("", "nobody-at-all", "..", "\0", "\U0001f600")
        ),
        *(
            Case(f"send to {name!r}", MESSAGES, with_field(MESSAGES, to=name), 404, "not_found")
            for name in ("", "nobody-at-all", "{stranger}", "{one}", "..", "\0", "\U0001f600")
        ),
        Case(
            "send to a foreign conversation",
            MESSAGES,
            b'{"text":"a","client_id":"b","conversation":{foreign}}',
            404,
            "not_found",
        ),
        Case(
            "send to an absent conversation",
            MESSAGES,
            b'{"text":"a","client_id":"b","conversation":99999999}',
            404,
            "not_found",
        ),
        Case("a name of two parts", "PUT /api/friends/a%2Fb", None, 404, "no_such_call"),
        Case("no such call", "GET /api/nothing", None, 404, "no_such_call"),
        Case("no such method", "DELETE /api/state", None, 405, "method_not_allowed"),
    ]


def bad_parameters() -> list[Case]:
    """Queries."""
    return [
        *(
            Case(f"limit={value}", f"{HISTORY}?limit={value}", None, 400, "bad_limit")
            for value in ("", "0", "101", "-1", "x", "1.5", "1e1", "9" * 30, "%D9%A1", "+5", "%205", "5&limit=5")
        ),
        *(
            Case(f"before={value}", f"{HISTORY}?before={value}", None, 400, "bad_before")
            for value in ("", "0", "-1", "x", "1.0", "9" * 30, "1&before=1")
        ),
        *(
            Case(f"timeout={value}", f"{EVENTS}?after={{cursor}}&timeout={value}", None, 400, "bad_timeout")
            for value in ("", "x", "-1", "60.1", "nan", "inf", "1e9", "9" * 400, "0x1", "0&timeout=0")
        ),
        *(
            Case(f"after={value[:20]}", f"{EVENTS}?timeout=0{value}", None, 400, "bad_cursor")
            for value in (
                *("", "&after=", "&after=0", "&after=garbage", "&after={cursor}x", "&after=%00", "&after=%FF"),
                *("&after=" + "1" * 2000, "&after=0123456789ab.1.-1.0"),
                "&after=0123456789AB.1.1.0",
            )
        ),
        *(
            Case(f"query={value[:20]}", f"{FIND}?query={value}", None, 400, "bad_query")
            for value in ("", "a" * 33, "a&query=b")
        ),
        Case("after twice", f"{EVENTS}?after={{cursor}}&after={{cursor}}", None, 400, "bad_after"),
        Case("no query", FIND, None, 400, "bad_query"),
    ]


ALL = [*not_json(), *out_of_range(), *absent(), *bad_parameters()]


@pytest.mark.parametrize("case", ALL, ids=[f"{case.call.split('?')[0]}-{case.what}" for case in ALL])
def test_it_is_refused_with_its_code_and_nothing_is_written(world: World, case: Case) -> None:
    before = written(world.cluster.data)
    answer = world.send(case)
    assert (answer.status, answer.headers["content-type"]) == (case.status, MEDIA_TYPE), answer
    problem = answer.body
    assert (problem["status"], problem["code"]) == (case.status, case.code), answer
    assert problem["title"]
    assert problem["detail"]
    assert written(world.cluster.data) == before
