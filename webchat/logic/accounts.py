"""Accounts: registering, logging in and out. A password is only ever seen here, and only ever hashed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from gevent.threadpool import ThreadPool

from webchat.data.committer import Committer
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.people import NAME, PASSWORD_MAX, PASSWORD_MIN, Found, Me, Session
from webchat.errors import Conflict, Invalid, NotLoggedIn, Unavailable, WrongCredentials

DAY = 86_400_000  # ms
TOKEN_BYTES = 32
FIND_MAX = 20
CLAIMS_MAX = 50_000  # sessions remembered by their secrets; some 400 bytes each
HASHES_WAITING_MAX = 64  # a hash takes some 50 ms of a core: more than this waiting means seconds


class Hasher:
    """argon2id (RFC 9106, argon2-cffi's defaults) on native threads: a hash must not stop the event loop."""

    def __init__(self) -> None:
        self._argon2 = PasswordHasher()
        self._threads = ThreadPool(2)
        self._waiting = 0
        # Verified against when the name is unknown, so that both refusals take the same time.
        self._nobody = self._argon2.hash(secrets.token_hex())

    def hash(self, password: str) -> str:
        return str(self._on_thread(self._argon2.hash, password))

    def fits(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the hashed one; takes as long where there is no hash (None)."""
        return bool(self._on_thread(self._verify, password_hash or self._nobody, password)) and bool(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    def _on_thread(self, work: Callable[..., object], *arguments: str) -> object:
        if self._waiting >= HASHES_WAITING_MAX:
            raise Unavailable("too many people are logging in at this moment; try again", retry_after=3)
        self._waiting += 1
        try:
            return self._threads.apply(work, arguments)
        finally:
            self._waiting -= 1


class Accounts:
    """`now` gives Unix milliseconds; `lifetime` of a session in days."""

    def __init__(
        self, store: Store, committer: Committer, hasher: Hasher, now: Callable[[], int], lifetime: int
    ) -> None:
        self._store = store
        self._committer = committer
        self._hasher = hasher
        self._now = now
        self.lifetime = lifetime
        self._claims: dict[str, Session] = {}  # by secret, the oldest first

    def register(self, name: str, password: str) -> Me:
        check_name(name)
        check_password(password)
        taken = Conflict("this name is taken", code="name_taken")
        if self._store.credentials(name):
            raise taken  # before the work of hashing
        password_hash = self._hasher.hash(password)

        def add(tx: Transaction) -> None:
            if tx.add_user(name, password_hash, self._now()) is None:
                raise taken

        self._committer.submit(add)
        return Me(name)

    def log_in(self, name: str, password: str) -> tuple[Me, str]:
        """The user, and the secret of a new session. Raises WrongCredentials."""
        if len(password) > PASSWORD_MAX:
            raise WrongCredentials("wrong name or password")
        known = self._store.credentials(name)
        if not self._hasher.fits(password, known.password_hash if known else None) or known is None:
            raise WrongCredentials("wrong name or password")
        user = known.user
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        expires_at = self._now() + self.lifetime * DAY
        self._committer.submit(lambda tx: tx.add_session(user, _digest(secret), expires_at))
        return Me(known.name), secret

    def session(self, secret: str) -> Session:
        """Whose secret this is. Raises NotLoggedIn."""
        session = self._store.session(_digest(secret), self._now())
        if session is None:
            raise NotLoggedIn("this session is unknown or over; log in again")
        return session

    def claim(self, secret: str) -> Session:
        """Whose secret this is or was, mostly without asking the database. Raises NotLoggedIn where it never was one.

        A secret is its session's for ever, but the session may be over: for callers who find that out themselves,
        where it counts (`Hub.poll` by its mailbox, `Chat.send` inside its transaction).
        """
        known = self._claims.get(secret)
        if known is None:
            known = self.session(secret)
            if len(self._claims) >= CLAIMS_MAX:
                del self._claims[next(iter(self._claims))]
            self._claims[secret] = known
        return known

    def log_out(self, session: Session) -> None:
        self._committer.submit(lambda tx: tx.end_session(session.user, session.id))

    def find(self, session: Session, query: str) -> list[Found]:
        return self._store.find(query, session.user, FIND_MAX)


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise Invalid(
            "a name has 2 to 32 letters (a-z), digits, '_', '.' or '-', and begins with a letter or digit",
            code="bad_name",
        )


def check_password(password: str) -> None:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise Invalid(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters", code="bad_password")
    # Spaces are characters like any other, also when there is nothing else (NIST SP 800-63B, 3.1.1.2). NUL is none
    # that a person types: it is a program's mistake, and what ends texts at NUL would let in on the part before it.
    if "\0" in password:
        raise Invalid("a password cannot contain the character NUL (U+0000)", code="bad_password")


def _digest(secret: str) -> bytes:
    # A fast hash will do: the secret has 256 bits of its own.
    return hashlib.sha256(secret.encode()).digest()
