"""A browser for the tests: a jar of cookies, and a slot for each tab."""

from __future__ import annotations

import random
from collections.abc import Sequence
from http.cookies import Morsel, SimpleCookie
from typing import Any

from tests.client import PASSWORD, Address, Answer, request

SLOT = "X-Webchat-Session"


class Browser:
    """Sends all its cookies with every request, to a node drawn at random, as browsers do behind a balancer."""

    def __init__(self, nodes: Sequence[Address]) -> None:
        self.nodes = nodes
        self.cookies: dict[str, str] = {}

    def call(
        self, slot: str | None, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """`slot` None: without the header that no foreign page can set."""
        own = {} if slot is None else {SLOT: slot}
        if self.cookies:
            own["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = request(random.choice(self.nodes), method, path, body, own | (headers or {}))
        for name, morsel in set_cookies(answer).items():
            if morsel.value:
                self.cookies[name] = morsel.value
            else:
                self.cookies.pop(name, None)
        return answer

    def log_in(self, slot: str, name: str, headers: dict[str, str] | None = None) -> Answer:
        answer = self.call(slot, "POST", "/api/session", {"name": name, "password": PASSWORD}, headers)
        assert answer.status == 200, answer
        return answer

    def name(self, slot: str) -> str:
        """Who is logged in there; empty for nobody."""
        answer = self.call(slot, "GET", "/api/state")
        return str(answer.body["me"]["name"]) if answer.status == 200 else ""


def set_cookies(answer: Answer) -> dict[str, Morsel[str]]:
    return dict(SimpleCookie(answer.headers.get("set-cookie", "")))
