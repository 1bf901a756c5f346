"""The store contract on PostgreSQL, and what is PostgreSQL's own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import gevent
import psycopg
import pytest
from gevent.event import Event

from tests.client import until
from tests.contracts.changes_contract import ChangesContract
from tests.contracts.retention_contract import RetentionContract
from tests.contracts.search_contract import SearchContract
from tests.contracts.store_contract import NOW, StoreContract, group_of_two, two_friends, two_users, writing
from tests.postgres import Databases, Server, server
from webchat.data import groups, postgres_pool
from webchat.data.engine_postgres import PostgresEngine
from webchat.data.postgres_pool import Pool, Timeouts
from webchat.data.store import Membership, Store
from webchat.data.transaction import Transaction
from webchat.errors import Unavailable

POOL = 4
SOON = 10.0  # seconds; no test waits that long


@pytest.fixture
def url(postgres_databases: Databases) -> str:
    return postgres_databases.migrated()


@pytest.fixture
def engine(url: str) -> Iterator[PostgresEngine]:
    made = PostgresEngine(url, POOL)
    yield made
    made.close()


@pytest.fixture(scope="module")
def breakable() -> Iterator[tuple[Server, Databases]]:
    """A server that a test may stop; afterwards it must run again."""
    with server() as made:
        yield made, Databases(made.url)


class TestPostgresStore(StoreContract):
    """Nothing to add: the fixture `engine` above is what makes it PostgreSQL's."""


class TestPostgresChanges(ChangesContract):
    """As above."""


class TestPostgresRetention(RetentionContract):
    """As above; how it drops what is old is in `test_partitions`."""


class TestPostgresSearch(SearchContract):
    """As above."""


# --- what the guarantees rest on


def test_a_commit_is_synced_whatever_the_operator_says(url: str) -> None:
    engine = PostgresEngine(url + "&options=-csynchronous_commit%3Doff%20-cgeqo%3Doff", POOL)
    with engine.writing() as connection:
        assert connection.rows("SHOW synchronous_commit") == [("on",)]
        assert connection.rows("SHOW transaction_isolation") == [("read committed",)]
        assert connection.rows("SHOW geqo") == [("off",)], "the operator's other options stay"
        assert connection.rows("SHOW lock_timeout") == [("3s",)]
    engine.close()


def test_feed_numbers_become_visible_in_their_order(url: str, engine: PostgresEngine) -> None:
    """One transaction has taken number 1 and dawdles; number 2 must not be there before it."""
    ann, bob, talk = two_friends(engine)
    eve, other = _another_friend(engine, bob)
    store = Store(engine.reader)
    taken, go_on = Event(), Event()

    def slow() -> None:
        with writing(engine) as tx:
            tx.add_message(talk, ann, "ann", "first", "c1", NOW)
            taken.set()
            go_on.wait(SOON)

    def fast() -> None:
        with writing(engine) as tx:
            tx.add_message(other, eve, "eve", "second", "c1", NOW)

    first = gevent.spawn(slow)
    taken.wait(SOON)
    second = gevent.spawn(fast)
    for _ in range(20):
        gevent.sleep(0.01)
        assert store.entries(bob, 0, 9) == []
        assert store.bounds(bob).last == 0
    assert not second.ready(), "it waits for the number before its own"
    go_on.set()
    gevent.joinall([first, second], timeout=SOON, raise_error=True)
    assert [entry.number for entry in store.entries(bob, 0, 9)] == [1, 2]
    assert [b'"first"' in entry.event for entry in store.entries(bob, 0, 9)] == [True, False]


def test_ids_ascend_with_the_numbers_of_a_conversation(url: str, engine: PostgresEngine) -> None:
    """Though the one that begins first comes last: the conversation is locked before an id is taken."""
    ann, bob, talk = two_friends(engine)
    begun, go_on = Event(), Event()

    def late() -> None:
        with writing(engine) as tx:
            assert tx.message_of(ann, "c1") is None
            begun.set()
            go_on.wait(SOON)
            tx.add_message(talk, ann, "ann", "late", "c1", NOW)

    first = gevent.spawn(late)
    begun.wait(SOON)
    with writing(engine) as tx:
        tx.add_message(talk, bob, "bob", "early", "c1", NOW)
        go_on.set()
        gevent.sleep(0.05)  # the other waits for the conversation now
    first.get(timeout=SOON)
    history = Store(engine.reader).history(talk, None, 9)
    assert [(message.text, message.number) for message in history] == [("early", 1), ("late", 2)]
    assert history[0].id < history[1].id


def test_a_conversation_that_is_being_closed_takes_no_message_more(engine: PostgresEngine) -> None:
    ann, _, talk = two_friends(engine)
    with writing(engine) as tx:
        tx.set_open(talk, False)
        sender = gevent.spawn(_open_in_a_transaction, engine, talk, ann)
        gevent.sleep(0.05)
        assert not sender.ready(), "it waits for the decision"
    assert sender.get(timeout=SOON) is False


@pytest.mark.parametrize("first", ["remover", "sender"])
def test_who_is_being_removed_sends_before_or_not_at_all(engine: PostgresEngine, first: str) -> None:
    """And neither waits for the other in a circle: the conversation is locked before its members."""
    _, bob, group = group_of_two(engine)
    seen: list[Membership | None] = []

    def send(hold: bool) -> None:
        with writing(engine) as tx:
            seen.append(tx.membership(group, bob))
            if hold:
                begun.set()
                gevent.sleep(0.05)
            tx.set_read(group, bob, 0)

    def remove(hold: bool) -> None:
        with writing(engine) as tx:
            groups.hold(tx, group)
            if hold:
                begun.set()
                gevent.sleep(0.05)
            groups.part(tx, group, bob)

    begun = Event()
    begins, follows = (remove, send) if first == "remover" else (send, remove)
    one = gevent.spawn(begins, True)
    begun.wait(SOON)
    other = gevent.spawn(follows, False)
    gevent.joinall([one, other], timeout=SOON, raise_error=True)
    assert [membership is not None for membership in seen] == [first == "sender"]


def test_a_swallowed_error_is_not_taken_for_a_commit(engine: PostgresEngine) -> None:
    with pytest.raises(RuntimeError, match="went on regardless"), engine.writing() as connection:  # noqa: SIM117
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.rows("SELECT nothing FROM nowhere")


def test_a_snapshot_belongs_to_its_greenlet(engine: PostgresEngine) -> None:
    ann, _, talk = two_friends(engine)
    store = Store(engine.reader)
    with engine.snapshot():
        assert store.bounds(ann).last == 0
        with writing(engine) as tx:
            tx.add_message(talk, ann, "ann", "one", "c1", NOW)
        assert store.bounds(ann).last == 0
        assert gevent.spawn(store.bounds, ann).get(timeout=SOON).last == 1
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            raise _cause(lambda: engine.reader.rows("DELETE FROM meta"))


def test_texts_arrive_as_they_were(engine: PostgresEngine) -> None:
    ann, _, talk = two_friends(engine)
    text = "100 % of ?, %s, \\x41, 'quoted' \"twice\" \U0001f980 \u0000".rstrip("\u0000")
    with writing(engine) as tx:
        tx.add_message(talk, ann, "ann", text, "c1", NOW)
    assert Store(engine.reader).history(talk, None, 1)[0].text == text


def test_a_migration_under_a_running_worker_breaks_no_statement(url: str, engine: PostgresEngine) -> None:
    two_users(engine)
    bounds = "SELECT first, last, presence FROM feed"
    for _ in range(10):  # by then it is prepared
        assert len(engine.reader.rows(bounds)) == 2
    with psycopg.connect(url) as newer:
        newer.execute("ALTER TABLE feed ALTER COLUMN presence TYPE numeric")
    assert len(engine.reader.rows(bounds)) == 2


# --- the pool


def test_readers_are_not_kept_waiting_by_writers(engine: PostgresEngine) -> None:
    go_on = Event()

    def hold() -> None:
        with writing(engine):
            go_on.wait(SOON)

    holders = [gevent.spawn(hold) for _ in range(engine.writers)]
    gevent.sleep(0.05)
    assert Store(engine.reader).epoch()
    go_on.set()
    gevent.joinall(holders, timeout=SOON, raise_error=True)


def test_who_waits_too_long_for_a_connection_is_told(url: str) -> None:
    pool = Pool(url, 1, Timeouts(patience=0.05))
    with pool.lease() as session:
        with pytest.raises(Unavailable, match="in use"), pool.lease():
            pass
        assert session.usable
    with pool.lease() as again:
        assert again is session, "connections are kept"
    pool.close()


def test_a_greenlet_killed_in_mid_statement_leaves_no_answer_to_the_next(url: str) -> None:
    pool = Pool(url, 1, Timeouts())

    def sleep() -> None:
        with pool.lease() as session:
            session.execute("SELECT 'the wrong answer', pg_sleep(30)")

    sleeper = gevent.spawn(sleep)
    gevent.sleep(0.1)
    sleeper.kill()
    with pool.lease() as session:
        assert session.execute("SELECT 1").fetchall() == [(1,)]
    pool.close()


def test_more_is_sent_than_a_socket_takes(engine: PostgresEngine) -> None:
    large = "x" * 8_000_000
    assert engine.reader.rows("SELECT length(CAST(? AS text)), CAST(? AS text)", (large, large)) == [
        (len(large), large)
    ]


# --- when it breaks


def test_a_lock_held_elsewhere_is_unavailable_and_heals(url: str, engine: PostgresEngine) -> None:
    ann, _, talk = two_friends(engine)
    hasty = PostgresEngine(url, POOL, Timeouts(lock=0.1))
    with writing(engine) as tx:
        tx.add_message(talk, ann, "ann", "one", "c1", NOW)
        with pytest.raises(Unavailable, match="lock timeout"), writing(hasty) as late:
            late.add_message(talk, ann, "ann", "two", "c2", NOW)
        assert Store(hasty.reader).history(talk, None, 9) == [], "reading goes on"
    with writing(hasty) as tx:
        assert tx.add_message(talk, ann, "ann", "two", "c2", NOW).number == 2
    hasty.close()


def test_a_statement_that_takes_too_long_is_ended(url: str) -> None:
    engine = PostgresEngine(url, POOL, Timeouts(statement=0.1))
    with pytest.raises(Unavailable, match="statement timeout"):
        engine.reader.rows("SELECT pg_sleep(30)")
    engine.close()


def test_a_read_only_database_is_unavailable_and_heals(url: str, engine: PostgresEngine) -> None:
    """A standby, or the old primary after a failover: the next connection may find the new one."""
    ann, _, talk = two_friends(engine)
    name = engine.reader.rows("SELECT current_database()")[0][0]
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        refused = PostgresEngine(url, POOL)
        with pytest.raises(Unavailable, match="read-only"), writing(refused) as tx:
            tx.add_message(talk, ann, "ann", "one", "c1", NOW)
        admin.execute("SET default_transaction_read_only = off")
        admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    with writing(refused) as tx:
        assert tx.add_message(talk, ann, "ann", "one", "c1", NOW).number == 1
    refused.close()


def test_reads_survive_the_end_of_their_connection(url: str, engine: PostgresEngine) -> None:
    store = Store(engine.reader)
    epoch = store.epoch()
    _end_sessions(url)
    assert store.epoch() == epoch, "found broken before it was used"
    waiting = gevent.spawn(engine.reader.rows, "SELECT pg_sleep(0.3)")
    gevent.sleep(0.1)
    _end_sessions(url)
    waiting.get(timeout=SOON)


def test_a_restart_is_unavailable_for_as_long_as_it_takes(breakable: tuple[Server, Databases]) -> None:
    machine, databases = breakable
    engine = PostgresEngine(databases.migrated(), POOL)
    store = Store(engine.reader)
    epoch = store.epoch()
    machine.stop()
    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(Unavailable) as refused:
            store.epoch()
        assert refused.value.retry_after
        with pytest.raises(Unavailable), engine.writing():
            pass
    assert time.monotonic() - started < 2, "nobody is kept waiting for a server that is not there"
    machine.start()
    gevent.sleep(postgres_pool.REFUSED_FOR)
    assert store.epoch() == epoch
    engine.close()


def test_a_frozen_server_is_given_up_while_the_event_loop_runs(breakable: tuple[Server, Databases]) -> None:
    machine, databases = breakable
    engine = PostgresEngine(databases.migrated(), POOL, Timeouts(statement=0.1))
    store = Store(engine.reader)
    epoch = store.epoch()
    turns = 0
    with machine.frozen():
        reader = gevent.spawn(store.epoch)
        while not reader.ready():
            turns += 1
            gevent.sleep(0.005)
        assert isinstance(reader.exception, Unavailable)
    assert turns > 10
    assert store.epoch() == epoch
    engine.close()


def test_one_connection_that_falls_silent_speaks_for_all(breakable: tuple[Server, Databases]) -> None:
    """The host of an old primary may be gone without a word: it is waited for once, and not by each of them."""
    machine, databases = breakable
    engine = PostgresEngine(databases.migrated(), POOL, Timeouts(statement=0.1))
    holders = [gevent.spawn(engine.reader.rows, "SELECT pg_sleep(0.05)") for _ in range(POOL)]
    gevent.joinall(holders, timeout=SOON, raise_error=True)
    name = engine.reader.rows("SELECT current_database()")[0][0]
    with machine.frozen(), pytest.raises(Unavailable, match="does not answer"):
        Store(engine.reader).epoch()
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    until("all are closed", lambda: machine.do(sessions) == [(0,)])
    engine.close()


def test_a_server_that_is_full_is_unavailable() -> None:
    with server(max_connections=5) as machine:  # three of them for superusers
        engine = PostgresEngine(machine.url, POOL)
        with contextlib.ExitStack() as others:
            for _ in range(5):
                others.enter_context(psycopg.connect(machine.url))
            with pytest.raises(Unavailable, match="too many clients"):
                engine.reader.rows("SELECT 1")
        gevent.sleep(postgres_pool.REFUSED_FOR)
        assert engine.reader.rows("SELECT 1") == [(1,)]
        engine.close()


def _another_friend(engine: PostgresEngine, of: int) -> tuple[int, int]:
    with writing(engine) as tx:
        eve = tx.add_user("eve", "hash", NOW)
        assert eve is not None
        return eve, tx.add_conversation(sorted((eve, of)))


def _open_in_a_transaction(engine: PostgresEngine, talk: int, user: int) -> bool:
    with engine.writing() as connection:
        membership = Transaction(connection).membership(talk, user)
        assert membership is not None
        return membership.open


def _end_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'webchat' AND datname = current_database()"
        )


def _cause(work: object) -> BaseException:
    assert callable(work)
    with pytest.raises(Unavailable) as refused:
        work()
    assert refused.value.__cause__ is not None
    return refused.value.__cause__
