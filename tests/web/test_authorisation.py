"""Who may call what, and who is told of what: every route and every kind of event, by every role.

A route, a method or a type of event without a row fails. What is refused as absent must look exactly like what is
not there at all.
"""

# ruff: noqa: E501  a line for each route

from __future__ import annotations

import contextlib
import tempfile
import time
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.client import PASSWORD, Answer, Reader, until
from tests.web.background import PARKING
from tests.web.conftest import QuickCluster
from tests.web.village import ROLES, Village, found
from webchat.app import routes
from webchat.data.database import prepare
from webchat.data.transaction import Transaction
from webchat.entities import feed
from webchat.node import build_node
from webchat.settings import Settings
from webchat.web.headers import Headers

NO_SUCH_ID = str(10**9)
NOT_FOUND = 404


class Row(NamedTuple):
    """`call`: method and route. `answers`: a status for each of `ROLES`. `body`, `query`, `places`: what is sent;
    each `{place}` of a route is what the village has by that name, or what `places` says."""

    call: str
    answers: str
    body: Any = None
    query: str = ""
    places: dict[str, str] = {}  # noqa: RUF012  a NamedTuple's default, never written to

    @property
    def expected(self) -> dict[str, int]:
        return dict(zip(ROLES, map(int, self.answers.split()), strict=True))


GROUP = {"conversation": "{group}"}
DIRECT = {"conversation": "{direct}"}

# fmt: off
TABLE = [
    # anonymous stranger friend blocked member ex-member admin owner
    Row("GET /healthz",                                   "200 200 200 200 200 200 200 200"),
    Row("GET /readyz",                                    "200 200 200 200 200 200 200 200"),
    Row("HEAD /healthz",                                  "200 200 200 200 200 200 200 200"),
    Row("HEAD /readyz",                                   "200 200 200 200 200 200 200 200"),
    Row("GET /metrics",                                   "200 200 200 200 200 200 200 200"),
    Row("GET /api/openapi.json",                          "200 200 200 200 200 200 200 200"),
    Row("POST /api/users",                                "201 201 201 201 201 201 201 201", {"name": "new-{stranger}", "password": PASSWORD}),
    Row("GET /api/users",                                 "401 200 200 200 200 200 200 200", query="?query=own"),
    Row("POST /api/session",                              "200 200 200 200 200 200 200 200", {"name": "{stranger}", "password": PASSWORD}),
    Row("DELETE /api/session",                            "401 204 204 204 204 204 204 204"),
    Row("POST /api/tokens",                               "201 201 201 201 201 201 201 201", {"name": "{stranger}", "password": PASSWORD}),
    Row("GET /api/state",                                 "401 200 200 200 200 200 200 200"),
    Row("GET /api/events",                                "401 200 200 200 200 200 200 200", query="?after=000000000000.1.0.0&timeout=0"),
    Row("GET /api/search",                                "401 200 200 200 200 200 200 200", query="?query=among"),
    # oneself
    Row("GET /api/me",                                    "401 200 200 200 200 200 200 200"),
    Row("PATCH /api/me",                                  "401 200 200 200 200 200 200 200", {"status": "out"}),
    Row("DELETE /api/me",                                 "401 204 204 204 204 204 204 204", {"password": PASSWORD}),
    Row("GET /api/me/data",                               "401 200 200 200 200 200 200 200"),
    Row("PUT /api/me/password",                           "401 204 204 204 204 204 204 204", {"old": PASSWORD, "new": "another horse"}),
    Row("GET /api/me/sessions",                           "401 200 200 200 200 200 200 200"),
    Row("DELETE /api/me/sessions/{id}",                   "401 404 404 404 404 404 404 204", places={"id": "{session}"}),
    # people: what one does about the owner
    Row("GET /api/users/{name}",                          "401 200 200 200 200 200 200 200", places={"name": "{owner}"}),
    Row("GET /api/users/{name}/avatar",                   "401 200 200 404 200 200 200 200", places={"name": "{owner}"}),
    Row("PUT /api/blocks/{name}",                         "401 204 204 204 204 204 204 400", places={"name": "{owner}"}),
    Row("DELETE /api/blocks/{name}",                      "401 204 204 204 204 204 204 204", places={"name": "{owner}"}),
    Row("POST /api/friends",                              "401 201 200 201 201 201 201 400", {"name": "{owner}"}),
    Row("PUT /api/friends/{name}",                        "401 404 200 404 404 404 404 404", places={"name": "{owner}"}),
    Row("DELETE /api/friends/{name}",                     "401 404 204 404 404 404 404 404", places={"name": "{owner}"}),
    Row("DELETE /api/me",                                 "401 403 403 403 403 403 403 403", {"password": "wrong horse"}),
    Row("DELETE /api/me/sessions/{id}",                   "401 404 404 404 404 404 404 404", places={"id": "1"}),
    # the group
    Row("POST /api/messages",                             "401 404 404 404 201 404 201 201", {"conversation": "{group}", "text": "a", "client_id": "a"}),
    Row("GET /api/conversations/{conversation}",          "401 404 404 404 200 404 200 200", places=GROUP),
    Row("PATCH /api/conversations/{conversation}",        "401 404 404 404 403 404 200 200", {"name": "new"}, places=GROUP),
    Row("GET /api/conversations/{conversation}/messages", "401 404 404 404 200 404 200 200", places=GROUP),
    Row("PUT /api/conversations/{conversation}/read",     "401 404 404 404 200 404 200 200", {"number": 1}, places=GROUP),
    Row("PUT /api/conversations/{conversation}/read",     "401 404 404 404 200 404 200 200", {"number": 0, "back": True}, places=GROUP),
    Row("PUT /api/conversations/{conversation}/settings", "401 404 404 404 200 404 200 200", {"muted": True}, places=GROUP),
    Row("POST /api/conversations/{conversation}/typing",  "401 404 404 404 204 404 204 204", places=GROUP),
    Row("PUT /api/conversations/{conversation}/members/{name}",    "401 404 404 404 403 404 200 200", {}, places=GROUP | {"name": "{extra}"}),
    Row("PUT /api/conversations/{conversation}/members/{name}",    "401 404 404 404 403 404 404 404", {}, places=GROUP | {"name": "{stranger}"}),
    Row("PUT /api/conversations/{conversation}/members/{name}",    "401 404 404 404 403 404 403 200", {"role": "admin"}, places=GROUP | {"name": "{target}"}),
    Row("PUT /api/conversations/{conversation}/members/{name}",    "401 404 404 404 403 404 403 200", {"role": "owner"}, places=GROUP | {"name": "{target}"}),
    Row("PUT /api/conversations/{conversation}/members/{name}",    "401 404 404 404 403 404 403 409", {"role": "member"}, places=GROUP | {"name": "{owner}"}),
    Row("DELETE /api/conversations/{conversation}/members/{name}", "401 404 404 404 403 404 204 204", places=GROUP | {"name": "{target}"}),
    Row("DELETE /api/conversations/{conversation}/members/{name}", "401 404 404 404 403 404 204 204", places=GROUP | {"name": "{admin}"}),
    Row("DELETE /api/conversations/{conversation}/members/{name}", "401 404 404 404 403 404 403 204", places=GROUP | {"name": "{owner}"}),
    Row("DELETE /api/conversations/{conversation}/members/{name}", "401 404 404 404 404 404 404 404", places=GROUP | {"name": "{ex-member}"}),
    # what the owner has said in the group, and a file that hangs on it; a file that the owner has not sent yet
    Row("PATCH /api/messages/{message}",                  "401 404 404 404 403 404 403 200", {"text": "new"}),
    Row("DELETE /api/messages/{message}",                 "401 404 404 404 403 404 403 200"),
    Row("PUT /api/messages/{message}/reactions/{emoji}",  "401 404 404 404 200 404 200 200", places={"emoji": "%F0%9F%91%8D"}),
    Row("DELETE /api/messages/{message}/reactions/{emoji}", "401 404 404 404 200 404 200 200", places={"emoji": "%F0%9F%91%8D"}),
    Row("GET /api/files/{file}",                          "401 404 404 404 200 404 200 200"),
    Row("GET /api/files/{file}/thumbnail",                "401 404 404 404 200 404 200 200"),
    Row("GET /api/files/{file}",                          "401 404 404 404 404 404 404 200", places={"file": "{unsent}"}),
    # the direct conversation of the owner and the friend
    Row("POST /api/messages",                             "401 404 201 404 404 404 404 201", {"conversation": "{direct}", "text": "a", "client_id": "a"}),
    Row("POST /api/messages",                             "401 404 201 404 404 404 404 404", {"to": "{owner}", "text": "a", "client_id": "a"}),
    Row("GET /api/conversations/{conversation}",          "401 404 200 404 404 404 404 200", places=DIRECT),
    Row("GET /api/conversations/{conversation}/messages", "401 404 200 404 404 404 404 200", places=DIRECT),
    Row("PUT /api/conversations/{conversation}/read",     "401 404 200 404 404 404 404 200", {"number": 1}, places=DIRECT),
    Row("PUT /api/conversations/{conversation}/settings", "401 404 200 404 404 404 404 200", {"muted": True}, places=DIRECT),
    Row("POST /api/conversations/{conversation}/typing",  "401 404 204 404 404 404 404 204", places=DIRECT),
    Row("PATCH /api/conversations/{conversation}",        "401 404 403 404 404 404 404 403", {"name": "new"}, places=DIRECT),
    # anybody's own
    Row("POST /api/conversations",                        "401 201 201 201 201 201 201 201", {"name": "new", "members": ["{extra}"]}),
    Row("POST /api/conversations",                        "401 404 201 404 404 404 404 201", {"name": "new", "members": ["{owner}"]}),
    Row("POST /api/files",                                "401 201 201 201 201 201 201 201", b"hello", query="?name=hello.txt"),
    Row("POST /api/receipts",                             "401 204 204 204 204 204 204 204", {"delivered": {"{group}": 1}}),
]
# fmt: on


def calls() -> set[str]:
    """Every route and method that the application has, as its own table of routes says."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=folder, redis_url="unix:///nowhere")
        prepare(settings)
        node = build_node(settings)
        try:
            table = routes(node, Headers(settings.forwarded_allow_ips))
        finally:
            node.engine.close()
    methods = ("get", "head", "post", "put", "patch", "delete")
    return {
        f"{method.upper()} {template}"
        for template, resource in table
        for method in methods
        if hasattr(resource, f"on_{method}")
    }


def test_every_call_has_a_row() -> None:
    assert {row.call for row in TABLE} == calls()


def ask(village: Village, row: Row, role: str, conversation: str | None = None) -> Answer:
    method, template = row.call.split(" ", 1)
    places = dict(row.places) if conversation is None else row.places | {"conversation": conversation}
    for place, real in places.items():
        template = template.replace(f"{{{place}}}", real)
    return village.people[role].call(method, village.path(template) + row.query, village.filled(row.body), SLOT)


@pytest.fixture(scope="module")
def old(cluster: QuickCluster) -> Village:
    """For calls that change nothing; every other call gets a village of its own."""
    village = found(cluster)
    village.settle_files()
    return village


SLOT = {"X-Webchat-Session": "main"}  # what a call needs that rests on a cookie, or is to set one


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", TABLE, ids=[f"{number}-{row.call}" for number, row in enumerate(TABLE, 1)])
def test_who_may_call_what(cluster: QuickCluster, old: Village, row: Row, role: str) -> None:
    village = old if row.call.startswith(("GET", "HEAD")) else found(cluster)
    answer = ask(village, row, role)
    assert answer.status == row.expected[role], answer
    if answer.status == NOT_FOUND and "conversation" in row.places and "name" not in row.places:
        assert answer.raw == ask(village, row, role, NO_SUCH_ID).raw, "absent and forbidden look the same"


# --- events


def path(village: Village, rest: str = "") -> str:
    return f"/api/conversations/{village.places['group']}{rest}"


def change_a_message(cluster: QuickCluster, village: Village) -> None:
    with cluster.engine.writing() as connection:
        tx = Transaction(connection)
        owner = tx.user(village.places["owner"])
        assert owner is not None
        (message,) = [one for one in tx.history(int(village.places["group"]), None, 9) if one.kind == "text"]
        tx.tell_change(message)


def all_receive(_: QuickCluster, village: Village) -> None:
    for role in ("member", "admin", "target"):
        body = {"delivered": {village.places["group"]: 2}}
        village.people[role].call("POST", "/api/receipts", body)


def owner_sends(_: QuickCluster, village: Village) -> None:
    village.people["owner"].send(int(village.places["group"]), "hello")


def member_is_removed(cluster: QuickCluster, village: Village) -> None:
    owner_sends(cluster, village)
    village.people["owner"].ok("DELETE", path(village, f"/members/{village.places['member']}"))


def owner_comes(_: QuickCluster, village: Village) -> None:
    owner = village.people["owner"]
    owner.poll(owner.cursor(), 0)


def stranger_and_owner_become_friends(_: QuickCluster, village: Village) -> None:
    village.people["stranger"].befriend(village.people["owner"])


def owner_blocks_the_friend(_: QuickCluster, village: Village) -> None:
    village.people["owner"].ok("PUT", f"/api/blocks/{village.places['friend']}")


Deed = Callable[[QuickCluster, Village], object]


def owner_changes(**wishes: Any) -> Deed:
    return lambda _, village: village.people["owner"].ok("PATCH", "/api/me", wishes)


def by_owner(method: str, rest: str, body: Any = None) -> Deed:
    return lambda _, village: village.people["owner"].ok(method, path(village, rest), body)


class Telling(NamedTuple):
    """What happens, and who is told of it by an event of this type."""

    type: str
    deed: Deed
    told: str


TELLINGS = [
    Telling("message", owner_sends, "member admin owner"),
    Telling("changed", change_a_message, "member admin owner"),
    Telling("read", by_owner("PUT", "/read", {"number": 1, "back": True}), "owner"),
    Telling("receipt", all_receive, "member admin owner"),
    Telling("conversation", by_owner("PATCH", "", {"name": "new"}), "member admin owner"),
    Telling("conversation", by_owner("PUT", "/settings", {"muted": True}), "owner"),
    Telling("left", member_is_removed, "member"),
    Telling("gone", member_is_removed, "member"),
    Telling("typing", by_owner("POST", "/typing"), "member admin"),
    Telling(
        "friend", lambda _, village: village.people["stranger"].befriend(village.people["owner"]), "stranger owner"
    ),
    Telling("presence", owner_comes, "friend"),
    Telling("profile", owner_changes(status="out"), "friend"),
    Telling("me", owner_changes(status="out"), "owner"),
    Telling("me", owner_changes(hide_typing=True), "owner"),
    Telling("blocked", owner_blocks_the_friend, "owner"),
    Telling("friend", owner_blocks_the_friend, "friend owner"),
]
BEST_EFFORT = {"typing", "presence"}  # told to whoever polls


def test_every_type_of_event_has_a_row() -> None:
    types = {kind.__struct_config__.tag for kind in typing.get_args(feed.Event)}
    assert {telling.type for telling in TELLINGS} == types


@pytest.mark.parametrize("telling", TELLINGS, ids=[f"{one.type}-{number}" for number, one in enumerate(TELLINGS, 1)])
def test_who_is_told_of_what(cluster: QuickCluster, telling: Telling) -> None:
    village = found(cluster)
    everybody = [role for role in ROLES if role != "anonymous"]
    cursors = {role: village.people[role].cursor() for role in everybody}
    if telling.type in BEST_EFFORT:
        heard = heard_while_polling(telling, cluster, village, cursors)
    else:
        telling.deed(cluster, village)
        heard = {role: village.people[role].poll(cursor, 0)["events"] for role, cursor in cursors.items()}
    assert told(telling, heard, village) == set(telling.told.split())


def told(telling: Telling, heard: dict[str, list[Any]], village: Village) -> set[str]:
    """Everybody in the village comes at some time; the owner's coming is what is asked for."""

    def is_it(event: Any) -> bool:
        owner = village.places["owner"]
        return bool(event["type"] == telling.type and event.get("name", owner) == owner)

    if telling.type in ("friend", "blocked"):  # each is told of the other
        return {role for role, events in heard.items() if any(event["type"] == telling.type for event in events)}
    return {role for role, events in heard.items() if any(map(is_it, events))}


def heard_while_polling(
    telling: Telling, cluster: QuickCluster, village: Village, cursors: dict[str, str]
) -> dict[str, list[Any]]:
    """What everybody is told who polls while it happens, and for a while after the last of those to be told was."""
    with contextlib.ExitStack() as stack:
        readers = {
            role: stack.enter_context(Reader(village.people[role], cursor))
            for role, cursor in cursors.items()
            if telling.type != "presence" or role != "owner"
        }
        time.sleep(PARKING)
        telling.deed(cluster, village)
        heard = {role: reader.events for role, reader in readers.items()}
        until("they are told", lambda: told(telling, heard, village) >= set(telling.told.split()))
        time.sleep(PARKING)
        return heard
