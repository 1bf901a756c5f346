"""A small world for tests of who may do what: everybody who can stand to a group and its owner in some way.

Written with the product's own transactions, so that every single call can have a new one.
"""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import Any

from PIL import Image

from tests.client import Client
from tests.web.conftest import QuickCluster
from webchat.data import groups
from webchat.data.store import Pair
from webchat.data.tables import Block
from webchat.data.transaction import Transaction
from webchat.entities.people import Session

# How each stands to the group and, where a call is about a person, to the group's owner. A friend of the owner's is
# in no group; a member, an ex-member and an admin are no friends of the owner's.
ROLES = ("anonymous", "stranger", "friend", "blocked", "member", "ex-member", "admin", "owner")
# Further people, of whom no call comes: a plain member, and a friend of everybody's who is in no group.
OTHERS = ("target", "extra")


@dataclass
class Village:
    """`people`: who has which role. `places`: what stands in a path or a body as `{place}`."""

    people: dict[str, Client]
    places: dict[str, str]

    def filled(self, value: Any) -> Any:
        """`value` with every `{place}` filled in; a text that is one number's place becomes that number."""
        match value:
            case dict():
                return {self.filled(key): self.filled(each) for key, each in value.items()}
            case list():
                return [self.filled(each) for each in value]
            case str():
                if value in ("{group}", "{direct}", "{message}"):
                    return int(self.places[value[1:-1]])
                for place, real in self.places.items():
                    value = value.replace(f"{{{place}}}", real)
        return value

    def path(self, path: str) -> str:
        return str(self.filled(f" {path}")[1:])

    def settle_files(self) -> None:
        """The owner shows a picture to the group, keeps another one unsent, and has an avatar."""
        owner = self.people["owner"]
        sent, unsent, avatar = (_upload(owner, colour) for colour in ("red", "green", "blue"))
        body = {"conversation": int(self.places["group"]), "text": "", "client_id": sent, "files": [sent]}
        owner.ok("POST", "/api/messages", body)
        owner.ok("PATCH", "/api/me", {"avatar": avatar})
        self.places |= {"file": sent, "unsent": unsent}


def _upload(client: Client, colour: str) -> str:
    picture = io.BytesIO()
    Image.new("RGB", (600, 400), colour).save(picture, "PNG")
    answer = client.call("POST", "/api/files?name=a.png", picture.getvalue(), {"Content-Type": "image/png"})
    return str(answer.body["file"]["id"])


def found(cluster: QuickCluster) -> Village:
    """A new one. The group has the note of its creation and one message; so has the direct conversation."""
    tag = secrets.token_hex(4)
    clients = cluster.users(*(f"{role[:9]}-{tag}" for role in (*ROLES[1:], *OTHERS)))
    people = dict(zip((*ROLES[1:], *OTHERS), clients, strict=True)) | {"anonymous": cluster.client()}
    with cluster.engine.writing() as connection:
        tx = Transaction(connection)
        ids = {role: (tx.user(who.name) or (0,))[0] for role, who in people.items() if who.name}
        owner = Session(0, ids["owner"], people["owner"].name)
        direct = _befriend(tx, ids["owner"], ids["friend"])
        tx.add_message(direct, owner.user, owner.name, "between us", secrets.token_hex(8), 0)
        for role in ROLES[1:]:
            _befriend(tx, ids[role], ids["extra"])
        connection.run(Block.insert(user=ids["owner"], blocked=ids["blocked"]))
        group = groups.create(tx, "village")
        for role, rank in (("owner", "owner"), ("admin", "admin"), ("member", "member"), ("target", "member")):
            groups.join(tx, group, ids[role], rank, 0)  # type: ignore[arg-type]
        groups.join(tx, group, ids["ex-member"], "member", 0)
        groups.note(tx, group, owner, "created", "village", secrets.token_hex(8), 0)
        message = tx.add_message(group, owner.user, owner.name, "among us", secrets.token_hex(8), 0)
        groups.part(tx, group, ids["ex-member"])
        (session,) = connection.rows('SELECT id FROM session WHERE "user" = ?', (owner.user,))
    places = {role: who.name for role, who in people.items()}
    ids_of = {"group": group, "direct": direct, "message": message.id, "session": session[0]}
    return Village(people, places | {place: str(id) for place, id in ids_of.items()})


def _befriend(tx: Transaction, one: int, other: int) -> int:
    conversation = tx.add_conversation(sorted((one, other)))
    tx.set_pair(one, other, Pair(friends=True, asked_by=None, conversation=conversation))
    return conversation
