"""The cluster of all tests, with users that cost no password hashing: these tests need hundreds."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import time
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from tests.client import PASSWORD, Client
from tests.conftest import Cluster
from webchat.data.database import open_engine
from webchat.data.engine import Engine
from webchat.data.transaction import Transaction
from webchat.logic.accounts import DAY
from webchat.settings import Settings

_serial = itertools.count(1)


class QuickCluster(Cluster):
    """Writes its users where the nodes would, with the product's own transactions; they have `PASSWORD`."""

    engine: Engine
    password_hash: str

    def user(self) -> Client:
        (one,) = self.users(f"q{next(_serial)}-{secrets.token_hex(3)}")
        return one

    def users(self, *names: str) -> list[Client]:
        now = time.time_ns() // 1_000_000
        made = []
        with self.engine.writing() as connection:
            transaction = Transaction(connection)
            for name in names:
                user, token = transaction.add_user(name, self.password_hash, now), secrets.token_urlsafe()
                assert user is not None, f"{name} is taken"
                transaction.add_session(user, hashlib.sha256(token.encode()).digest(), now + DAY, now=now)
                made.append(Client(self.nodes, name, token))
        return made


@pytest.fixture(scope="session")
def cluster(cluster: Cluster) -> Iterator[QuickCluster]:
    quick = QuickCluster(cluster.data, cluster.launched)
    quick.engine = open_engine(Settings(data=str(cluster.data)))
    quick.password_hash = PasswordHasher().hash(PASSWORD)
    yield quick
    quick.engine.close()
