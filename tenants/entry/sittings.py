"""登录会话: where somebody is logged in. In Redis, one hash a person: a field for what a session is, one for when it was
last used.

A request asks once; when the session was used is noted once a minute at most. A flushed Redis logs everybody out. While
Redis does not answer, the signed cookie stands alone: what ends a session for good, another password or a disabled
account, is in the database anyway.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import current_app, request, session
from redis.exceptions import RedisError

from tenants.entry import browsers
from tenants.entry.store import door, redis

KEY, SINCE = "sitting", "since"  # what the cookie remembers
MOST = 20  # of a person; of more, those not used for longest end
NOTED = 60  # seconds between two notes of when it was used
BY_ITSELF = "X-By-Itself"  # a header of what a page asks without anybody touching it


class Sitting(NamedTuple):
    """One session. `browser`: in words, as 'Chrome · Windows'; `here`: it is the one that asks."""

    key: str
    since: datetime
    seen: datetime
    address: str
    browser: str
    here: bool


def _place(person_id: int) -> str:
    return f"sittings:{door()}:{person_id}"


def _seen(key: str) -> str:
    return f"{key}:seen"


def _idle() -> int:
    return int(current_app.config["SESSION_IDLE"]) * 60


def _longest() -> int:
    return int(current_app.config["SESSION_LONGEST"]) * 60


def _is_over(since: float, seen: float) -> bool:
    now = time.time()
    return now - since > _longest() or now - seen > _idle()


def begin(person_id: int) -> None:
    """The session of this request is from now on one of the person's."""
    now, key = time.time(), secrets.token_urlsafe(12)
    said = [now, request.remote_addr or "", browsers.in_words(request.user_agent.string)]
    kept = all_of(person_id)[: MOST - 1]
    known = {field.decode() for field in _fields(person_id)}
    gone = known - {field for one in kept for field in (one.key, _seen(one.key))}
    with redis().pipeline() as steps:
        if gone:
            steps.hdel(_place(person_id), *gone)
        steps.hset(_place(person_id), mapping={key: json.dumps(said), _seen(key): now})
        steps.expire(_place(person_id), _longest())
        steps.execute()
    session[KEY], session[SINCE] = key, now


def goes_on(person_id: int) -> bool:
    """Whether the session of this request is one of the person's, and neither ended nor left alone for too long."""
    key, since = session.get(KEY), session.get(SINCE)
    if not isinstance(key, str) or not isinstance(since, float):
        return False
    try:
        said, seen = redis().hmget(_place(person_id), [key, _seen(key)])
        if not said or _is_over(since, float(seen or since)):
            return False
        if time.time() - float(seen or since) > NOTED and BY_ITSELF not in request.headers:
            redis().hset(_place(person_id), _seen(key), str(time.time()))
        return True
    except RedisError:
        return not _is_over(since, time.time())


def _fields(person_id: int) -> dict[bytes, bytes]:
    found: Any = redis().hgetall(_place(person_id))
    return dict(found)


def all_of(person_id: int) -> list[Sitting]:
    """The person's sessions, the one used last first."""
    fields, found = _fields(person_id), []
    for name, value in fields.items():
        key = name.decode()
        if key.endswith(":seen"):
            continue
        since, address, browser = json.loads(value)
        seen = float(fields.get(_seen(key).encode(), since))
        if not _is_over(since, seen):
            began, used = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(seen, UTC)
            found.append(Sitting(key, began, used, address, browser, key == session.get(KEY)))
    return sorted(found, key=lambda one: (one.here, one.seen), reverse=True)


def end(person_id: int, key: str) -> None:
    """One session is over."""
    redis().hdel(_place(person_id), key, _seen(key))


def end_others(person_id: int) -> int:
    """All but the one that asks are over; how many those were."""
    others = [one.key for one in all_of(person_id) if not one.here]
    for key in others:
        end(person_id, key)
    return len(others)


def end_all(person_id: int) -> None:
    """Nobody is logged in as the person any more. Where Redis does not answer, the database has it, see above."""
    with suppress(RedisError):
        redis().delete(_place(person_id))
