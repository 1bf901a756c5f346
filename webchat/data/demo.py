"""The two demo accounts: they exist so that a first start shows a chat between two people at once.

Their password is public, so they may exist only where nobody else can come: on loopback, in the default
database. Anywhere else they are never created, and a server that finds them refuses to start.
"""

from __future__ import annotations

import shlex
import time

from argon2 import PasswordHasher

from webchat.data.database import open_engine, prepare, sqlite_path, without_password
from webchat.data.store import Pair, Store
from webchat.data.transaction import Transaction
from webchat.errors import SetupError
from webchat.settings import Settings

NAMES = ("liger_zql", "indifferent")
PASSWORD = "12345"
ACCOUNTS = tuple((name, PASSWORD) for name in NAMES)


def allowed(settings: Settings) -> bool:
    return settings.on_loopback and settings.on_default_database


def ensure(settings: Settings) -> bool:
    """Create the demo accounts where they are wanted and allowed; whether they exist now.

    Raises SetupError where they exist and must not.
    """
    engine = open_engine(settings)
    try:
        found = Store(engine.reader).demo_users()
        if found and not allowed(settings):
            raise SetupError(
                f"this database holds demo accounts with a public password ({', '.join(found)}), which may only be "
                f"served on loopback from the default data folder; remove them with `{_removal(settings)}` or choose "
                "another database"
            )
        if found or not (settings.demo and allowed(settings)):
            return bool(found)
        with engine.writing() as connection:
            return _create(Transaction(connection))
    finally:
        engine.close()


def remove(settings: Settings) -> list[str]:
    """Disable the demo accounts for good and end their sessions; their names. What they said stays readable.

    Running workers notice within some seconds. Raises SetupError where there is no database.
    """
    path = sqlite_path(settings)
    if path and not path.exists():
        raise SetupError(f"there is no database at {path}")
    prepare(settings)
    engine = open_engine(settings)
    try:
        with engine.writing() as connection:
            transaction = Transaction(connection)
            names = transaction.demo_users()
            for name in names:
                known = transaction.user(name)
                if known is not None:
                    transaction.disable_user(known[0])
            return names
    finally:
        engine.close()


def _removal(settings: Settings) -> str:
    """The command that disables the accounts of this very database."""
    if settings.database_url:  # it wins over --data
        url = without_password(settings.database_url)
        return f"WEBCHAT_DATABASE_URL={shlex.quote(url)} ./chat demo remove"
    return f"./chat demo remove --data {shlex.quote(settings.data)}"


def _create(transaction: Transaction) -> bool:
    """Two friends with an open conversation. False where somebody else has one of the names."""
    hasher = PasswordHasher()
    if any(transaction.credentials(name) for name in NAMES):
        return False
    users = [
        transaction.add_user(name, hasher.hash(PASSWORD), time.time_ns() // 1_000_000, demo=True) for name in NAMES
    ]
    one, other = users
    if one is None or other is None:
        return False  # disabled earlier: `remove` is for good
    conversation = transaction.add_conversation(sorted((one, other)))
    transaction.set_pair(one, other, Pair(friends=True, asked_by=None, conversation=conversation))
    return True
