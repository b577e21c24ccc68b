"""Guessing is slow: failed logins of a name are counted in Redis, made to wait, then locked for a while.

A name that does not exist is counted like one that does, so that the lock tells nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any

from app.errors import DomainError
from app.extensions import redis
from tenants import context

ALLOWED = 5  # failures of a name
WINDOW = LOCKED = 15 * 60  # seconds in which they count, and that the lock lasts
PAUSES = {3: 2, 4: 4}  # after so many failures: seconds until the next attempt is looked at


def _place(username: str) -> str:
    name = hashlib.sha256(username.encode()).hexdigest()[:32]
    return f"login:{context.current().id}:{name}"


def _minutes(seconds: int) -> int:
    return max(1, -(-seconds // 60))


def begin(username: str) -> None:
    """Count an attempt before its password is looked at, so that many at once are no more than one after the other.

    Raises DomainError where the name is locked or has to wait.
    """
    place = _place(username)
    pause: Any = redis().ttl(f"{place}:pause")
    if pause > 0:
        raise DomainError(f"输错次数较多，请等 {pause} 秒再登录。")
    with redis().pipeline() as steps:
        steps.set(place, 0, ex=WINDOW, nx=True)
        steps.incr(place)
        steps.ttl(place)
        _, count, left = steps.execute()
    if count > ALLOWED:
        raise DomainError(f"连续输错 {ALLOWED} 次，已锁定，请 {_minutes(left)} 分钟后再登录；急用请找站长重设密码。")


def failed(username: str) -> str:
    """The attempt just begun has failed; the sentence that says what that means. Who or what was wrong it does not say."""
    place = _place(username)
    found: Any = redis().get(place)
    count = int(found or 1)
    if count >= ALLOWED:
        redis().expire(place, LOCKED)
        return f"连续输错 {ALLOWED} 次，已锁定，请 {_minutes(LOCKED)} 分钟后再登录；急用请找站长重设密码。"
    if count not in PAUSES:
        return "用户名或密码不正确，请重新输入。"
    redis().set(f"{place}:pause", "1", ex=PAUSES[count])
    return f"用户名或密码不正确，再输错 {ALLOWED - count} 次将锁定 {_minutes(LOCKED)} 分钟。"


def forget(username: str) -> None:
    """Somebody came in, or the 站长 gave a new password: the name starts afresh."""
    place = _place(username)
    redis().delete(place, f"{place}:pause")
