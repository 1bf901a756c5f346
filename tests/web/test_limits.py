"""Rate limits: floods and guessing are answered 429, and when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import PASSWORD, Address, Answer, Client
from tests.conftest import FAST
from tests.web.browser import Browser, set_cookies
from tests.workers.launched import Launched

LOGIN = 2  # failures a minute, per name
REGISTER = 8  # a minute, per address
SEND = 5  # a minute, per user
UPLOAD = 2  # a minute, per user
EXPORT = 2  # a minute, per user
OFFICE, HOME = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Address]]:
    """One worker with small limits; each test comes from an address of its own."""
    limits = {
        "limit_login": f"{LOGIN}/minute",
        "limit_register": f"{REGISTER}/minute",
        "limit_send": f"{SEND}/minute",
        "limit_upload": f"{UPLOAD}/minute",
        "limit_export": f"{EXPORT}/minute",
    }
    with Launched(tmp_path_factory.mktemp("limits") / "data", **FAST | limits) as node:
        yield [("127.0.0.1", node.ready().port)]
        node.stop()


@pytest.fixture
def stingy(tmp_path: Any) -> Iterator[list[Address]]:
    """A node that believes no proxy."""
    with Launched(
        tmp_path / "data", **FAST | {"limit_register": "1/minute", "forwarded_allow_ips": "192.0.2.1"}
    ) as node:
        yield [("127.0.0.1", node.ready().port)]
        node.stop()


def too_many(answer: Answer) -> bool:
    """Checks the whole refusal, too."""
    if answer.status != 429:
        return False
    assert answer.body["code"] == "too_many_requests"
    assert 1 <= answer.body["retry_after"] <= 60
    assert answer.headers["retry-after"] == str(answer.body["retry_after"])
    return True


def register(nodes: list[Address], name: str, address: dict[str, str]) -> Answer:
    return Client(nodes).call("POST", "/api/users", {"name": name, "password": PASSWORD}, address)


def log_in(nodes: list[Address], name: str, password: str, address: dict[str, str]) -> Answer:
    return Client(nodes).call("POST", "/api/tokens", {"name": name, "password": password}, address)


def test_registrations_are_counted_per_address(nodes: list[Address]) -> None:
    answers = [register(nodes, f"flood-{count}", OFFICE) for count in range(REGISTER + 2)]
    assert [answer.status for answer in answers] == [201] * REGISTER + [429, 429]
    assert too_many(answers[-1])
    assert register(nodes, "flood-elsewhere", HOME).status == 201
    # The client may write what it likes into the header: the last entry is our proxy's.
    assert too_many(register(nodes, "flood-liar", {"X-Forwarded-For": f"198.51.100.1, {OFFICE['X-Forwarded-For']}"}))


def test_guessing_a_password_is_stopped(nodes: list[Address]) -> None:
    here = {"X-Forwarded-For": "203.0.113.20"}
    register(nodes, "guessed", here)
    answers = [log_in(nodes, name, "wrong password", here) for name in ("guessed", "GUESSED", "Guessed")]
    assert [answer.status for answer in answers] == [401] * LOGIN + [429]
    assert too_many(log_in(nodes, "guessed", PASSWORD, {"X-Forwarded-For": "203.0.113.21"})), "from anywhere"
    answer = Browser(nodes).call("main", "POST", "/api/session", {"name": "guessed", "password": PASSWORD})
    assert too_many(answer), "at both doors"
    assert not set_cookies(answer)


def test_guessing_names_is_stopped(nodes: list[Address]) -> None:
    here = {"X-Forwarded-For": "203.0.113.30"}
    answers = [log_in(nodes, f"nobody-{count}", "wrong password", here) for count in range(LOGIN * 10 + 1)]
    assert [answer.status for answer in answers] == [401] * LOGIN * 10 + [429]
    assert log_in(nodes, "nobody-else", "wrong password", HOME).status == 401


def test_successful_log_ins_are_no_failures(nodes: list[Address]) -> None:
    here = {"X-Forwarded-For": "203.0.113.40"}
    register(nodes, "often-here", here)
    assert {log_in(nodes, "often-here", PASSWORD, here).status for _ in range(LOGIN * 2)} == {201}
    assert log_in(nodes, "often-here", "wrong password", here).status == 401


def test_sends_are_counted_per_user(nodes: list[Address]) -> None:
    here = {"X-Forwarded-For": "203.0.113.50"}
    one, other = (Client(nodes, name) for name in ("talker", "listener"))
    for each in (one, other):
        register(nodes, each.name, here)
        each.log_in()
    conversation = one.befriend(other)
    body = {"conversation": conversation, "text": "a"}
    answers = [one.call("POST", "/api/messages", body | {"client_id": str(count)}) for count in range(SEND + 1)]
    assert [answer.status for answer in answers] == [201] * SEND + [429]
    assert too_many(answers[-1])
    assert len(other.history(conversation)) == SEND
    assert other.send(conversation, "and I?")["number"] == SEND + 1


def test_uploads_are_counted_per_user(nodes: list[Address]) -> None:
    here = {"X-Forwarded-For": "203.0.113.60"}
    one, other = (Client(nodes, name) for name in ("sender", "another"))
    for each in (one, other):
        register(nodes, each.name, here)
        each.log_in()
    answers = [one.call("POST", "/api/files?name=a", b"x") for _ in range(UPLOAD + 1)]
    assert [answer.status for answer in answers] == [201] * UPLOAD + [429]
    assert too_many(answers[-1])
    assert other.call("POST", "/api/files?name=a", b"x").status == 201


def test_downloads_of_all_of_one_s_data_are_limited_per_user(nodes: list[Address]) -> None:
    one, other, here = Client(nodes, "export-1"), Client(nodes, "export-2"), {"X-Forwarded-For": "203.0.113.23"}
    for each in (one, other):
        register(nodes, each.name, here)
        each.log_in()
    answers = [one.call("GET", "/api/me/data") for _ in range(EXPORT + 1)]
    assert [answer.status for answer in answers] == [200] * EXPORT + [429]
    assert too_many(answers[-1])
    assert other.call("GET", "/api/me/data").status == 200


def test_an_address_that_nobody_trusted_wrote_counts_for_nothing(stingy: list[Address]) -> None:
    assert register(stingy, "first", OFFICE).status == 201
    assert too_many(register(stingy, "second", HOME))
    answer = Browser(stingy).log_in("main", "first", {"X-Forwarded-Proto": "https"})
    assert not set_cookies(answer)["webchat_main"]["secure"], "nor does what it says of TLS"
