"""`webchat audit`: what operators did."""

from __future__ import annotations

import click

from webchat.admin import show
from webchat.admin.options import on_database


@click.command()
@click.option("--limit", type=click.IntRange(1), default=50, help="How many.  [50]")
@on_database
def audit(limit: int, data: str | None, json_: bool) -> None:
    """Show what operators did, the last act first."""
    from webchat.admin.desk import desk
    from webchat.data import audit as record
    from webchat.entities.talk import rfc3339

    with desk(data) as at:
        acts = record.acts(at.store, limit)
    if json_:
        show.as_json([each._asdict() | {"at": rfc3339(each.at)} for each in acts])
        return
    head = ("WHEN", "WHO", "ACTION", "SUBJECT", "DETAIL")
    show.table(head, [(show.local(each.at), each.actor, each.action, each.subject, each.detail) for each in acts])
