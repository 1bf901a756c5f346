"""A standby answers where it has all that the asker may have seen, and nobody notices where it does not."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import msgspec
import pytest

from tests.client import until
from tests.contracts.store_contract import NOW
from tests.postgres import Databases, Server, server_and_standby, url_of
from webchat.data import groups, replica_postgres
from webchat.data.bus_redis import ringer
from webchat.data.database import prepare
from webchat.data.transaction import Transaction
from webchat.doctor import store
from webchat.entities.feed import LeftEvent
from webchat.entities.talk import Message
from webchat.errors import NotFound, SetupError
from webchat.node import Node, build_node
from webchat.settings import Settings

_serial = itertools.count(1)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Databases, Server, Server]]:
    """Of which the second follows the first again after each test."""
    with server_and_standby() as (primary, standby):
        yield Databases(primary.url), primary, standby


class Site:
    """Two nodes on one primary, and its standby; ann, bob and eve have a group."""

    def __init__(self, folder: Path, databases: Databases, primary: Server, standby: Server) -> None:
        self.primary, self.standby = primary, standby
        url = databases.migrated()
        name = url.split("?")[0].rpartition("/")[2]
        self.settings = Settings(
            data=str(folder),
            redis_url=f"unix://{folder}/nobody.sock",
            database_url=url,
            replica_url=url_of(standby.url, name),
            database_pool=4,
        )
        self.nodes = [build_node(self.settings) for _ in range(2)]
        for node in self.nodes:
            node.committer.start()
        self.here, self.there = self.nodes
        assert self.here.duty.mine()
        self.here.committer.submit(self._settle)
        self.people = {}
        for name in ("ann", "bob", "eve"):
            session = self.here.store.session(name.encode().ljust(32), NOW)
            assert session is not None
            self.people[name] = session
        self.in_use()

    def _settle(self, tx: Transaction) -> None:
        users = [tx.add_user(name, "hash", NOW) or 0 for name in ("ann", "bob", "eve")]
        for name, user in zip(("ann", "bob", "eve"), users, strict=True):
            tx.add_session(user, name.encode().ljust(32), 2 * NOW)
        self.place: int = tx.add_conversation(users)
        tx.on.rows("UPDATE conversation SET kind = 'group' WHERE id = ?", (self.place,))

    def look(self) -> bool:
        """A turn of the clock of each node: whether all of them use the standby then."""
        gevent.sleep(0.01)
        for node in self.nodes:
            node.replica.look()
        return all(node.replica.usable for node in self.nodes)

    def in_use(self) -> None:
        until("the standby is used", lambda: self.look() and self.up_to_date("eve"))

    def say(self, text: str, who: str = "ann") -> Message:
        return self.here.chat.send(self.people[who], None, self.place, text, f"c{next(_serial)}").message

    def history(self, node: Node, who: str = "bob") -> list[str]:
        return [message.text for message in node.chat.history(self.people[who], self.place, 50)[0]]

    def found(self, node: Node, query: str, who: str = "bob") -> list[str]:
        return [message.text for message in node.search.find(self.people[who], query, None, None, 50)[0]]

    def reads(self, node: Node, who: str = "bob") -> tuple[int, int, int]:
        """How one read of history is counted."""
        before = _counted(node)
        self.history(node, who)
        return tuple(now - then for now, then in zip(_counted(node), before, strict=True))  # type: ignore[return-value]

    def up_to_date(self, who: str = "bob") -> bool:
        """Whether the standby has all that concerns them."""
        return self.reads(self.there, who) == (1, 0, 0)

    @contextlib.contextmanager
    def lagging(self) -> Iterator[None]:
        """The standby replays nothing."""
        self.standby.do("SELECT pg_wal_replay_pause()")
        until("it stands", lambda: self.standby.do("SELECT pg_get_wal_replay_pause_state()") == [("paused",)])
        try:
            yield
        finally:
            self.standby.do("SELECT pg_wal_replay_resume()")

    def close(self) -> None:
        for node in self.nodes:
            node.stop()


def _counted(node: Node) -> tuple[int, int, int]:
    return node.replica.reads, node.replica.behind, node.replica.failures


@pytest.fixture
def site(servers: tuple[Databases, Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(ringer, "LAST_RINGS", 0.01)  # nobody is there to take them
    monkeypatch.setattr(replica_postgres, "BELIEVED", 60)  # here nobody looks by the clock
    made = Site(tmp_path, *servers)
    yield made
    made.close()


def test_what_is_said_through_one_node_is_read_at_once_through_the_other(site: Site) -> None:
    told = []
    for number in range(30):
        told.append(site.say(f"word{number}").text)
        assert site.history(site.there) == told
        assert site.found(site.there, f"word{number}") == [f"word{number}"]
        if number % 10 == 0:
            site.look()
    until("the standby has it", site.up_to_date)
    reads, behind, failures = _counted(site.there)
    assert reads + behind >= 60, "each read is counted"
    assert failures == 0


def test_who_has_news_does_not_read_at_a_standby_that_has_none_and_others_do(site: Site) -> None:
    site.say("before")
    until("the standby has it", site.up_to_date)
    other = site.there.committer.submit(lambda tx: tx.add_user("mia", "hash", NOW))
    assert other
    with site.lagging():
        site.say("after")
        assert site.history(site.there) == ["before", "after"]
        assert site.reads(site.there) == (0, 1, 0)
        assert site.reads(site.here, "ann") == (0, 1, 0), "nor does who said it"
        assert site.there.replica.read(other, lambda _: "there", lambda: "here") == "there"
    until("the standby has it", site.up_to_date)


def test_nothing_is_told_that_was_deleted_or_is_no_business_of_theirs_any_more(site: Site) -> None:
    message = site.say("regretted")
    assert site.found(site.there, "regretted") == ["regretted"]
    until("the standby has it", site.up_to_date)
    with site.lagging():
        site.here.changes.delete(site.people["ann"], message.id)
        assert site.history(site.there) == [""]
        assert site.found(site.there, "regretted") == []
        eve = site.people["eve"]
        site.here.committer.submit(lambda tx: _remove(tx, site.place, eve.user))
        with pytest.raises(NotFound):
            site.history(site.there, "eve")
        assert site.found(site.there, "regretted", "eve") == []


def _remove(tx: Transaction, place: int, user: int) -> None:
    groups.part(tx, place, user)
    tx.tell(user, LeftEvent(place))


def test_a_standby_that_has_what_was_said_and_not_its_index_is_not_searched(site: Site) -> None:
    site.say("needle")
    until("the standby has it", site.up_to_date)
    with site.lagging():
        assert site.here.search.index_some()
        before = _counted(site.there)
        assert site.found(site.there, "needle") == ["needle"]
        assert _counted(site.there) == (before[0], before[1] + 1, 0)
    until("it is found there", lambda: site.found(site.there, "needle") and _counted(site.there)[0] > before[0])


def test_one_that_lags_for_long_is_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_postgres, "LAG_MAX", 0.05)
    monkeypatch.setattr(replica_postgres, "BELIEVED", 0.1)
    with site.lagging():
        until("it is not used", lambda: not (site.look() or site.there.replica.usable))
        assert site.there.replica.lag > 0.05
        assert site.reads(site.there) == (0, 0, 0)
    site.in_use()


def test_a_dead_one_is_done_without_and_used_when_it_is_back(site: Site) -> None:
    site.say("kept")
    site.standby.stop()
    assert site.history(site.there) == ["kept"]
    assert not site.there.replica.usable
    assert site.reads(site.there) == (0, 0, 0), "it is not asked again and again"
    assert not site.look()
    site.standby.start()
    site.in_use()


def test_a_frozen_one_holds_up_one_read_for_a_moment(site: Site) -> None:
    site.say("kept")
    until("the standby has it", site.up_to_date)
    with site.standby.frozen():
        started = time.monotonic()
        assert site.history(site.there) == ["kept"]
        assert time.monotonic() - started < 3
        assert site.reads(site.there) == (0, 0, 0)
        assert time.monotonic() - started < 3.5
    site.in_use()


def test_what_the_doctor_says_of_it(site: Site) -> None:
    def says(settings: Settings) -> tuple[str, str]:
        (found,) = [finding for finding in store.examine(settings) if finding.part == "replica"]
        return found.level, found.says

    level, said = says(site.settings)
    assert (level, said.split(" within ")[0]) == ("ok", "it had all that the primary has")
    primary = msgspec.structs.replace(site.settings, replica_url=site.settings.database_url)
    assert says(primary) == ("warning", "it follows nobody: a primary, perhaps the one itself")
    nobody = msgspec.structs.replace(site.settings, replica_url="postgresql://me:secret@127.0.0.1:1/chat")
    level, said = says(nobody)
    assert level == "warning"
    assert "cannot be asked" in said
    assert "secret" not in said


def test_one_that_is_ahead_of_a_new_primary_is_not_believed(site: Site) -> None:
    """What an asynchronous failover loses, a standby may still show: its feed is as long, and says something else."""
    primary, standby = site.primary, site.standby
    site.say("before")
    primary.stop()
    kept = primary.folder / "kept"
    subprocess.run(["cp", "-a", primary.folder / "data", kept], check=True)
    primary.start()
    site.in_use()
    site.say("lost")
    until("the standby has it", site.up_to_date)
    primary.stop()
    shutil.rmtree(primary.folder / "data")
    kept.rename(primary.folder / "data")
    primary.start()
    site.say("said instead")
    for _ in range(3):
        site.look()
        assert site.history(site.there) == ["before", "said instead"]
        assert _counted(site.there)[2] == 0
    standby.stop()  # its successor is made anew
    shutil.rmtree(standby.folder)
    vars(standby).update(vars(primary.standby(standby.folder)))
    site.in_use()


@pytest.mark.parametrize(
    ("database", "replica", "says"),
    [
        ("", "postgresql://me:secret@db/chat", "of a PostgreSQL only"),
        ("postgresql://me@db/chat", "mysql://me:secret@db/chat", "is understood"),
        ("postgresql://me@db/chat", "postgresql://me:secret@db/chat?nonsense=1", "cannot be used"),
    ],
)
def test_one_that_cannot_be_meant_is_refused(tmp_path: Path, database: str, replica: str, says: str) -> None:
    with pytest.raises(SetupError, match=f"WEBCHAT_REPLICA_URL=.*{says}") as refused:
        prepare(Settings(data=str(tmp_path), database_url=database, replica_url=replica))
    assert "secret" not in refused.value.detail
