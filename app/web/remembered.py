"""Counts and sums of a list that somebody pages through: remembered until a table changes that they were read from.

Every table of a plant has a number in Redis, which a commit that wrote it makes higher; what is remembered carries the
numbers of its tables as they were before it was read. So a payment at the window does not spoil the reading's progress.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

from flask_login import current_user
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import clock, written
from app.db import db
from app.extensions import redis
from app.permissions import of_role
from tenants import context

LIFETIME = 60  # seconds that they may outlive a change made behind the app's back (in psql, from a backup)


EVERYTHING = "*"  # no table: what `forget` makes higher


def _versions_key() -> str:
    return f"lists:{context.current().id}:versions"


@event.listens_for(db.session, "after_commit")
def _changed(_session: Session) -> None:
    """What stands on the tables just written is old from now on, in all processes at once."""
    tables = written.take_committed()
    if tables and context.current_or_none():
        with suppress(RedisError):
            _count_up(tables)


def _count_up(tables: Iterable[str]) -> None:
    with redis().pipeline(transaction=False) as sent:
        for table in tables:
            sent.hincrby(_versions_key(), table, 1)
        sent.execute()


def forget() -> None:
    """Nothing of the plant in force is remembered any more."""
    _count_up([EVERYTHING])


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    raise TypeError(f"{type(value).__name__} cannot be remembered")


def _typed(found: dict[str, Any]) -> Any:
    if found.keys() == {"decimal"}:
        return Decimal(found["decimal"])
    return date.fromisoformat(found["day"]) if found.keys() == {"day"} else found


def rows(what: object, run: Callable[[], Iterable[Sequence[Any]]]) -> list[list[Any]]:
    """What `run` would find: rows of text, numbers, Decimals and days; `what` says of which list, for whom."""
    rights = sorted(of_role(current_user.role)) if current_user.is_authenticated else ()  # they say whom one sees
    said = repr((what, clock.today(), current_user.get_id(), rights))
    key = f"lists:{context.current().id}:{hashlib.sha256(said.encode()).hexdigest()}"
    try:
        with redis().pipeline(transaction=False) as asked:
            asked.hgetall(_versions_key())
            asked.get(key)
            versions, stored = asked.execute()
    except RedisError:
        return [list(row) for row in run()]
    now = {name.decode(): int(number) for name, number in versions.items()}
    kept: dict[str, Any] = json.loads(stored, object_hook=_typed) if stored else {}
    if kept and all(now.get(table, 0) == number for table, number in kept["tables"].items()):
        return list(kept["rows"])
    with written.read_inside() as tables:
        fresh = [list(row) for row in run()]
    if tables:  # else nobody could say when it is old
        numbers = {table: now.get(table, 0) for table in (*tables, EVERYTHING)}
        with suppress(RedisError):
            redis().set(key, json.dumps({"tables": numbers, "rows": fresh}, default=_plain), ex=LIFETIME)
    return fresh


def sums(what: object, run: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The same of numbers by name."""
    return {name: value for name, value in rows(what, lambda: run().items())}
