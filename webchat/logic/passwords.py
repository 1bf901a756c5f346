"""Passwords: checked and hashed, and never kept. Nobody else sees one but to hand it on to here."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from gevent.threadpool import ThreadPool

from webchat.entities.people import PASSWORD_MAX, PASSWORD_MIN
from webchat.errors import Invalid, Unavailable

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
        """Whether the password is the hashed one; takes as long where there is no hash (None).

        One that is too long to be a password is not hashed: a log-in's work is bounded.
        """
        if len(password) > PASSWORD_MAX:
            return False
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


def check_password(password: str) -> None:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise Invalid(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters", code="bad_password")
    # Spaces are characters like any other, also when there is nothing else (NIST SP 800-63B, 3.1.1.2). NUL is none
    # that a person types: it is a program's mistake, and what ends texts at NUL would let in on the part before it.
    if "\0" in password:
        raise Invalid("a password cannot contain the character NUL (U+0000)", code="bad_password")
