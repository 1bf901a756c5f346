"""`/api/conversations`: groups, their members, and what one settles for oneself in a conversation."""

from __future__ import annotations

from typing import Annotated

import falcon
import msgspec
from msgspec import Meta

from webchat.entities.talk import CLIENT_ID_MAX, GROUP_NAME_MAX, Conversation, Member, Role
from webchat.logic.groups import Groups as GroupsLogic
from webchat.web.answer import answer
from webchat.web.body import read_body
from webchat.web.conversations import ID_SCHEMA, conversation_id
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation

GroupName = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": GROUP_NAME_MAX})]
CHANGES = (400, 401, 403, 404, 413, 415, 429, 503)  # problems of any change with a body


class NewGroup(msgspec.Struct, forbid_unknown_fields=True):
    """`members`: names of friends. A retry that carries the same `client_id` makes no second group."""

    name: GroupName
    members: list[str]
    client_id: (
        Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": CLIENT_ID_MAX, "pattern": "^[ -~]+$"})]
        | None
    ) = None


class NewName(msgspec.Struct, forbid_unknown_fields=True):
    name: GroupName


class Rank(msgspec.Struct, forbid_unknown_fields=True):
    """Without a `role`, a new member is a plain one, and an old one stays what they are."""

    role: Role | None = None


class Quiet(msgspec.Struct, forbid_unknown_fields=True):
    muted: bool


class OneConversation(msgspec.Struct):
    conversation: Conversation


class WithMembers(msgspec.Struct):
    """`members`: the owner first, then admins, then all others."""

    conversation: Conversation
    members: list[Member]


class _Calls:
    def __init__(self, guard: Guard, groups: GroupsLogic, limits: RateLimits) -> None:
        self._guard = guard
        self._groups = groups
        self._limits = limits


class Groups(_Calls):
    @operation(
        "Make a group of friends. 200: this client_id was used before, and here is the group that it made",
        body=NewGroup,
        answers={201: OneConversation, 200: OneConversation},
        problems=(*CHANGES, 409),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        new = read_body(req, NewGroup)
        made, is_new = self._groups.create(session, new.name, new.members, new.client_id)
        answer(resp, OneConversation(made), 201 if is_new else 200)


class Group(_Calls):
    @operation(
        "One conversation, and who is in it",
        answers={200: WithMembers},
        problems=(400, 401, 404, 503),
        path_schemas=ID_SCHEMA,
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response, conversation: str) -> None:
        session = self._guard.session(req)
        answer(resp, WithMembers(*self._groups.look(session, conversation_id(conversation))))

    @operation(
        "Rename a group, as its owner or an admin",
        body=NewName,
        answers={200: OneConversation},
        problems=CHANGES,
        path_schemas=ID_SCHEMA,
    )
    def on_patch(self, req: falcon.Request, resp: falcon.Response, conversation: str) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        renamed = self._groups.rename(session, conversation_id(conversation), read_body(req, NewName).name)
        answer(resp, OneConversation(renamed))


class GroupMember(_Calls):
    @operation(
        "Add a friend to a group (owner, admins), or give a member a role (owner)",
        body=Rank,
        answers={200: OneConversation},
        problems=(*CHANGES, 409),
        path_schemas=ID_SCHEMA,
    )
    def on_put(self, req: falcon.Request, resp: falcon.Response, conversation: str, name: str) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        line = self._groups.put(session, conversation_id(conversation), name, read_body(req, Rank).role)
        answer(resp, OneConversation(line))

    @operation(
        "Remove a member from a group (admins remove plain members only); oneself: leave it",
        answers={204: None},
        problems=(400, 401, 403, 404, 429, 503),
        path_schemas=ID_SCHEMA,
    )
    def on_delete(self, req: falcon.Request, resp: falcon.Response, conversation: str, name: str) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        self._groups.remove(session, conversation_id(conversation), name)
        resp.status = 204


class OwnSettings(_Calls):
    @operation(
        "Keep a conversation quiet on one's own devices, or no longer",
        body=Quiet,
        answers={200: OneConversation},
        problems=CHANGES,
        path_schemas=ID_SCHEMA,
    )
    def on_put(self, req: falcon.Request, resp: falcon.Response, conversation: str) -> None:
        session = self._guard.session(req)
        self._limits.send(session.user)
        line = self._groups.mute(session, conversation_id(conversation), read_body(req, Quiet).muted)
        answer(resp, OneConversation(line))
