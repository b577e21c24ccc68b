"""Counts and sums of a list that somebody pages through: remembered until anything in the plant changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
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
    return str(value) if isinstance(value, Decimal) else value


def _typed(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value


def sums(what: object, run: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What `run` would answer; `what` says whose sums of which list these are. Numbers only."""
    said = repr((what, clock.today(), current_user.get_id()))
    key = f"lists:{context.current().id}:{hashlib.sha256(said.encode()).hexdigest()}"
    try:
        answered: Any = redis().mget(_version_key(), key)
    except RedisError:
        return run()
    version, stored = answered
    marker = version.decode() if version else ""
    found = json.loads(stored) if stored else None
    if found and found["version"] == marker:
        return {name: _typed(value) for name, value in found["sums"].items()}
    fresh = dict(run())
    with suppress(RedisError):
        plain = {name: _plain(value) for name, value in fresh.items()}
        redis().set(key, json.dumps({"version": marker, "sums": plain}), ex=LIFETIME)
    return fresh
