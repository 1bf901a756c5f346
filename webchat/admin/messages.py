"""`webchat message …`: what somebody said."""

from __future__ import annotations

import click

from webchat.admin import show
from webchat.admin.options import on_database

MESSAGE_ID = click.IntRange(1, 2**63 - 1)


@click.group()
def message() -> None:
    """Messages: delete one for everybody, see what one has said."""


@message.command()
@click.argument("id", type=MESSAGE_ID)
@click.option("--reason", default="", help="For the audit.")
@on_database
def delete(id: int, reason: str, data: str | None, json_: bool) -> None:
    """Delete the message ID for everybody. What it said is kept, for `message history`; its files are not."""
    from webchat.admin.desk import desk
    from webchat.logic import operators

    with desk(data) as at:
        was, digests = at.act(lambda tx, by: operators.delete_message(tx, by, id, reason))
        at.forget(digests)
    if json_:
        show.as_json({"id": id, "conversation": was.conversation, "number": was.number, "from": was.sender})
    else:
        click.echo(f"deleted: message {id}, number {was.number} in conversation {was.conversation}, from {was.sender}")


@message.command()
@click.argument("id", type=MESSAGE_ID)
@on_database
def history(id: int, data: str | None, json_: bool) -> None:
    """Show what the message ID says, and what it said before it was changed or deleted."""
    from webchat.admin.desk import desk
    from webchat.entities.talk import rfc3339
    from webchat.logic import operators

    with desk(data) as at:
        now, before = at.act(lambda tx, by: operators.read_message(tx, by, id))
    if json_:
        said = [{"revision": each.revision, "until": rfc3339(each.until), "text": each.text} for each in before]
        show.as_json(
            {
                "id": id,
                "conversation": now.conversation,
                "number": now.number,
                "from": now.sender,
                "sent_at": now.sent_at,
                "deleted": now.deleted,
                "text": now.text,
                "before": said,
            }
        )
        return
    where = f"number {now.number} in conversation {now.conversation}"
    click.echo(f"message {id}, {where}, from {now.sender}, sent {now.sent_at}")
    rows = [(show.local(each.until), each.text) for each in before]
    show.table(("SAID UNTIL", "TEXT"), [*rows, ("now", "(deleted)" if now.deleted else now.text)])
