"""Registering, and finding people."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.client import PASSWORD, request
from tests.web.conftest import QuickCluster


def fresh(prefix: str = "n") -> str:
    return f"{prefix}{secrets.token_hex(5)}"


def register(cluster: QuickCluster, name: str, password: str = PASSWORD) -> tuple[int, str]:
    """The status, and the name or the problem's code."""
    answer = cluster.client().call("POST", "/api/users", {"name": name, "password": password})
    return answer.status, answer.body["user"]["name"] if answer.status == 201 else answer.body["code"]


def test_registering_answers_with_the_name_and_does_not_log_in(cluster: QuickCluster) -> None:
    name = fresh("Ann")
    answer = cluster.client().call("POST", "/api/users", {"name": name, "password": PASSWORD})
    assert (answer.status, answer.body) == (201, {"user": {"name": name}})
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["a0", "Z" * 22, "0._-"])
def test_a_name_at_the_edges_is_taken_as_it_is(cluster: QuickCluster, name: str) -> None:
    name = name + secrets.token_hex(5)
    assert len(name) <= 32
    assert register(cluster, name) == (201, name)
    assert register(cluster, name.swapcase()) == (409, "name_taken")


@pytest.mark.parametrize("password", ["a" * 8, "a" * 256, "\U0001f600" * 8, " " * 8])
def test_a_password_at_the_edges_logs_in(cluster: QuickCluster, password: str) -> None:
    name = fresh()
    assert register(cluster, name, password) == (201, name)
    answer = cluster.client().call("POST", "/api/tokens", {"name": name, "password": password})
    assert answer.status == 201
    assert cluster.client().call("POST", "/api/tokens", {"name": name, "password": password + "x"}).status == 401


def test_a_name_is_given_once_even_to_the_hasty(cluster: QuickCluster) -> None:
    name = fresh()
    spellings = [name, name.upper(), name.capitalize(), name]
    nodes = [*cluster.nodes, *cluster.nodes]

    def hurry(number: int) -> int:
        body = {"name": spellings[number], "password": PASSWORD}
        return request(nodes[number], "POST", "/api/users", body).status

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(hurry, range(4))) == [201, 409, 409, 409]


def test_people_are_found_by_the_beginning_of_their_name_in_any_case(cluster: QuickCluster) -> None:
    prefix = fresh("F")
    one, friend, asked, asking, none = cluster.users(f"{prefix}one", *(prefix + end for end in "abcd"))
    one.befriend(friend)
    one.ok("POST", "/api/friends", {"name": asked.name})
    asking.ok("POST", "/api/friends", {"name": one.name})
    assert one.ok("GET", f"/api/users?query={prefix.lower()}")["users"] == [
        {"name": friend.name, "relation": "friend"},
        {"name": asked.name, "relation": "outgoing"},
        {"name": asking.name, "relation": "incoming"},
        {"name": none.name, "relation": "none"},
    ]
    assert one.ok("GET", f"/api/users?query={none.name}") == {"users": [{"name": none.name, "relation": "none"}]}
    assert one.ok("GET", f"/api/users?query={one.name}") == {"users": []}, "one does not find oneself"


@pytest.mark.parametrize("query", ["%25", "_", "*", "%00", "%F0%9F%98%80", "%FF", "'", "zz%20"])
def test_a_query_is_text_and_no_pattern(cluster: QuickCluster, query: str) -> None:
    assert cluster.user().ok("GET", f"/api/users?query={query}") == {"users": []}


def test_not_everybody_is_listed(cluster: QuickCluster) -> None:
    prefix = fresh()
    cluster.users(*(f"{prefix}{count:02}" for count in range(22)))
    found = [each["name"] for each in cluster.user().ok("GET", f"/api/users?query={prefix}")["users"]]
    assert found == [f"{prefix}{count:02}" for count in range(20)]
