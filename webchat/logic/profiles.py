"""Profiles: how one presents oneself, what one keeps to oneself, and what others see of it.

A change is told to one's own devices and, where they see it, to one's friends. Who becomes invisible seems to go, to
friends who are told as if it were so, and who ends it to come; one's own view of others stays as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from webchat.data import attachments, blocks, profiles
from webchat.data.committer import Committer
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import Event, MeEvent, ProfileEvent
from webchat.entities.people import DISPLAY_NAME_MAX, STATUS_MAX, Found, Me, Session
from webchat.errors import Invalid, NotFound
from webchat.logic.friends import NOBODY_SO_NAMED, seen_state
from webchat.logic.sessions import must_live
from webchat.logic.shown import DIRECTIONS, is_visible


class Wishes(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; what is not given stays.

    `avatar`: the id of an image that one has uploaded and not sent; null: none.
    """

    display_name: Annotated[str, Meta(extra_json_schema={"maxLength": DISPLAY_NAME_MAX})] | UnsetType = UNSET
    status: Annotated[str, Meta(extra_json_schema={"maxLength": STATUS_MAX})] | UnsetType = UNSET
    avatar: str | UnsetType | None = UNSET
    invisible: bool | UnsetType = UNSET
    hide_receipts: bool | UnsetType = UNSET
    hide_typing: bool | UnsetType = UNSET


class Profiles:
    """`now` gives Unix milliseconds."""

    def __init__(self, store: Store, committer: Committer, now: Callable[[], int]) -> None:
        self._store = store
        self._committer = committer
        self._now = now

    def me(self, session: Session) -> Me:
        return profiles.me(self._store, session.user)

    def change(self, session: Session, wishes: Wishes) -> Me:
        """What it is now. Raises Invalid."""
        wished = _checked(wishes)

        def work(tx: Transaction) -> Me:
            before = profiles.to_change(tx, session.user)
            must_live(tx, session)
            after = msgspec.structs.replace(before, **wished)
            if after == before:
                return before
            if after.avatar not in ("", before.avatar) and not attachments.take_as_avatar(
                tx, session.user, after.avatar, self._now()
            ):
                raise Invalid("avatar must be the id of an image that you have uploaded, not sent", code="bad_avatar")
            shown = after.invisible != before.invisible
            if shown:
                tx.hold_presence()
            profiles.write(tx, session.user, after)
            _tell(tx, session.user, before, after)
            if shown and tx.is_online(session.user):
                tx.tell_presence(session.user)
            return after

        return self._committer.submit(work)

    def look_up(self, session: Session, name: str) -> Found:
        """Somebody by their whole name. To one whom they block they look like a person without a profile.

        Raises NotFound, also for an account that is no more; but who has talked with them is told that they are gone.
        """
        found = self._store.user_even_disabled(name)
        if found is None:
            raise NotFound(NOBODY_SO_NAMED)
        other, spelled = found
        pair = self._store.pair(session.user, other)
        if self._store.user(name) is None:
            if pair is None or pair.conversation is None:
                raise NotFound(NOBODY_SO_NAMED)
            return Found(spelled, "none", blocked=blocks.has(self._store, session.user, other), gone=True)
        state = seen_state(self._store, session.user, other, pair) if pair else "none"
        if blocks.has(self._store, other, session.user):
            return Found(spelled, state, blocked=blocks.has(self._store, session.user, other))
        profile = msgspec.structs.asdict(profiles.of(self._store, other))
        return Found(spelled, state, blocked=blocks.has(self._store, session.user, other), **profile)


def _tell(tx: Transaction, user: int, before: Me, after: Me) -> None:
    profile = after.display_name, after.status, after.avatar
    told: dict[int, Event] = {user: MeEvent(after)}
    if profile != (before.display_name, before.status, before.avatar):
        told |= dict.fromkeys(tx.friend_ids(user), ProfileEvent(after.name, *profile))
    for one in sorted(told):
        tx.tell(one, told[one])


def _checked(wishes: Wishes) -> dict[str, str | bool]:
    """What is given, as it will be kept. Raises Invalid."""
    given = {name: value for name, value in msgspec.structs.asdict(wishes).items() if value is not UNSET}
    for field, most in (("display_name", DISPLAY_NAME_MAX), ("status", STATUS_MAX)):
        if field in given:
            given[field] = _line(given[field], field, most)
    if given.get("display_name") and not is_visible(given["display_name"]):
        raise Invalid("display_name has at least one character that can be seen", code="bad_display_name")
    if "avatar" in given:
        given["avatar"] = given["avatar"] or ""
        if "\0" in given["avatar"]:
            raise Invalid("avatar must be the id of an image that you have uploaded", code="bad_avatar")
    return given


def _line(text: str, field: str, most: int) -> str:
    """One line of text, without the blanks around it."""
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise Invalid(f"{field} is one line, without control characters", code=f"bad_{field}")
    if not DIRECTIONS.isdisjoint(text):
        raise Invalid(f"{field} has no characters that change the direction of the text", code=f"bad_{field}")
    line = text.strip()
    if len(line) > most:
        raise Invalid(f"{field} has at most {most} characters", code=f"bad_{field}")
    return line
