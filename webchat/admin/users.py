"""`webchat user …`: accounts."""

from __future__ import annotations

from typing import Any

import click

from webchat.admin import show
from webchat.admin.options import on_database, with_password


@click.group()
def user() -> None:
    """Accounts: list, create, disable, enable, reset a password."""


@user.command("list")
@click.argument("prefix", default="")
@on_database
def list_(prefix: str, data: str | None, json_: bool) -> None:
    """List the accounts whose name begins with PREFIX."""
    from webchat.admin.desk import desk, now_ms
    from webchat.data import people
    from webchat.entities.talk import rfc3339

    with desk(data) as at:
        found = people.people(at.store, prefix, now_ms())
    if json_:
        times = ("created_at", "seen_at")
        show.as_json(
            [
                each._asdict() | {time: rfc3339(getattr(each, time)) if getattr(each, time) else None for time in times}
                for each in found
            ]
        )
        return
    head = ("NAME", "STATE", "CREATED", "SESSIONS", "LAST SEEN", "DISPLAY NAME")
    rows = [
        (
            each.name,
            each.state,
            show.local(each.created_at),
            str(each.sessions),
            "now" if each.online else show.local(each.seen_at),
            each.display_name,
        )
        for each in found
    ]
    show.table(head, rows)


@user.command()
@click.argument("name")
@with_password
@on_database
def create(name: str, generate: bool, data: str | None, json_: bool) -> None:
    """Create the account NAME."""
    from webchat.admin import secret
    from webchat.admin.desk import desk
    from webchat.logic import operators
    from webchat.logic.accounts import check_name

    with desk(data) as at:
        check_name(name)  # before anybody types a password
        password = secret.new_password(generate)
        hashed = secret.hashed(password)
        at.act(lambda tx, by: operators.create_user(tx, by, name, hashed))
    _say(json_, f"created: {name}", {"name": name}, password if generate else None)


@user.command()
@click.argument("name")
@on_database
def disable(name: str, data: str | None, json_: bool) -> None:
    """Let NAME in no more, and end all sessions; what they said stays."""
    from webchat.admin.desk import desk
    from webchat.logic import operators

    with desk(data) as at:
        spelled, ended = at.act(lambda tx, by: operators.disable_user(tx, by, name))
    _say(json_, f"disabled: {spelled}; sessions ended: {ended}", {"name": spelled, "sessions_ended": ended})


@user.command()
@click.argument("name")
@on_database
def enable(name: str, data: str | None, json_: bool) -> None:
    """Let NAME in again, with the same password."""
    from webchat.admin.desk import desk
    from webchat.logic import operators

    with desk(data) as at:
        spelled = at.act(lambda tx, by: operators.enable_user(tx, by, name))
    _say(json_, f"enabled: {spelled}", {"name": spelled})


@user.command("reset-password")
@click.argument("name")
@with_password
@on_database
def reset_password(name: str, generate: bool, data: str | None, json_: bool) -> None:
    """Give NAME a new password, and end all sessions."""
    from webchat.admin import secret
    from webchat.admin.desk import desk
    from webchat.logic import operators

    with desk(data) as at:
        operators.must_exist(at.store, name)  # before anybody types a password
        password = secret.new_password(generate)
        hashed = secret.hashed(password)
        spelled, ended = at.act(lambda tx, by: operators.reset_password(tx, by, name, hashed))
    what = {"name": spelled, "sessions_ended": ended}
    _say(json_, f"new password: {spelled}; sessions ended: {ended}", what, password if generate else None)


def _say(json_: bool, line: str, what: dict[str, Any], password: str | None = None) -> None:
    if json_:
        show.as_json(what if password is None else what | {"password": password})
        return
    click.echo(line)
    if password is not None:
        click.echo(f"password: {password}")
