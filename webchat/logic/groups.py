"""Groups: made, named, joined, left; and who may do what.

              rename, add a friend    remove a member    remove an admin, give roles    leave
    owner     yes                     yes                yes                            the heir becomes the owner
    admin     yes                     yes                                               yes
    member                                                                              yes

The heir is the oldest admin, else the oldest member. A group has one owner while it has a member; giving away
`owner` makes oneself an admin, and an admin may make oneself a member. Every change is a note in the group, and a new
line for everybody whose line it changes, in one transaction. A group without members stays, out of everybody's reach.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence

from webchat.data import groups, once
from webchat.data.committer import Committer
from webchat.data.groups import Group
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import LeftEvent
from webchat.entities.people import Session, name_key
from webchat.entities.talk import GROUP_NAME_MAX, Conversation, Member, MessageKind, Role
from webchat.errors import Conflict, Forbidden, Invalid, NotFound
from webchat.logic.chat import NOWHERE, check_client_id

# One sentence for strangers and for names that nobody has: an answer must not tell which.
NO_FRIEND = "only friends of yours can be added, and this is the name of none"
NO_MEMBER = "there is no such member"


class Groups:
    """`now` gives Unix milliseconds; `most`: the members of the largest group."""

    def __init__(self, store: Store, committer: Committer, now: Callable[[], int], most: int) -> None:
        self._store = store
        self._committer = committer
        self._now = now
        self._most = most

    def create(
        self, session: Session, name: str, members: Sequence[str], client_id: str | None
    ) -> tuple[Conversation, bool]:
        """A new group of one's friends; and whether it is new: the same `client_id` again gives the first one.

        Raises NotFound where one of the names is no friend's, Conflict for too many, or where the client id was used
        for another name or other members.
        """
        name = group_name(name)
        if client_id is not None:
            check_client_id(client_id)
        keys = {name_key(member) for member in members} - {name_key(session.name)}
        if len(keys) >= self._most:
            raise self._full()

        def work(tx: Transaction) -> tuple[Conversation, bool]:
            known = tx.message_of(session.user, client_id) if client_id is not None else None
            if known is not None:
                is_retry = (known.kind, known.text) == ("created", name) and groups.was_asked(tx, known.id, keys)
                if not is_retry:
                    raise Conflict("this client_id was used for something else", code="client_id_reused")
                return _line(tx, known.conversation, session.user), False
            if client_id is not None and once.is_forgotten(tx, session.user, client_id):
                raise Conflict("this client_id was used for a group long ago", code="client_id_reused")
            friends = groups.friends_by_key(tx, session.user)
            if not keys <= friends.keys():
                raise NotFound(NO_FRIEND)
            group = groups.create(tx, name)
            groups.join(tx, group, session.user, "owner", 0)
            for user in sorted(friends[key] for key in keys):
                groups.join(tx, group, user, "member", 0)
            tx.tell_line(group)
            groups.note_creation(tx, group, session, name, keys, client_id or _unique(), self._now())
            return _line(tx, group, session.user), True

        return self._committer.submit(work)

    def look(self, session: Session, conversation: int) -> tuple[Conversation, list[Member]]:
        """The line of a conversation of any kind, and who is in it."""
        line = self._store.conversation(conversation, session.user)
        if line is None:
            raise NotFound(NOWHERE)
        return line, groups.members(self._store, conversation, session.user)

    def rename(self, session: Session, conversation: int, name: str) -> Conversation:
        """Raises Forbidden for who is neither owner nor admin."""
        name = group_name(name)

        def work(tx: Transaction) -> Conversation:
            _hold(tx, conversation, session, "owner", "admin")
            if _line(tx, conversation, session.user).name != name:
                groups.rename(tx, conversation, name)
                self._note(tx, conversation, session, "renamed", name)
                tx.tell_line(conversation)
            return _line(tx, conversation, session.user)

        return self._committer.submit(work)

    def put(self, session: Session, conversation: int, name: str, role: Role | None) -> Conversation:
        """Add a friend, give a member a role, or both; what is so already stays so."""

        def work(tx: Transaction) -> Conversation:
            allowed: tuple[Role, ...] = ("owner",) if role not in (None, "member") else ("owner", "admin")
            group = _hold(tx, conversation, session, *allowed)
            found = tx.user(name)
            if found is None or found[0] not in group.roles:
                group, found = self._add(tx, group, session, name)
            if role is not None and role != group.roles[found[0]]:
                self._give(tx, group, session, found, role)
            return _line(tx, conversation, session.user)

        return self._committer.submit(work)

    def _add(self, tx: Transaction, group: Group, session: Session, name: str) -> tuple[Group, tuple[int, str]]:
        user = groups.friends_by_key(tx, session.user).get(name_key(name))
        if user is None:
            raise NotFound(NO_FRIEND)
        if len(group.roles) >= self._most:
            raise self._full()
        groups.join(tx, group.id, user, "member", group.last_number)
        tx.tell_line(group.id)  # first: to the new one it is news that there is such a group
        spelled = tx.name(user)
        self._note(tx, group.id, session, "added", spelled)
        return group._replace(roles={**group.roles, user: "member"}), (user, spelled)

    def _give(self, tx: Transaction, group: Group, session: Session, to: tuple[int, str], role: Role) -> None:
        user, name = to
        is_owner, is_own = group.roles[session.user] == "owner", user == session.user
        if not is_owner and not (is_own and role == "member"):  # an admin may step down
            raise _not_allowed("owner")
        if is_owner and is_own:
            raise Conflict("a group needs an owner: give `owner` to somebody else", code="owner_needed")
        tx.hold_feeds(group.roles)
        groups.set_role(tx, group.id, user, role)
        if role == "owner":
            groups.set_role(tx, group.id, session.user, "admin")
        self._note(tx, group.id, session, "role", f"{name} {role}")
        tx.tell_line(group.id, sorted({user, session.user} if role == "owner" else {user}))

    def remove(self, session: Session, conversation: int, name: str) -> None:
        """Remove a member; oneself: leave. Raises NotFound where there is no such member."""

        def work(tx: Transaction) -> None:
            group = _hold(tx, conversation, session)
            found = tx.user(name)
            if found is None or found[0] not in group.roles:
                raise NotFound(NO_MEMBER)
            user, spelled = found
            if user == session.user:
                leave(tx, group, session, self._now())
                return
            own, theirs = group.roles[session.user], group.roles[user]
            if own == "member" or theirs == "owner" or (own, theirs) == ("admin", "admin"):
                raise _not_allowed("owner" if theirs == "admin" else "owner or an admin")
            tx.hold_feeds(group.roles)
            groups.part(tx, conversation, user)
            tx.tell(user, LeftEvent(conversation))
            self._note(tx, conversation, session, "removed", spelled)
            tx.tell_line(conversation)

        self._committer.submit(work)

    def leave_all(self, session: Session) -> None:
        """Leave every group; for who leaves altogether."""
        for conversation in groups.of(self._store, session.user):
            with contextlib.suppress(NotFound):  # removed by somebody meanwhile
                self.remove(session, conversation, session.name)

    def mute(self, session: Session, conversation: int, muted: bool) -> Conversation:
        """Keep a conversation, of any kind, quiet on one's own devices, or let it be heard again."""

        def work(tx: Transaction) -> Conversation:
            if tx.membership(conversation, session.user) is None:
                raise NotFound(NOWHERE)
            if groups.mute(tx, conversation, session.user, muted):
                tx.tell_line(conversation, [session.user])
            return _line(tx, conversation, session.user)

        return self._committer.submit(work)

    def _note(self, tx: Transaction, conversation: int, session: Session, kind: MessageKind, text: str) -> None:
        groups.note(tx, conversation, session, kind, text, _unique(), self._now())

    def _full(self) -> Conflict:
        return Conflict(f"a group has at most {self._most} members", code="group_full")


def leave(tx: Transaction, group: Group, session: Session, now: int) -> None:
    """Take the session's user out of a group that is held (`groups.hold`), of their own will."""
    tx.hold_feeds(group.roles)
    groups.part(tx, group.id, session.user)
    tx.tell(session.user, LeftEvent(group.id))
    rest = group._replace(roles={user: role for user, role in group.roles.items() if user != session.user})
    if group.roles[session.user] == "owner" and rest.heir is not None:
        groups.set_role(tx, group.id, rest.heir, "owner")
        groups.note(tx, group.id, session, "role", f"{tx.name(rest.heir)} owner", _unique(), now)
    groups.note(tx, group.id, session, "left", "", _unique(), now)
    tx.tell_line(group.id)


def group_name(text: str) -> str:
    """Without the blanks around it. Raises Invalid."""
    name = text.strip(" ")
    if not (1 <= len(name) <= GROUP_NAME_MAX and name.strip() and name.isprintable()):
        raise Invalid(
            f"a group's name has 1 to {GROUP_NAME_MAX} characters, not all of them blank, in one line", code="bad_name"
        )
    return name


def _hold(tx: Transaction, conversation: int, session: Session, *allowed: Role) -> Group:
    """The group, held; for a member whose role is one of those `allowed` (none given: every one is)."""
    group = groups.hold(tx, conversation)
    if group is None or session.user not in group.roles:
        raise NotFound(NOWHERE)
    if not group.is_group:
        raise Forbidden("this is a conversation of two, not a group", code="not_a_group")
    if allowed and group.roles[session.user] not in allowed:
        raise _not_allowed("owner or an admin" if len(allowed) > 1 else "owner")
    return group


def _line(tx: Transaction, conversation: int, user: int) -> Conversation:
    line = tx.conversation(conversation, user)
    if line is None:
        raise NotFound(NOWHERE)
    return line


def _not_allowed(who: str) -> Forbidden:
    return Forbidden(f"only the group's {who} may do this", code="role_needed")


def _unique() -> str:
    """A note's client id: no client chooses that one."""
    return f"note-{secrets.token_hex(16)}"
