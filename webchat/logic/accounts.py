"""Accounts: registering, logging in and out, and whose secret a request carries."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

import gevent
import structlog

from webchat.data import accounts, profiles
from webchat.data.committer import Committer
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.people import NAME, Found, Me, Session
from webchat.errors import Conflict, Invalid, NotLoggedIn, Unavailable, WrongCredentials
from webchat.logic.passwords import Hasher, check_password

DAY = 86_400_000  # ms
TOKEN_BYTES = 32
FIND_MAX = 20
CLAIMS_MAX = 50_000  # sessions remembered by their secrets; some 400 bytes each
AGENT_MAX = 200  # characters of what a client says it is
SEEN_EVERY = 3_600_000  # ms; how often at most it is written that a session is used
SEEN_GATHER = 1.0  # seconds in which those are gathered that are written together
SEEN_AT_ONCE = 500  # sessions in one transaction
FORGET = 6  # one of so many claims is forgotten at a time, see `forget_old_claims`
WRONG = "wrong name or password"

log = structlog.get_logger()


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
        self._seen: set[int] = set()  # sessions whose use is yet to be written

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

    def log_in(
        self, name: str, password: str, address: str = "", agent: str = "", instead_of: str | None = None
    ) -> tuple[Me, str]:
        """The user, and the secret of a new session. Raises WrongCredentials.

        `address` and `agent`: where from and with what, for the owner's list of sessions. `instead_of`: a secret that
        the new one takes the place of. Nobody will have it any more, so its session ends.
        """
        known = self._store.credentials(name)
        if not self._hasher.fits(password, known.password_hash if known else None) or known is None:
            raise WrongCredentials(WRONG)
        user, now = known.user, self._now()
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        shown = "".join(filter(str.isprintable, agent))[:AGENT_MAX]
        old = self._store.session(_digest(instead_of), now) if instead_of else None

        def begin(tx: Transaction) -> Me:
            accounts.hold(tx, [user])
            if tx.credentials(name) != known:  # changed, or disabled, while we looked at the password
                raise WrongCredentials(WRONG)
            expires_at = now + self.lifetime * DAY
            tx.add_session(user, _digest(secret), expires_at, now=now, address=address, agent=shown)
            if old is not None and old.user == user:
                tx.end_session(user, old.id)
            return profiles.me(tx, user)

        me = self._committer.submit(begin)
        if old is not None and old.user != user:
            self.log_out(old)
        return me, secret

    def session(self, secret: str) -> Session:
        """Whose secret this is. Raises NotLoggedIn."""
        now = self._now()
        session = self._store.session(_digest(secret), now)
        if session is None:
            raise NotLoggedIn("this session is unknown or over; log in again")
        if session.seen_at < now - SEEN_EVERY:
            self._saw(session.id)
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

    def forget_old_claims(self) -> None:
        """Forget the oldest claims, a few at a time: who still comes is looked up, and thereby seen, once more.

        What is claimed costs no look into the database, so nobody would notice when it was last used.
        """
        for secret in list(self._claims)[: len(self._claims) // FORGET + 1]:
            del self._claims[secret]

    def _saw(self, session: int) -> None:
        if not self._seen:
            gevent.spawn_later(SEEN_GATHER, self._write_seen)
        self._seen.add(session)

    def _write_seen(self) -> None:
        seen, self._seen = sorted(self._seen), set()
        now = self._now()
        for start in range(0, len(seen), SEEN_AT_ONCE):
            some = seen[start : start + SEEN_AT_ONCE]
            try:
                self._committer.post(lambda tx, some=some: accounts.saw(tx, some, now, now - SEEN_EVERY))  # type: ignore[misc]
            except Unavailable as error:
                log.warning("not written which sessions are used", error=error.detail)

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


def _digest(secret: str) -> bytes:
    # A fast hash will do: the secret has 256 bits of its own.
    return hashlib.sha256(secret.encode()).digest()
