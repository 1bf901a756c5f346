"""A chat client for the tests: plain http.client, every request through a node drawn at random."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

PASSWORD = "correct horse"
Address = tuple[str, int]
JSON = {"Content-Type": "application/json"}

_serial = itertools.count(1)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    def __str__(self) -> str:
        return f"{self.status} {self.raw[:400]!r}"


def request(
    address: Address,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    timeout: float = 60,
) -> Answer:
    """One request on a connection of its own. `body`: bytes as they are, anything else as JSON."""
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), JSON | (headers or {})
        connection.request(method, path, body, headers or {})
        with connection.getresponse() as response:
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
    finally:
        connection.close()


class Client:
    """A program with a token. `nodes`: where it may send its requests."""

    def __init__(self, nodes: Sequence[Address], name: str = "", token: str = "") -> None:
        self.nodes = nodes
        self.name = name
        self.token = token

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return request(random.choice(self.nodes), method, path, body, bearer | (headers or {}))

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        """Like `call`, for what must go well; the decoded body."""
        answer = self.call(method, path, body)
        assert answer.status < 300, f"{method} {path}: {answer}"
        return answer.body

    def register(self, name: str = "") -> Self:
        """A new account, logged in."""
        self.name = name or f"u{next(_serial)}-{secrets.token_hex(3)}"
        self.ok("POST", "/api/users", {"name": self.name, "password": PASSWORD})
        return self.log_in()

    def log_in(self, password: str = PASSWORD) -> Self:
        self.token = self.ok("POST", "/api/tokens", {"name": self.name, "password": password})["token"]
        return self

    def befriend(self, other: Client) -> int:
        """Ask and be accepted; the conversation's id."""
        self.ok("POST", "/api/friends", {"name": other.name})
        friend = other.ok("PUT", f"/api/friends/{self.name}")["friend"]
        return int(friend["conversation"])

    def state(self) -> Any:
        return self.ok("GET", "/api/state")

    def cursor(self) -> str:
        return str(self.state()["cursor"])

    def poll(self, cursor: str, timeout: float | None = None) -> Any:
        return self.ok("GET", f"/api/events?after={cursor}" + ("" if timeout is None else f"&timeout={timeout}"))

    def send(self, conversation: int, text: str, client_id: str = "") -> Any:
        body = {"conversation": conversation, "text": text, "client_id": client_id or secrets.token_hex(8)}
        return self.ok("POST", "/api/messages", body)["message"]

    def history(self, conversation: int) -> list[Any]:
        """All of it, page by page, oldest first."""
        messages: list[Any] = []
        before = ""
        while True:
            page = self.ok("GET", f"/api/conversations/{conversation}/messages?limit=50{before}")
            messages = page["messages"] + messages
            if not page["more"]:
                return messages
            before = f"&before={messages[0]['id']}"


def metric(nodes: Sequence[Address], name: str) -> float:
    """Its value, of all nodes together."""
    lines = [line for node in nodes for line in request(node, "GET", "/metrics").raw.decode().splitlines()]
    return sum(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


class Reader:
    """Polls in a thread for as long as the `with` block runs; `events` is what came, in order.

    A failed poll is repeated with the same cursor, as the contract says a client may.
    """

    def __init__(self, client: Client, cursor: str = "") -> None:
        self.client = client
        self.cursor = cursor or client.cursor()
        self.events: list[Any] = []
        self.answers: list[Answer] = []
        self.failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                answer = self.client.call("GET", f"/api/events?after={self.cursor}&timeout=2")
            except (OSError, http.client.HTTPException):
                self.failures += 1
                time.sleep(0.05)
                continue
            if answer.status != 200:
                self.answers.append(answer)
                time.sleep(0.05)
                continue
            body = answer.body
            assert "reset" not in body, body
            self.events += body["events"]
            self.cursor = body["cursor"]

    def texts(self) -> list[str]:
        return [event["message"]["text"] for event in self.of("message")]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event["type"] == kind]


def until(what: str, look: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true result of `look`; fails by name when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return found
