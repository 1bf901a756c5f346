"""One client: a person's browser tab or program. Polls, sends, reads, and writes down all that it was told.

Every request goes to a node drawn at random (or to the proxy, if there is one), unless the device is pinned to
one. The device does what the contract asks of clients and no more: a failed poll is repeated with the same cursor, a
failed send under the same client id, `reset` means snapshot and history anew.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event

from tests.faults.history import History
from tests.faults.people import Person
from tests.faults.screen import Screen
from tests.faults.stage import Stage
from tests.faults.wire import Failed, Response, Wire

PATIENCE = 12.0  # seconds beyond a poll's hold that a client waits for the answer
SEND_PATIENCE = 15.0
RETRY = (0.05, 0.3)  # seconds
GIVE_UP_AFTER = 60.0  # seconds for one message
PAGE = 50
GONE = (404,)  # what a member of a group may hear, who was removed a moment ago


class Device:
    """`name` is unique in the history; `rng` decides all that is left to chance here."""

    def __init__(
        self, stage: Stage, history: History, person: Person, name: str, rng: random.Random, token: str = ""
    ) -> None:
        self.stage = stage
        self.person = person
        self.name = name
        self.pin: int | None = None
        self.cursor: str | None = None
        self.screen = Screen()
        self.polls = Wire(token or person.token)
        self.calls = Wire(token or person.token)
        self.expected: tuple[int, ...] = ()  # refusals that are right
        self.news = Event()  # something was shown; for whoever waits for it
        self.history = history
        self._rng = rng
        self._sent = 0
        self._stopped = False
        self._loop: gevent.Greenlet | None = None

    # --- polling

    def start(self) -> None:
        self._stopped = False
        self._loop = gevent.spawn(self._poll_for_ever)

    def stop(self) -> None:
        """Vanish: hang up, poll no more."""
        self._stopped = True
        self.polls.hang_up()
        if self._loop is not None:
            self._loop.join(PATIENCE)
            self._loop = None
        self.polls.close()
        self.calls.close()

    @property
    def is_polling(self) -> bool:
        return self._loop is not None

    def _poll_for_ever(self) -> None:
        while not self._stopped:
            pause = self.load() if self.cursor is None else self.poll()
            if pause is None:
                return
            gevent.sleep(pause)

    def load(self) -> float | None:
        """Snapshot, then the newest page of every conversation; the pause until the next request."""
        began = self.history.now()
        state = self.call("GET", "/api/state")
        if state is None or state.status != 200:
            return self._pause()
        snapshot = state.body
        pages: dict[int, list[Any]] = {}
        for talk in snapshot["conversations"]:
            expected = GONE if talk["kind"] == "group" else ()
            page = self.call("GET", f"/api/conversations/{talk['id']}/messages?limit={PAGE}", expected=expected)
            if page is None or page.status != 200:
                return self._pause()
            pages[talk["id"]] = page.body["messages"]
        self.history.note("load", c=self.name, began=began, snapshot=snapshot, pages=list(pages.items()))
        self.screen.load(snapshot, pages)
        self.cursor = snapshot["cursor"]
        self.news.set()
        return 0

    def poll(self, timeout: float | None = None) -> float | None:
        """One long poll; the pause until the next. None: logged out."""
        node = self._node()
        path = f"/api/events?after={self.cursor}" + ("" if timeout is None else f"&timeout={timeout:g}")
        hold = self.stage.hold * 1.1 if timeout is None else timeout
        record: dict[str, Any] = {"c": self.name, "n": node, "after": self.cursor, "hold": hold}
        record["t0"] = self.history.now()
        try:
            answer = self.polls.request(self.stage.address(node), "GET", path, timeout=hold + PATIENCE)
        except Failed as failed:
            self.history.note("poll", **record, failed=failed.how)
            return 0 if failed.how in ("stale", "own") else self._pause()
        if answer.status != 200:
            record |= {"status": answer.status, "retry_after": answer.retry_after, "expected": self.expected}
            self.history.note("poll", **record)
            return None if answer.status == 401 else self._pause(answer)
        body = answer.body
        messages = [event["message"]["id"] for event in body["events"] if event["type"] == "message"]
        if missing := self.stage.witness.missing(messages):
            record["uncommitted"] = missing
        if body.get("reset"):
            self.cursor = None
            self.history.note("poll", **record, status=200, reset=True)
            return 0
        self.history.note("poll", **record, status=200, cursor=body["cursor"], events=body["events"])
        self.cursor = body["cursor"]
        if body["events"]:
            self.screen.events(body["events"])
            self.news.set()
        return float(body.get("retry_in", 0))

    # --- sending

    def send(self, friend: str, node: int | None = None, give_up: float = 0.0) -> dict[str, Any] | None:
        """Say the next thing to a friend, until it is acknowledged; the message. `give_up`: probability per failure."""
        return self.say(self.person.talks[friend], node, give_up)

    def say(
        self, talk: int, node: int | None = None, give_up: float = 0.0, file: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        """Like `send`, in any conversation; in a group, one may have been removed meanwhile. `file`: of `upload`."""
        self._sent += 1
        client_id = f"{self.name}:{self._sent}"
        text = f"{client_id} says {self._rng.randrange(10**6)}"
        self.history.note(
            "send", c=self.name, cid=client_id, conv=talk, text=text, k=self._sent, who=self.person.name, file=file
        )
        body: dict[str, Any] = {"conversation": talk, "text": text, "client_id": client_id}
        body |= {"files": [file["id"]]} if file else {}
        deadline = self.history.now() + GIVE_UP_AFTER
        while self.history.now() < deadline:
            answer = self.try_send(body, node)
            if answer is not None and answer.status < 500:
                message: dict[str, Any] | None = answer.body["message"] if answer.status < 300 else None
                return message
            if self._rng.random() < give_up:
                return None
            node = None  # wherever that went wrong, the next try goes elsewhere
            gevent.sleep(self._pause(answer))
        return None

    def try_send(self, body: dict[str, Any], node: int | None = None, wire: Wire | None = None) -> Response | None:
        """One request of a send; on a `wire` of its own, to repeat what was acknowledged. None: failed."""
        node = self._node() if node is None else node
        record: dict[str, Any] = {"c": self.name, "n": node, "cid": body["client_id"], "t0": self.history.now()}
        record |= {"expected": GONE} if self.is_group(body["conversation"]) else {}
        try:
            answer = (wire or self.calls).request(
                self.stage.address(node), "POST", "/api/messages", body, timeout=SEND_PATIENCE
            )
        except Failed as failed:
            self.history.note("try", **record, failed=failed.how)
            return None
        record |= {"status": answer.status, "retry_after": answer.retry_after}
        if answer.status < 300:
            record["message"] = answer.body["message"]
            if self.stage.witness.missing([record["message"]["id"]]):
                record["uncommitted"] = True
        self.history.note("try", **record)
        return answer

    def read(self, talk: int, back: bool = False) -> None:
        """Say that all that is shown of a conversation is read; or, with `back`, that the last of it is not."""
        shown = self.screen.talks.get(talk)
        if shown is None or shown.last == 0:
            return
        body = {"number": shown.last - 1, "back": True} if back else {"number": shown.last}
        expected = GONE if self.is_group(talk) else ()
        # On record before it is asked: it may be done though nobody hears of it.
        self.history.note("read", c=self.name, who=self.person.name, conv=talk, **body, asked=True)
        answer = self.call("PUT", f"/api/conversations/{talk}/read", body, expected=expected)
        if answer is not None and answer.status == 200:
            self.history.note("read", c=self.name, who=self.person.name, conv=talk, **body)

    def receive(self) -> bool:
        """Say of all that is shown that it has arrived; whether that was taken."""
        delivered = {str(number): talk.last for number, talk in self.screen.talks.items()}
        answer = self.call("POST", "/api/receipts", {"delivered": delivered})
        if answer is None or answer.status != 204:
            return False
        self.history.note("receipts", c=self.name, who=self.person.name, delivered=list(delivered.items()))
        return True

    # --- files

    def upload(self) -> dict[str, str] | None:
        """A file that nobody else has: its id, and the digest of its content. None where it was not taken."""
        content = f"{self.name} draws {self._rng.randrange(10**18)}".encode() * 100
        answer = self.call("POST", "/api/files?name=drawing.bin", content)
        if answer is None or answer.status != 201:
            return None
        return {"id": answer.body["file"]["id"], "digest": hashlib.sha256(content).hexdigest()}

    # --- groups

    @property
    def groups(self) -> list[int]:
        """Those that are shown."""
        return [number for number, talk in self.screen.talks.items() if talk.role]

    def is_group(self, talk: int) -> bool:
        return talk not in self.person.talks.values()

    def found(self, name: str, members: list[str]) -> None:
        """Make a group of friends."""
        body = {"name": name, "members": members, "client_id": f"{self.name}:group"}
        made = self.insist("POST", "/api/conversations", body)["conversation"]["id"]
        self.person.owns[made] = members
        self.history.note("group", conv=made, owner=self.person.name, members=[self.person.name, *members])

    def seat(self, group: int, name: str, add: bool) -> None:
        """Add a friend to one's group, or remove one, whether they are in it or not."""
        path = f"/api/conversations/{group}/members/{name}"
        answer = self.call("PUT", path, {}) if add else self.call("DELETE", path, expected=GONE)
        if answer is not None and answer.status < 300:
            self.history.note("seat", c=self.name, conv=group, name=name, add=add)

    # --- anything else

    def call(
        self, method: str, path: str, body: Any = None, node: int | None = None, expected: tuple[int, ...] = ()
    ) -> Response | None:
        """One request, recorded; None where it failed. `expected`: refusals that are right."""
        node = self._node() if node is None else node
        record: dict[str, Any] = {"c": self.name, "n": node, "call": f"{method} {path}", "t0": self.history.now()}
        record |= {"expected": expected} if expected else {}
        try:
            answer = self.calls.request(self.stage.address(node), method, path, body)
        except Failed as failed:
            self.history.note("call", **record, failed=failed.how)
            return None
        self.history.note("call", **record, status=answer.status, retry_after=answer.retry_after)
        return answer

    def insist(self, method: str, path: str, body: Any = None, seconds: float = 30) -> Any:
        """Repeat the call until it succeeds; the decoded body, None where it never did."""
        deadline = self.history.now() + seconds
        while self.history.now() < deadline:
            answer = self.call(method, path, body)
            if answer is not None and answer.status < 300:
                return answer.body
            gevent.sleep(self._pause(answer))
        return None

    def wait_for(self, look: Callable[[], object], seconds: float) -> bool:
        """Whether `look` comes true in time; it is asked whenever something was shown."""
        deadline = self.history.now() + seconds
        while not look():
            left = deadline - self.history.now()
            if left <= 0:
                return False
            self.news.clear()
            self.news.wait(min(left, 0.2))
        return True

    def wait_for_end(self, seconds: float) -> bool:
        """Whether the polling ended by itself, because the session is over."""
        if self._loop is not None:
            self._loop.join(seconds)
        return self._loop is None or bool(self._loop.ready())

    def shows(self, message: dict[str, Any] | None) -> bool:
        talk = self.screen.talks.get(message["conversation"]) if message else None
        return talk is not None and message is not None and message["number"] in talk.shown

    def _node(self) -> int:
        return self._rng.choice(self.stage.entrances) if self.pin is None else self.pin

    def _pause(self, answer: Response | None = None) -> float:
        pause = self._rng.uniform(*RETRY)
        if answer is not None and answer.retry_after is not None:
            # An honest client waits as long as it is told; half of that keeps the pressure on.
            pause += min(float(answer.retry_after), 2.0) / 2
        return pause
