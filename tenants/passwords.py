"""argon2id, and nothing of our own."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def use(hasher: PasswordHasher) -> None:
    """Hash from now on like this: tests need no password that is dear to guess."""
    global _hasher
    _hasher = hasher
    _nobody.cache_clear()


def hashed(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


@cache
def _nobody() -> str:
    return hashed(secrets.token_hex())


def matches(stored: str | None, password: str) -> bool:
    """Whether the password fits; takes the same time where there is no such person (`stored` None)."""
    try:
        _hasher.verify(stored or _nobody(), password)
        return stored is not None
    except (Argon2Error, InvalidHashError):
        return False


def stamp(stored: str) -> str:
    """What a session remembers of the password it was opened with: another password, another stamp."""
    return hashlib.sha256(stored.encode()).hexdigest()[:16]
