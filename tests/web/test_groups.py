"""Groups over HTTP: made, named, joined, left, handed over; each change a note, and a line for whom it concerns."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.client import Answer, Client
from tests.conftest import two_nodes
from tests.web.conftest import QuickCluster

Note = tuple[str, str, str]  # kind, from, text


class Crew(NamedTuple):
    """A group: its owner, an admin and a member, all friends of the owner, and a friend who is not in it."""

    id: int
    owner: Client
    admin: Client
    member: Client
    friend: Client

    @property
    def path(self) -> str:
        return f"/api/conversations/{self.id}"

    def put(self, who: Client, whom: Client, **role: str) -> Answer:
        return who.call("PUT", f"{self.path}/members/{whom.name}", role)

    def remove(self, who: Client, whom: Client) -> Answer:
        return who.call("DELETE", f"{self.path}/members/{whom.name}")

    def roles(self, seen_by: Client) -> dict[str, str]:
        return {one["name"]: one["role"] for one in seen_by.ok("GET", self.path)["members"]}


def make(who: Client, name: str, *members: Client, **more: str) -> Any:
    body = {"name": name, "members": [member.name for member in members]} | more
    return who.ok("POST", "/api/conversations", body)["conversation"]


@pytest.fixture
def crew(cluster: QuickCluster) -> Crew:
    owner, admin, member, friend = (cluster.user() for _ in range(4))
    for one in (admin, member, friend):
        owner.befriend(one)
    made = Crew(make(owner, "the crew", admin, member)["id"], owner, admin, member, friend)
    assert made.put(owner, admin, role="admin").status == 200
    return made


def line(who: Client, group: int) -> Any:
    """The group's line in the snapshot; None where there is none."""
    return next((one for one in who.state()["conversations"] if one["id"] == group), None)


def notes(who: Client, group: int) -> list[Note]:
    return [(one["kind"], one["from"], one["text"]) for one in who.history(group) if "kind" in one]


def news(who: Client, cursor: str) -> list[Any]:
    return [event for event in who.poll(cursor, 0)["events"] if event["type"] != "presence"]


def kinds(events: list[Any]) -> list[str]:
    return [event["message"]["kind"] if event["type"] == "message" else event["type"] for event in events]


# --- making one


def test_a_new_group_is_told_to_all_its_members(cluster: QuickCluster) -> None:
    owner, one, other = cluster.user(), cluster.user(), cluster.user()
    for friend in (one, other):
        owner.befriend(friend)
    cursors = {who: who.cursor() for who in (owner, one, other)}
    made = make(owner, "Löwen & Tiger", one, other)
    expected = {"kind": "group", "name": "Löwen & Tiger", "with": None, "open": True, "members": 3, "last_number": 1}
    assert made | expected | {"role": "owner", "unread": 0} == made
    assert notes(one, made["id"]) == [("created", owner.name, "Löwen & Tiger")]
    for who, cursor in cursors.items():
        role, unread = ("owner", 0) if who is owner else ("member", 1)
        events = news(who, cursor)
        assert kinds(events) == ["conversation", "created"]
        assert events[0]["conversation"]["role"] == role
        assert line(who, made["id"]) == made | {"role": role, "unread": unread, "read_number": 1 - unread}


def test_the_same_client_id_makes_no_second_group(cluster: QuickCluster) -> None:
    owner, one, _ = cluster.pair()
    body = {"name": "once", "members": [one.name], "client_id": "g-1"}
    answers = [owner.call("POST", "/api/conversations", body) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 200]
    assert answers[0].body == answers[1].body
    other = owner.call("POST", "/api/conversations", body | {"name": "another"})
    assert (other.status, other.body["code"]) == (409, "client_id_reused")
    assert len([each for each in owner.state()["conversations"] if each["kind"] == "group"]) == 1
    own = {"text": "once", "conversation": line(one, answers[0].body["conversation"]["id"])["id"], "client_id": "g-1"}
    assert one.call("POST", "/api/messages", own).status == 201, "another sender's client id"
    assert owner.call("POST", "/api/messages", own).status == 200, "the note itself, as sent before"


def test_the_same_client_id_with_other_members_is_no_retry(cluster: QuickCluster) -> None:
    owner, one, _ = cluster.pair()
    other = cluster.user()
    owner.befriend(other)
    body = {"name": "once", "members": [one.name, owner.name], "client_id": "g-1"}
    made = owner.ok("POST", "/api/conversations", body)["conversation"]
    for members in ([one.name, other.name], [other.name], []):
        answer = owner.call("POST", "/api/conversations", body | {"members": members})
        assert (answer.status, answer.body["code"]) == (409, "client_id_reused")
    crew = f"/api/conversations/{made['id']}/members"
    owner.ok("PUT", f"{crew}/{other.name}", {})
    assert owner.call("DELETE", f"{crew}/{one.name}").status == 204
    again = owner.call("POST", "/api/conversations", body | {"members": [one.name.upper(), one.name]})
    assert (again.status, again.body["conversation"]["id"]) == (200, made["id"]), "whoever has come and gone since"


def test_only_friends_can_be_brought_along(cluster: QuickCluster) -> None:
    owner, friend, _ = cluster.pair()
    stranger = cluster.user()
    answers = [
        owner.call("POST", "/api/conversations", {"name": "no", "members": [friend.name, name]})
        for name in (stranger.name, "nobody-at-all", "", "\0")
    ]
    assert {(answer.status, answer.raw) for answer in answers} == {(404, answers[0].raw)}
    assert [each for each in owner.state()["conversations"] if each["kind"] == "group"] == []
    assert make(owner, "yes", friend, friend, owner)["members"] == 2, "whoever is named twice is there once"
    assert make(owner, "alone")["members"] == 1


def test_a_name_has_no_blanks_around_it(crew: Crew) -> None:
    assert make(crew.owner, "  us all ")["name"] == "us all"
    assert crew.owner.ok("PATCH", crew.path, {"name": " we "})["conversation"]["name"] == "we"


def test_a_note_is_not_answered(crew: Crew) -> None:
    note = crew.owner.history(crew.id)[0]
    body = {"conversation": crew.id, "text": "re", "client_id": "n", "reply_to": note["id"]}
    answer = crew.member.call("POST", "/api/messages", body)
    assert (answer.status, answer.body["code"]) == (409, "not_said")


def test_an_admin_may_step_down(crew: Crew) -> None:
    assert crew.put(crew.admin, crew.member, role="member").status == 200, "so already"
    answer = crew.put(crew.admin, crew.admin, role="member")
    assert (answer.status, answer.body["conversation"]["role"]) == (200, "member")
    assert crew.put(crew.admin, crew.admin, role="admin").body["code"] == "role_needed"


# --- joining


def test_who_is_added_sees_all_that_was_said(crew: Crew) -> None:
    crew.member.send(crew.id, "before")
    cursor, others = crew.friend.cursor(), crew.member.cursor()
    answer = crew.put(crew.owner, crew.friend)
    assert (answer.status, answer.body["conversation"]["members"]) == (200, 4)
    events = news(crew.friend, cursor)
    assert kinds(events) == ["conversation", "added"]
    assert [one["text"] for one in crew.friend.history(crew.id)][-2:] == ["before", crew.friend.name]
    mine = line(crew.friend, crew.id)
    assert (mine["role"], mine["last_number"], mine["unread"]) == ("member", 4, 1), "but for the note, all is read"
    assert kinds(news(crew.member, others)) == ["conversation", "added"]
    assert line(crew.member, crew.id)["members"] == 4
    assert crew.put(crew.owner, crew.friend).status == 200, "is there already"
    assert notes(crew.owner, crew.id)[-1] == ("added", crew.owner.name, crew.friend.name)
    assert len(notes(crew.owner, crew.id)) == 3
    assert crew.friend.send(crew.id, "hello")["number"] == 5


def test_admins_add_their_own_friends_and_members_nobody(cluster: QuickCluster, crew: Crew) -> None:
    theirs = cluster.user()
    crew.admin.befriend(theirs)
    assert crew.put(crew.admin, crew.friend).status == 404, "a friend of the owner's alone"
    assert crew.put(crew.owner, theirs).status == 404
    assert crew.put(crew.admin, theirs).status == 200
    crew.member.befriend(crew.friend)
    refused = crew.put(crew.member, crew.friend)
    assert (refused.status, refused.body["code"]) == (403, "role_needed")


def test_a_group_has_its_limit(tmp_path_factory: pytest.TempPathFactory) -> None:
    with two_nodes(tmp_path_factory.mktemp("small"), group_max="3") as cluster:
        owner = cluster.user()
        friends = [cluster.user() for _ in range(3)]
        for friend in friends:
            owner.befriend(friend)
        names = {"name": "small", "members": [friend.name for friend in friends]}
        refused = owner.call("POST", "/api/conversations", names)
        assert (refused.status, refused.body["code"]) == (409, "group_full")
        group = make(owner, "small", *friends[:2])["id"]
        refused = owner.call("PUT", f"/api/conversations/{group}/members/{friends[2].name}", {})
        assert (refused.status, refused.body["code"]) == (409, "group_full")


# --- names and roles


def test_a_group_is_renamed_by_owner_and_admins(crew: Crew) -> None:
    cursor = crew.member.cursor()
    assert crew.admin.ok("PATCH", crew.path, {"name": "new"})["conversation"]["name"] == "new"
    assert crew.owner.ok("PATCH", crew.path, {"name": "new"})["conversation"]["last_number"] == 3, "nothing changed"
    assert kinds(news(crew.member, cursor)) == ["renamed", "conversation"]
    assert notes(crew.member, crew.id)[-1] == ("renamed", crew.admin.name, "new")
    assert crew.member.call("PATCH", crew.path, {"name": "mine"}).status == 403
    assert line(crew.friend, crew.id) is None


def test_roles_are_the_owner_s_to_give(crew: Crew) -> None:
    assert crew.roles(crew.member) == {
        crew.owner.name: "owner",
        crew.admin.name: "admin",
        crew.member.name: "member",
    }
    assert list(crew.roles(crew.member)) == [crew.owner.name, crew.admin.name, crew.member.name]
    for who in (crew.admin, crew.member):
        assert crew.put(who, crew.member, role="admin").status == 403
    assert crew.put(crew.admin, crew.owner, role="member").status == 403
    cursor, own = crew.owner.cursor(), crew.admin.cursor()
    assert crew.put(crew.owner, crew.admin, role="member").status == 200
    assert kinds(news(crew.owner, cursor)) == ["role"], "the owner's line stays as it is"
    assert kinds(news(crew.admin, own)) == ["role", "conversation"]
    assert notes(crew.owner, crew.id)[-1] == ("role", crew.owner.name, f"{crew.admin.name} member")
    assert crew.put(crew.owner, crew.friend, role="admin").status == 200, "added and raised at once"
    assert crew.roles(crew.owner)[crew.friend.name] == "admin"
    bad = crew.put(crew.owner, crew.member, role="king")
    assert (bad.status, bad.body["code"]) == (400, "invalid")


def test_a_group_has_one_owner(crew: Crew) -> None:
    kept = crew.put(crew.owner, crew.owner, role="member")
    assert (kept.status, kept.body["code"]) == (409, "owner_needed")
    given = crew.put(crew.owner, crew.member, role="owner")
    assert (given.status, given.body["conversation"]["role"]) == (200, "admin")
    assert crew.roles(crew.owner) == {crew.member.name: "owner", crew.owner.name: "admin", crew.admin.name: "admin"}


# --- leaving


def test_who_may_remove_whom(crew: Crew) -> None:
    assert crew.put(crew.owner, crew.friend, role="admin").status == 200
    for who, whom in (
        *((crew.member, crew.admin), (crew.member, crew.owner)),
        *((crew.admin, crew.friend), (crew.admin, crew.owner)),
    ):
        refused = crew.remove(who, whom)
        assert (refused.status, refused.body["code"]) == (403, "role_needed")
    assert crew.remove(crew.admin, crew.member).status == 204
    assert crew.remove(crew.owner, crew.friend).status == 204
    assert crew.roles(crew.owner) == {crew.owner.name: "owner", crew.admin.name: "admin"}
    assert [note[::2] for note in notes(crew.owner, crew.id)][-2:] == [
        ("removed", crew.member.name),
        ("removed", crew.friend.name),
    ]
    assert crew.remove(crew.owner, crew.friend).status == 404


def test_who_was_removed_is_told_only_that(crew: Crew) -> None:
    crew.owner.send(crew.id, "secret")
    cursor, others = crew.member.cursor(), crew.owner.cursor()
    assert kinds(news(crew.member, crew.member.cursor())) == [], "from now on a worker keeps a mailbox"
    crew.owner.send(crew.id, "secret too")
    assert crew.remove(crew.admin, crew.member).status == 204
    crew.owner.send(crew.id, "more of it")
    for _ in range(8):  # whichever node answers, the one with the mailbox among them
        events = news(crew.member, cursor)
        assert events == [{"type": "gone"}, {"type": "left", "conversation": crew.id}]
    assert kinds(news(crew.owner, others)[1:3]) == ["removed", "conversation"]
    assert line(crew.member, crew.id) is None
    for method, path, body in (
        ("GET", crew.path, None),
        ("PATCH", crew.path, {"name": "mine"}),
        ("GET", f"{crew.path}/messages", None),
        ("PUT", f"{crew.path}/read", {"number": 1}),
        ("PUT", f"{crew.path}/settings", {"muted": True}),
        ("POST", f"{crew.path}/typing", None),
        ("PUT", f"{crew.path}/members/{crew.friend.name}", {}),
        ("DELETE", f"{crew.path}/members/{crew.member.name}", None),
        ("POST", "/api/messages", {"conversation": crew.id, "text": "let me in", "client_id": "let-me-in"}),
    ):
        assert crew.member.call(method, path, body).status == 404, (method, path)
    assert crew.remove(crew.owner, crew.member).status == 404


def test_a_retry_of_a_send_tells_an_ex_member_nothing(crew: Crew) -> None:
    crew.member.send(crew.id, "once", "mine-1")
    assert crew.remove(crew.owner, crew.member).status == 204
    body = {"conversation": crew.id, "text": "once", "client_id": "mine-1"}
    assert crew.member.call("POST", "/api/messages", body).status == 404


def test_who_comes_back_has_it_all_again(crew: Crew) -> None:
    crew.member.send(crew.id, "before")
    assert crew.remove(crew.member, crew.member).status == 204
    crew.owner.send(crew.id, "meanwhile")
    cursor = crew.member.cursor()
    assert crew.put(crew.owner, crew.member).status == 200
    assert kinds(news(crew.member, cursor)) == ["conversation", "added"]
    said = [one["text"] for one in crew.member.history(crew.id) if "kind" not in one]
    assert said == ["before", "meanwhile"]


def test_an_owner_who_leaves_hands_it_to_the_oldest_admin_or_else_member(crew: Crew) -> None:
    assert crew.put(crew.owner, crew.friend).status == 200
    cursors = crew.owner.cursor(), crew.admin.cursor()
    assert crew.remove(crew.owner, crew.owner).status == 204
    assert news(crew.owner, cursors[0]) == [{"type": "left", "conversation": crew.id}]
    assert kinds(news(crew.admin, cursors[1])) == ["role", "left", "conversation"]
    assert notes(crew.admin, crew.id)[-2:] == [
        ("role", crew.owner.name, f"{crew.admin.name} owner"),
        ("left", crew.owner.name, ""),
    ]
    assert crew.roles(crew.admin)[crew.admin.name] == "owner"
    assert crew.remove(crew.admin, crew.admin).status == 204
    assert crew.roles(crew.member) == {crew.member.name: "owner", crew.friend.name: "member"}
    for who in (crew.member, crew.friend):
        assert crew.remove(who, who).status == 204
    assert crew.owner.call("GET", crew.path).status == 404, "nobody is left, and nobody gets in"


def test_a_conversation_of_two_is_no_group(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    path = f"/api/conversations/{talk}"
    for method, where, body in (
        ("PATCH", path, {"name": "ours"}),
        ("PUT", f"{path}/members/{other.name}", {"role": "admin"}),
        ("DELETE", f"{path}/members/{one.name}", None),
    ):
        answer = one.call(method, where, body)
        assert (answer.status, answer.body["code"]) == (403, "not_a_group")
    assert one.ok("GET", path)["members"] == [{"name": name} for name in sorted((one.name, other.name))]


# --- quiet


def test_a_quiet_conversation_is_so_on_one_s_own_devices(cluster: QuickCluster, crew: Crew) -> None:
    talk = crew.owner.state()["friends"][0]["conversation"]
    for conversation in (crew.id, talk):
        cursor, others = crew.owner.cursor(), crew.member.cursor()
        path = f"/api/conversations/{conversation}/settings"
        for _ in range(2):
            assert crew.owner.ok("PUT", path, {"muted": True})["conversation"]["muted"] is True
        (told,) = news(crew.owner, cursor)
        assert (told["type"], told["conversation"]["id"], told["conversation"]["muted"]) == (
            *("conversation", conversation),
            True,
        )
        assert news(crew.member, others) == []
        assert "muted" not in crew.owner.ok("PUT", path, {"muted": False})["conversation"]
