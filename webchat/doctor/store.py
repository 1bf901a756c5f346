"""The database: reachable, whole, durable, of this release, and with room."""

from __future__ import annotations

from collections.abc import Iterator

from webchat.data import demo
from webchat.data.inspection import STANDBY_PATIENCE, Inspected, inspect, inspect_standby
from webchat.doctor.clock import compared
from webchat.doctor.finding import Finding, ok, problem, seconds, warning
from webchat.errors import SetupError
from webchat.settings import Settings

PART = "database"
SLOW = 0.01  # seconds for one question: a send asks several
# Values of PostgreSQL's settings with which what was acknowledged can be lost, or what should be is refused.
BAD = {
    "fsync": ("off", "an acknowledged message can be lost when the machine stops", "fsync = on"),
    "full_page_writes": ("off", "a crash can tear a page", "full_page_writes = on"),
    "synchronous_commit": ("off", "an acknowledged message can be lost in a crash", "synchronous_commit = on"),
    "transaction_read_only": (
        "on",
        "the database takes no writes: a standby, or default_transaction_read_only",
        "lead WEBCHAT_DATABASE_URL to the primary (`?target_session_attrs=read-write` with several hosts)",
    ),
}


def examine(settings: Settings) -> Iterator[Finding]:
    try:
        found = inspect(settings)
    except SetupError as error:
        yield problem(PART, error.detail, "see that it runs, and that WEBCHAT_DATABASE_URL leads to it")
        return
    if found is None:
        yield ok(PART, "there is none yet; the first start makes it")
        return
    yield from _round_trip(found)
    yield from _migrations(found)
    yield from _durability(found)
    yield from _connections(found, settings)
    yield from _demo_accounts(found, settings)
    if found.ahead is not None:
        yield compared("the database's", found.ahead, found.round_trip)
    if settings.replica_url:
        yield from _replica(settings)


def _round_trip(found: Inspected) -> Iterator[Finding]:
    says = f"{found.engine} answers in {seconds(found.round_trip)}"
    if found.round_trip > SLOW:
        yield warning(PART, says, "nearer to the nodes: a send asks several questions, one after another")
    else:
        yield ok(PART, says)


def _migrations(found: Inspected) -> Iterator[Finding]:
    schema = found.schema
    if schema.needed is not None:
        yield problem(
            PART,
            f"a newer release made it (it needs {schema.needed})",
            "run that release, or restore a backup made before it",
        )
    elif schema.unknown:
        yield warning(
            PART,
            f"a newer release has been here (it applied {', '.join(schema.unknown)}); this one can serve it, too",
            "finish the upgrade, unless you have gone back on purpose",
        )
    elif schema.pending:
        yield warning(
            PART,
            f"migrations are pending: {', '.join(schema.pending)}",
            "the next start applies them; make a backup before it",
        )
    else:
        yield ok(PART, "its tables are this release's")


def _durability(found: Inspected) -> Iterator[Finding]:
    for name, (value, why, remedy) in BAD.items():
        if found.settings.get(name) == value:
            yield problem(PART, f"{name} is {value}: {why}", remedy)
    encoding = found.settings.get("server_encoding", "UTF8")
    if encoding != "UTF8":
        yield problem(PART, f"it is in {encoding}", "create it with ENCODING 'UTF8'")


def _connections(found: Inspected, settings: Settings) -> Iterator[Finding]:
    if found.connections is None:
        return
    used, most = found.connections
    ours = settings.workers * settings.database_pool
    says = f"{used} of {most} connections are open; this node may open {ours}"
    if ours >= most:
        yield problem(PART, says, "raise max_connections, or lower WEBCHAT_DATABASE_POOL; all nodes' together must fit")
    else:
        yield ok(PART, f"{says} (all nodes' together must fit)")


def _replica(settings: Settings) -> Iterator[Finding]:
    """Nothing here is worse than a warning, but for another chat's database: all of it is read at the primary then."""
    part, instead = "replica", "until then its reads go to the primary"
    try:
        found = inspect_standby(settings)
    except SetupError as error:
        yield warning(part, error.detail, f"see that it runs, and that WEBCHAT_REPLICA_URL leads to it; {instead}")
        return
    if not found.same:
        yield problem(part, "it is a standby of another database", "lead WEBCHAT_REPLICA_URL to one of this database")
    elif not found.follows:
        yield warning(part, "it follows nobody: a primary, perhaps the one itself", f"a standby; {instead}")
    elif found.late is None:
        says = f"it lags by more than {STANDBY_PATIENCE:g} s"
        yield warning(part, says, f"pg_stat_replication at the primary, and the standby's log; {instead}")
    else:
        yield ok(part, f"it had all that the primary has within {seconds(found.late)}")
    used, most = found.connections
    if settings.workers * settings.database_pool >= most:
        yield problem(
            part, f"{used} of its {most} connections are open; this node may open more", "its max_connections"
        )


def _demo_accounts(found: Inspected, settings: Settings) -> Iterator[Finding]:
    part = "demo accounts"
    if not found.demo:
        yield ok(part, "there are none")
    elif demo.allowed(settings):
        yield ok(part, f"{', '.join(found.demo)}: their password is public, and only this machine can use it")
    else:
        yield problem(part, f"{', '.join(found.demo)}: everybody knows their password", "./chat demo remove")
