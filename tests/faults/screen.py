"""What a client shows: a pure model of one, fed with what the server said. Clients and oracle share it.

It de-duplicates as a client should (a message's number says whether it is shown already), and complains
of whatever an honest feed cannot bring: a hole, or another message under a known number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Message = dict[str, Any]
CHANGING = ("text", "edited_at", "deleted", "revision", "reactions", "mentions", "files", "reply_to")


def revision(message: Message) -> int:
    return int(message.get("revision", 0))


def same(one: Message, other: Message) -> bool:
    """Whether two states may be of one message: alike but for what changes; the same revision is the same state."""
    if revision(one) == revision(other):
        return one == other
    return _fixed(one) == _fixed(other)


def _fixed(message: Message) -> Message:
    return {name: value for name, value in message.items() if name not in CHANGING}


class Talk:
    """One conversation: the slice of it that is shown, and how far it is read."""

    def __init__(self, last: int, read: int, is_open: bool = True) -> None:
        self.last = last  # the newest number that this client knows of
        self.read = read
        self.open = is_open
        self.role = ""  # one's own, in a group
        self.members = 0  # of a group
        self.shown: dict[int, Message] = {}

    @classmethod
    def of(cls, line: Any) -> Talk:
        """As a line of a snapshot, or of an event, has it."""
        talk = cls(line["last_number"], line["read_number"], line["open"])
        talk.update(line)
        return talk

    def update(self, line: Any) -> None:
        """A newer line. It may be ahead of the messages, which have entries of their own: they will come."""
        self.read, self.open = line["read_number"], line["open"]
        self.role, self.members = line.get("role", ""), line.get("members", 0)

    @property
    def unread(self) -> int:
        return self.last - self.read

    def is_like(self, history: list[Message]) -> bool:
        """Whether all there is, is shown as it is now."""
        return self.last >= len(history) and all(
            revision(self.shown[message["number"]]) >= revision(message)
            for message in history
            if message["number"] in self.shown
        )


class Screen:
    """`complaints` collects what must not happen, as (invariant, sentence)."""

    def __init__(self) -> None:
        self.me = ""
        self.friends: dict[str, bool] = {}
        self.requests: dict[str, str] = {}
        self.statuses: dict[str, str] = {}  # friends' and one's own, where there is one
        self.blocked: dict[str, bool] = {}
        self.talks: dict[int, Talk] = {}
        self.complaints: list[tuple[str, str]] = []

    def load(self, snapshot: Any, pages: dict[int, list[Message]]) -> None:
        """Start anew: a snapshot, and the newest page of some conversations, read after it."""
        self.me = snapshot["me"]["name"]
        self.friends = {friend["name"]: friend["online"] for friend in snapshot["friends"]}
        self.requests = {request["name"]: request["direction"] for request in snapshot["requests"]}
        known = [snapshot["me"], *snapshot["friends"]]
        self.statuses = {one["name"]: one["status"] for one in known if one.get("status")}
        self.blocked = dict.fromkeys(snapshot.get("blocked", []), True)
        self.talks = {one["id"]: Talk.of(one) for one in snapshot["conversations"]}
        for conversation, page in pages.items():
            self._page(conversation, page)

    def events(self, events: Iterable[Any]) -> None:
        for event in events:
            match event["type"]:
                case "message":
                    self._message(event["message"])
                case "changed":
                    self._changed(event["message"])
                case "read":
                    talk = self.talks[event["conversation"]]
                    talk.read = event["read_number"] if event.get("back") else max(talk.read, event["read_number"])
                case "conversation":
                    line = event["conversation"]
                    self.talks.setdefault(line["id"], Talk.of(line)).update(line)
                case "left":
                    self.talks.pop(event["conversation"], None)
                case _:
                    self._person(event)

    def summary(self) -> dict[str, Any]:
        """What must equal the summary of a fresh snapshot."""
        return {
            "friends": self.friends,
            "requests": self.requests,
            "statuses": self.statuses,
            "blocked": self.blocked,
            "talks": {
                number: (talk.last, talk.read, talk.unread, talk.open, talk.role, talk.members)
                for number, talk in self.talks.items()
            },
        }

    def _page(self, conversation: int, page: list[Message]) -> None:
        numbers = [message["number"] for message in page]
        if numbers and numbers != list(range(numbers[0], numbers[-1] + 1)):
            self._complain("slice", f"a page of conversation {conversation} has the numbers {numbers}")
        talk = self.talks[conversation]
        talk.shown = {message["number"]: message for message in page}
        for message in page:
            self._advance(talk, message)

    def _message(self, message: Message) -> None:
        conversation, number = message["conversation"], message["number"]
        talk = self.talks.get(conversation)
        if talk is None:
            self._complain("slice", f"a message of conversation {conversation}, of which nothing was said before")
            talk = self.talks[conversation] = Talk(number - 1, 0)
        if number <= talk.last:  # known: a retry of the poll, or a page that was newer than the snapshot
            self._again(talk, message)
            if message["from"] == self.me:  # a line was ahead of it, and a mark from before it came in between
                talk.read = max(talk.read, number)
            return
        if number > talk.last + 1:
            self._complain("slice", f"conversation {conversation}: {number} came after {talk.last}")
        talk.shown[number] = message
        self._advance(talk, message)

    def _changed(self, message: Message) -> None:
        conversation, number = message["conversation"], message["number"]
        talk = self.talks.get(conversation)
        if talk is None or number > talk.last:
            self._complain("slice", f"{conversation}/{number} changed, and was not told of before")
        else:
            self._again(talk, message)

    def _again(self, talk: Talk, message: Message) -> None:
        """A state of a message that is shown, perhaps: of two, the one with the higher revision is the newer."""
        shown = talk.shown.get(message["number"])
        if shown is None:
            return
        if not same(shown, message):
            self._complain("agreement", f"{message['conversation']}/{message['number']} came again as another message")
        elif revision(message) > revision(shown):
            talk.shown[message["number"]] = message

    def _advance(self, talk: Talk, message: Message) -> None:
        if message["number"] > talk.last:
            talk.last = message["number"]
            if message["from"] == self.me:
                talk.read = message["number"]

    def _person(self, event: Any) -> None:
        match event["type"]:
            case "presence":
                if event["name"] in self.friends:
                    self.friends[event["name"]] = event["online"]
            case "friend":
                self._relation(event)
            case "profile":
                self._profile(event["name"], event["status"])
            case "me":
                self._profile(event["me"]["name"], event["me"].get("status", ""))
            case "blocked":
                self.blocked.pop(event["name"], None)
                self.blocked |= {event["name"]: True} if event["blocked"] else {}

    def _relation(self, event: Any) -> None:
        name = event["name"]
        self.friends.pop(name, None)
        self.requests.pop(name, None)
        self._profile(name, event.get("status", ""))
        if event["state"] == "friend":
            self.friends[name] = bool(event.get("online"))
            self.talks.setdefault(event["conversation"], Talk(0, 0)).open = True
        elif event["state"] != "none":
            self.requests[name] = event["state"]

    def _profile(self, name: str, status: str) -> None:
        self.statuses.pop(name, None)
        self.statuses |= {name: status} if status else {}

    def _complain(self, invariant: str, sentence: str) -> None:
        self.complaints.append((invariant, sentence))
