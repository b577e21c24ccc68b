"""Counts and sums of a list that somebody pages through: remembered until anything in the plant changes."""

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

from app import clock
from app.db import db
from app.extensions import redis
from tenants import context

LIFETIME = 60  # seconds that they may outlive a change made behind the app's back (in psql, from a backup)


def _version_key() -> str:
    return f"lists:{context.current().id}:version"


@event.listens_for(db.session, "after_commit")
def _changed(_session: Session) -> None:
    """Every commit of the plant makes what is remembered old, in all processes at once."""
    if context.current_or_none():
        with suppress(RedisError):
            redis().incr(_version_key())


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
    said = repr((what, clock.today(), current_user.get_id()))
    key = f"lists:{context.current().id}:{hashlib.sha256(said.encode()).hexdigest()}"
    try:
        answered: Any = redis().mget(_version_key(), key)
    except RedisError:
        return [list(row) for row in run()]
    version, stored = answered
    marker = version.decode() if version else ""
    kept: dict[str, Any] = json.loads(stored, object_hook=_typed) if stored else {}
    if kept.get("version") == marker:
        return list(kept["rows"])
    fresh = [list(row) for row in run()]
    with suppress(RedisError):
        redis().set(key, json.dumps({"version": marker, "rows": fresh}, default=_plain), ex=LIFETIME)
    return fresh


def sums(what: object, run: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The same of numbers by name."""
    return {name: value for name, value in rows(what, lambda: run().items())}
