"""Between the two steps: the cookie says whose password was right, and lets nobody in."""

from __future__ import annotations

import time
from typing import NamedTuple

from flask import session

from tenants import passwords
from tenants.entry.store import door

KEY = "halfway"
LIFETIME = 5 * 60  # seconds


class Halfway(NamedTuple):
    """Who it is, with the stamp of the password, and where they wanted to go."""

    person_id: int
    stamp: str
    target: str


def stop(person_id: int, password_hash: str, target: str = "") -> None:
    """The password was right; the code is still to come."""
    session.clear()
    session[KEY] = [door(), time.time(), person_id, passwords.stamp(password_hash), target]


def who() -> Halfway | None:
    """Who has come as far, at this door and not long ago."""
    found = session.get(KEY)
    if not isinstance(found, list) or found[0] != door() or time.time() - found[1] > LIFETIME:
        return None
    return Halfway(*found[2:])
