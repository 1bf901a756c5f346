"""One's own sessions: to see them, to end one, and to end all others by a new password."""

from __future__ import annotations

from collections.abc import Callable

from webchat.data import accounts
from webchat.data.committer import Committer
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.people import OpenSession, Session
from webchat.entities.talk import rfc3339
from webchat.errors import NotFound, NotLoggedIn, WrongPassword
from webchat.logic.passwords import Hasher, check_password

WRONG = "this is not your password"
OVER = "this session has ended"


def must_live(tx: Transaction, session: Session) -> None:
    """Raises NotLoggedIn where the session ended after its request was let in.

    In a transaction that holds the account's row, it lives until that is through: nobody is befriended, blocked or
    renamed by an account that has just been removed.
    """
    if not tx.living_sessions([session.id], 0):
        raise NotLoggedIn(OVER)


class Sessions:
    """`now` gives Unix milliseconds."""

    def __init__(self, store: Store, committer: Committer, hasher: Hasher, now: Callable[[], int]) -> None:
        self._store = store
        self._committer = committer
        self._hasher = hasher
        self._now = now

    def list(self, session: Session) -> list[OpenSession]:
        """The one seen last first."""
        return [
            OpenSession(
                str(login.id),
                login.id == session.id,
                login.address,
                login.agent,
                rfc3339(login.created_at) if login.created_at else None,
                rfc3339(login.seen_at) if login.seen_at else None,
            )
            for login in accounts.logins(self._store, session.user, self._now())
        ]

    def end(self, session: Session, id: int) -> None:
        """Raises NotFound where one has no such session."""

        def work(tx: Transaction) -> None:
            if not accounts.owns_session(tx, session.user, id):
                raise NotFound("you have no such session")
            tx.end_session(session.user, id)

        self._committer.submit(work)

    def change_password(self, session: Session, old: str, new: str) -> None:
        """All other sessions, and all tokens, end. Raises WrongPassword, Invalid."""
        check_password(new)
        known = self.check(session, old)
        hashed = self._hasher.hash(new)

        def work(tx: Transaction) -> None:
            accounts.hold(tx, [session.user])
            if accounts.password_hash(tx, session.user) != known:
                raise WrongPassword(WRONG)  # changed while we hashed
            accounts.set_password(tx, session.user, hashed)
            accounts.end_sessions(tx, session.user, but=session.id)

        self._committer.submit(work)

    def check(self, session: Session, password: str) -> str:
        """The hash that the password fits. Raises WrongPassword."""
        known = accounts.password_hash(self._store, session.user)
        if not self._hasher.fits(password, known):
            raise WrongPassword(WRONG)
        return known
