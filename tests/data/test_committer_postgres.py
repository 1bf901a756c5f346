"""Many transactions at a time: what races must not change, what breaks must not lose."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gevent
import psycopg
import pytest
from gevent.event import Event

from tests.contracts.store_contract import NOW, two_friends, two_users, writing
from tests.postgres import Databases
from webchat.data import committer as committer_module
from webchat.data import committer_postgres, engine_postgres, postgres_pool
from webchat.data.committer_postgres import PostgresCommitter
from webchat.data.engine_postgres import PostgresConnection, PostgresEngine
from webchat.data.postgres_pool import Lost, Timeouts
from webchat.data.replica import NoReplica
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import Alarm, Entry, PresenceEvent, Ring
from webchat.entities.people import Session
from webchat.entities.talk import Draft
from webchat.errors import Conflict, NotFound, Unavailable
from webchat.logic.accounts import Accounts
from webchat.logic.chat import Chat
from webchat.logic.friends import Friends
from webchat.logic.passwords import Hasher

POOL = 6
SOON = 20.0  # seconds; no test waits that long


class Worker:
    """What of a worker is wired to the database; `rung` is what it would have rung."""

    def __init__(self, url: str, timeouts: Timeouts = Timeouts()) -> None:  # noqa: B008  immutable
        self.engine = PostgresEngine(url, POOL, timeouts)
        self.store = Store(self.engine.reader)
        self.rung: list[Ring] = []
        self.committer = PostgresCommitter(self.engine, self.rung.extend)
        self.committer.start()
        self.friends = Friends(self.store, self.committer)
        self.chat = Chat(
            self.engine, self.store, NoReplica(), self.committer, lambda _: pytest.fail("no cursor"), lambda: NOW
        )

    def close(self) -> None:
        self.committer.stop()
        self.engine.close()


def log_in(engine: PostgresEngine, user: int, name: str) -> Session:
    """A session that lives."""
    digest = name.encode().ljust(32, b"-")
    with writing(engine) as tx:
        tx.add_session(user, digest, 2 * NOW)
    session = Store(engine.reader).session(digest, NOW)
    assert session is not None
    return session


@pytest.fixture
def url(postgres_databases: Databases) -> str:
    return postgres_databases.migrated()


@pytest.fixture
def workers(url: str) -> Iterator[list[Worker]]:
    made = [Worker(url), Worker(url)]
    yield made
    for worker in made:
        worker.close()


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run them at the same time; their results or errors."""
    greenlets = [gevent.spawn(_outcome, work) for work in works]
    gevent.joinall(greenlets, timeout=SOON, raise_error=True)
    assert all(greenlet.ready() for greenlet in greenlets)
    return [greenlet.value for greenlet in greenlets]


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:  # noqa: BLE001  it is what the test looks at
        return error


def test_no_number_is_missing_or_double_and_nobody_waits_in_a_circle(
    workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody talks to everybody through two workers while people come and go: every lock there is."""
    errors: list[psycopg.Error] = []
    append, translated = Transaction._append, postgres_pool.translated

    def slow_append(tx: Transaction, *arguments: Any, **named: Any) -> None:
        append(tx, *arguments, **named)
        gevent.sleep(0.01)  # with one feed locked, and the next one not yet

    def recorded(error: psycopg.Error, session: Any) -> Exception:
        errors.append(error)
        return translated(error, session)

    monkeypatch.setattr(Transaction, "_append", slow_append)
    monkeypatch.setattr(engine_postgres, "translated", recorded)
    names = ["ann", "bob", "eve", "ivy"]
    with writing(workers[0].engine) as tx:
        users = [tx.add_user(name, "hash", NOW) or 0 for name in names]
    sessions = {user: log_in(workers[0].engine, user, name) for user, name in zip(users, names, strict=True)}
    pairs = [(one, other) for one in users for other in users if one < other]
    for one, other in pairs:
        workers[0].friends.ask(sessions[one], sessions[other].name)
        workers[1].friends.accept(sessions[other], sessions[one].name)
    base = workers[0].store.tops(users)

    def talk(worker: Worker, number: int) -> None:
        pair = random.sample(random.choice(pairs), 2)
        worker.chat.send(sessions[pair[0]], sessions[pair[1]].name, None, f"text {number}", f"c{id(worker)}-{number}")
        if number % 5 == 0:
            worker.committer.post(lambda tx: tx.come(pair[0], f"w{id(worker)}"))
            worker.committer.submit(lambda tx: tx.trim_feeds(100, 9))
        if number % 5 == 1:
            worker.committer.submit(lambda tx: tx.go(pair[1], f"w{id(worker)}"))

    outcomes = together(*(partial(talk, worker, number) for number in range(60) for worker in workers))
    assert [outcome for outcome in outcomes if outcome is not None] == []
    store = workers[0].store
    told = 0
    for user in users:
        entries = store.entries(user, 0, 10_000)
        assert [entry.number for entry in entries] == list(range(1, store.bounds(user).last + 1))
        told += len(entries) - base[user]
    assert told == 2 * 120
    for _, _, conversation in _conversations(workers[0]):
        history = store.history(conversation, None, 1000)
        assert [message.number for message in history] == list(range(1, len(history) + 1))
    rung = [(ring.user, ring.number) for worker in workers for ring in worker.rung if isinstance(ring, Entry)]
    assert len(set(rung)) == len(rung) == sum(store.bounds(user).last for user in users)
    assert errors == [], "no deadlock, which would only have cost time"


def test_twins_of_a_message_on_two_workers_become_one(workers: list[Worker]) -> None:
    ann, _, talk = two_friends(workers[0].engine)
    session = log_in(workers[0].engine, ann, "ann")
    for turn in range(5):
        outcomes = together(*(partial(w.chat.send, session, None, talk, "text", f"c{turn}") for w in workers * 2))
        assert sorted(new for _, new in outcomes) == [False, False, False, True]
        assert len({message.id for message, _ in outcomes}) == 1
    assert len(workers[0].store.history(talk, None, 99)) == 5


def test_twins_of_a_client_id_with_other_content_conflict(workers: list[Worker]) -> None:
    ann, bob, talk = two_friends(workers[0].engine)
    with writing(workers[0].engine) as tx:
        other = tx.add_conversation(sorted((ann, bob)))
    session = log_in(workers[0].engine, ann, "ann")
    outcomes = together(
        lambda: workers[0].chat.send(session, None, talk, "text", "c1"),
        lambda: workers[1].chat.send(session, None, other, "text", "c1"),
    )
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [Conflict]


def test_a_name_is_given_once(workers: list[Worker]) -> None:
    hasher = Hasher()
    accounts = [Accounts(w.store, w.committer, hasher, lambda: NOW, 30) for w in workers]
    outcomes = together(*(partial(each.register, "Ann", "correct horse") for each in accounts))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Me"]
    conflict = next(outcome for outcome in outcomes if isinstance(outcome, Conflict))
    assert conflict.code == "name_taken"


def test_two_who_ask_each_other_become_friends(workers: list[Worker]) -> None:
    for turn in range(5):
        with writing(workers[0].engine) as tx:
            ann, bob = (tx.add_user(f"{name}{turn}", "hash", NOW) or 0 for name in ("ann", "bob"))
            for user in (ann, bob):
                tx.add_session(user, (b"%d" % user).ljust(32, b"-"), 2 * NOW)
        sessions = [workers[0].store.session((b"%d" % user).ljust(32, b"-"), NOW) for user in (ann, bob)]
        assert sessions[0]
        assert sessions[1]
        together(
            partial(workers[0].friends.ask, sessions[0], f"bob{turn}"),
            partial(workers[1].friends.ask, sessions[1], f"ann{turn}"),
        )
        pair = workers[0].store.pair(ann, bob)
        assert pair is not None
        assert pair.friends


def test_the_last_going_is_told_though_two_go_at_once(workers: list[Worker]) -> None:
    ann, bob, _ = two_friends(workers[0].engine)
    for turn in range(5):
        with writing(workers[0].engine) as tx:
            tx.come(bob, "w0")
            tx.come(ann, "w0")
            tx.come(ann, "w1")
        mark = workers[0].store.presence_mark()
        together(
            lambda: workers[0].committer.submit(lambda tx: tx.go(ann, "w0")),
            lambda: workers[1].committer.submit(lambda tx: tx.go(ann, "w1")),
        )
        assert workers[0].store.presence_since(mark, bob) == [PresenceEvent("ann", False)], turn


def test_what_one_worker_posts_is_done_in_order(workers: list[Worker]) -> None:
    done: list[int] = []

    def work(number: int, _: Transaction) -> None:
        gevent.sleep(random.uniform(0, 0.002))
        done.append(number)

    for number in range(50):
        workers[0].committer.post(partial(work, number))
    last = workers[0].committer.post(lambda tx: tx.epoch())
    assert last.answer.get(timeout=SOON)
    assert done == list(range(50))


def test_a_worker_that_stops_commits_what_waits(workers: list[Worker]) -> None:
    ann, _, talk = two_friends(workers[0].engine)
    for number in range(30):
        workers[0].committer.post(partial(_send, talk, ann, f"c{number}"))
    workers[0].committer.stop()
    assert len(workers[1].store.history(talk, None, 99)) == 30


def test_one_that_raises_undoes_itself_and_is_heard(workers: list[Worker]) -> None:
    ann, _, talk = two_friends(workers[0].engine)

    def refused(tx: Transaction) -> None:
        tx.add_message(talk, ann, "ann", "undone", "c1", NOW)
        raise NotFound("after all")

    with pytest.raises(NotFound):
        workers[0].committer.submit(refused)
    assert workers[0].store.history(talk, None, 9) == []
    assert workers[0].rung == []


def test_a_mistake_of_ours_is_no_outage(workers: list[Worker]) -> None:
    """A key that stays taken however often the job runs is not told as 503."""
    ann, _, talk = two_friends(workers[0].engine)
    workers[0].committer.submit(partial(_send, talk, ann, "c1"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        workers[0].committer.submit(partial(_send, talk, ann, "c1"))


def test_a_deadlock_is_run_again(workers: list[Worker]) -> None:
    """Ours lock in order; an operator's script may not."""
    ann, bob = two_users(workers[0].engine)

    def lock(first: int, second: int) -> Callable[[Transaction], int]:
        def work(tx: Transaction) -> int:
            tx.on.rows('SELECT 1 FROM feed WHERE "user" = ? FOR UPDATE', (first,))
            gevent.sleep(0.1)
            tx.on.rows('SELECT 1 FROM feed WHERE "user" = ? FOR UPDATE', (second,))
            return first

        return work

    outcomes = together(
        lambda: workers[0].committer.submit(lock(ann, bob)),
        lambda: workers[1].committer.submit(lock(bob, ann)),
    )
    assert outcomes == [ann, bob]


def test_a_connection_that_ends_in_mid_transaction_costs_nothing(workers: list[Worker], url: str) -> None:
    ann, _, talk = two_friends(workers[0].engine)
    runs = 0

    def work(tx: Transaction) -> int:
        nonlocal runs
        runs += 1
        number = tx.add_message(talk, ann, "ann", "text", "c1", NOW).number
        if runs == 1:
            pid = tx.on.rows("SELECT pg_backend_pid()")[0][0]
            with psycopg.connect(url) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        tx.epoch()
        return number

    assert workers[0].committer.submit(work) == 1
    assert runs == 2
    assert len([ring for ring in workers[0].rung if isinstance(ring, Entry)]) == 2, "rung once for each member"


def test_a_commit_whose_end_nobody_heard_is_told_as_such_and_looked_for(
    workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks during COMMIT. Here the server had done it: whoever is parked must be told."""
    monkeypatch.setattr(committer_postgres, "ALARM_AGAIN", 0.05)
    ann, _, talk = two_friends(workers[0].engine)
    execute = PostgresConnection.execute

    def breaking(connection: PostgresConnection, sql: str, parameters: Any = ()) -> Any:
        done = execute(connection, sql, parameters)
        if sql == "COMMIT":
            connection.session.close()
            raise Lost("the connection broke")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(engine_postgres.PostgresConnection, "execute", breaking)
        with pytest.raises(Unavailable) as refused:
            workers[0].committer.submit(lambda tx: tx.add_message(talk, ann, "ann", "text", "c1", NOW))
    assert type(refused.value) is Unavailable, "the web tier knows no other"
    assert workers[0].rung == [Alarm()]
    gevent.sleep(0.1)
    assert workers[0].rung == [Alarm(), Alarm()]
    message, new = workers[1].chat.send(log_in(workers[1].engine, ann, "ann"), None, talk, "text", "c1")
    assert (message.number, new) == (1, False), "the retry finds it"


def test_what_waits_to_be_sent_goes_together(workers: list[Worker]) -> None:
    """And each is answered with its own, one that may not be sent as well."""
    ann, bob, talk = two_friends(workers[0].engine)
    drafts = [Draft(talk, (ann, bob)[n % 2], "", f"text {n}", f"c{n}", NOW) for n in range(100)]
    drafts[50] = drafts[50]._replace(conversation=talk + 1)
    posted = together(*(partial(workers[0].committer.send, draft) for draft in drafts))
    assert posted[50] is None
    sent = [one for n, one in enumerate(posted) if n != 50]
    assert [one.is_new for one in sent] == [True] * 99
    assert [one.message.number for one in sent] == list(range(1, 100))
    assert [one.message.text for one in sent] == [draft.text for n, draft in enumerate(drafts) if n != 50]
    assert workers[0].committer.batches < 10
    assert [ring.number for ring in workers[0].rung if isinstance(ring, Entry) and ring.user == bob] == list(
        range(1, 100)
    )


def test_who_sends_where_somebody_holds_the_row_holds_up_nobody_else_for_good(url: str) -> None:
    worker = Worker(url, Timeouts(lock=0.3))
    ann, bob, talk = two_friends(worker.engine)
    with writing(worker.engine) as tx:
        free = tx.add_conversation(sorted((ann, bob)))

    def drafts(turn: int) -> list[Draft]:
        return [Draft(place, ann, "ann", "text", f"c{place}-{turn}", NOW) for place in (talk, free)]

    def send(turn: int) -> list[Any]:
        return together(*(partial(worker.committer.send, draft) for draft in drafts(turn)))

    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM conversation WHERE id = %s FOR UPDATE", (talk,))
        held, posted = send(1)
    assert isinstance(held, Unavailable)
    assert posted.is_new
    assert [one.message.number for one in send(2)] == [1, 2]
    worker.close()


def test_a_connection_that_ends_under_a_send_costs_nothing(workers: list[Worker], url: str) -> None:
    ann, _, talk = two_friends(workers[0].engine)
    with psycopg.connect(url) as other, psycopg.connect(url, autocommit=True) as admin:
        other.execute("SELECT 1 FROM conversation WHERE id = %s FOR UPDATE", (talk,))
        sending = gevent.spawn(workers[0].committer.send, Draft(talk, ann, "ann", "text", "c1", NOW))
        waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        with gevent.Timeout(SOON):
            while admin.execute(waiting).fetchone() is None:
                gevent.sleep(0.02)
        admin.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({waiting}) AS one")
    posted = sending.get(timeout=SOON)
    assert (posted.message.number, posted.is_new) == (1, True)
    assert Alarm() in workers[0].rung, "it could as well have been committed"


def test_a_send_whose_end_nobody_heard_finds_itself(workers: list[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection breaks when the statement is through: with the transaction, for it is one."""
    ann, bob, talk = two_friends(workers[0].engine)
    execute = PostgresConnection.execute

    def breaking(connection: PostgresConnection, sql: str, parameters: Any = ()) -> Any:
        done = execute(connection, sql, parameters)
        if "pg_temp.send(CAST" in sql and not connection.session.in_transaction:
            connection.session.close()
            raise Lost("the connection broke")
        return done

    monkeypatch.setattr(PostgresConnection, "execute", breaking)
    posted = workers[0].committer.send(Draft(talk, ann, "ann", "text", "c1", NOW))
    assert posted
    assert (posted.message.number, posted.is_new) == (1, False)
    assert workers[0].rung == [Alarm()], "nobody was rung for it: all look"
    assert workers[0].store.bounds(bob).last == 1


def test_who_has_waited_long_enough_is_told_and_the_job_not_begun(
    workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer_module, "PATIENCE", 0.1)
    go_on = Event()
    width = workers[0].engine.writers - 1
    for _ in range(width):
        gevent.spawn(_outcome, lambda: workers[0].committer.submit(lambda _: go_on.wait(SOON)))
    gevent.sleep(0.05)
    begun: list[bool] = []
    with pytest.raises(Unavailable, match="busy"):
        workers[0].committer.submit(lambda _: begun.append(True))
    go_on.set()
    assert workers[0].committer.submit(lambda tx: tx.epoch())
    assert begun == []


def _send(talk: int, ann: int, client_id: str, tx: Transaction) -> None:
    tx.add_message(talk, ann, "ann", "text", client_id, NOW)


def _conversations(worker: Worker) -> list[tuple[int, int, int]]:
    return [
        (one, other, conversation)
        for one, other, conversation in worker.engine.reader.rows("SELECT low, high, conversation FROM relation")
    ]
