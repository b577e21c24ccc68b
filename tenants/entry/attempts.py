"""Guessing is slow: failures of a name and of an address are counted in Redis, made to wait, then locked for a while.

Each door counts by itself. A name that does not exist is counted like one that does, so that the lock tells nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from tenants.entry.store import CONSOLE, door, network, redis

WINDOW = LOCKED = 15 * 60  # seconds in which failures count, and that the lock lasts
SUSPECT = 3  # failures of an address
LONGEST_PAUSE = 30  # seconds
WRONG = "用户名或密码不正确，请重新输入。"


class Brake(NamedTuple):
    """What is counted: so many failures lock it, and from the `slow`-th on each makes wait twice as long."""

    place: str
    allowed: int
    slow: int
    locked: str  # what is said of it

    def counted(self) -> tuple[int, int]:
        """One attempt more; how many there are, and the seconds until they are forgotten."""
        with redis().pipeline() as steps:
            steps.set(self.place, 0, ex=WINDOW, nx=True)
            steps.incr(self.place)
            steps.ttl(self.place)
            _, count, left = steps.execute()
        if left < 0:  # it lapsed between giving back and counting: nothing may stay for ever
            redis().expire(self.place, WINDOW)
        return count, max(left, 1)

    def pause(self, count: int) -> int:
        """Seconds to wait after so many failures."""
        return min(2 ** (count - self.slow + 1), LONGEST_PAUSE) if count >= self.slow else 0

    def sentence(self, seconds: int) -> str:
        """That it is locked, and for how long."""
        return self.locked.format(n=self.allowed, minutes=_minutes(seconds))


def _minutes(seconds: int) -> int:
    return max(1, -(-seconds // 60))


def of_name(username: str) -> Brake:
    """The brake of a user name."""
    name = hashlib.sha256(username.encode()).hexdigest()[:32]
    helper = "另一位管理员" if door() == CONSOLE else "站长"
    said = f"连续输错 {{n}} 次，已锁定，请 {{minutes}} 分钟后再登录；急用请找{helper}解锁。"
    return Brake(f"login:{door()}:{name}", 5, 3, said)


def of_address(address: str) -> Brake:
    """The brake of an address: a village office has one for all its people, so it bears more."""
    said = "这个网络输错 {n} 次以上，已锁定，请 {minutes} 分钟后再登录。"
    return Brake(f"login:{door()}:from:{network(address)}", 30, 15, said)


def begin(username: str, address: str) -> str:
    """Count an attempt before its password is looked at, so that many at once are no more than one after the other.

    '' where it may go on, else the sentence that says why not. From a locked address no name's failures are counted.
    """
    brakes = of_address(address), of_name(username)
    with redis().pipeline() as steps:
        for brake in brakes:
            steps.ttl(f"{brake.place}:pause")
        wait = max(steps.execute())
    if wait > 0:
        return f"输错次数较多，请等 {wait} 秒再登录。"
    for brake in brakes:
        count, left = brake.counted()
        if count > brake.allowed:
            return brake.sentence(left)
    return ""


def failed(username: str, address: str, wrong: str = WRONG) -> str:
    """The attempt just begun has failed; the sentence that says what that means. `wrong`: what does not fit, said
    so that it tells nothing."""
    name, place = of_name(username), of_address(address)
    found: Any = redis().mget(name.place, place.place)
    counts = [int(one or 1) for one in found]
    with redis().pipeline() as steps:
        for brake, count in zip((name, place), counts, strict=True):
            if count >= brake.allowed:
                steps.expire(brake.place, LOCKED)
            elif brake.pause(count):
                steps.set(f"{brake.place}:pause", "1", ex=brake.pause(count))
        steps.execute()
    for brake, count in zip((name, place), counts, strict=True):
        if count >= brake.allowed:
            return brake.sentence(LOCKED)
    if counts[0] < name.slow:
        return wrong
    return f"{wrong.split('，')[0]}，再输错 {name.allowed - counts[0]} 次将锁定 {_minutes(LOCKED)} 分钟。"


def is_suspect(address: str) -> bool:
    """Whether an address has failed a few times lately: a door that asks for no 验证码 then does."""
    found: Any = redis().get(of_address(address).place)
    return int(found or 0) >= SUSPECT


def give_back(username: str, address: str) -> None:
    """The attempt just begun was none: its password was right, and something else is still to be asked."""
    redis().decr(of_name(username).place)
    redis().decr(of_address(address).place)


def came_in(username: str, address: str) -> None:
    """Somebody came in: the name starts afresh, and the address has not failed."""
    forget(username)
    redis().decr(of_address(address).place)


def forget(username: str) -> None:
    """The name starts afresh: it was unlocked, or has a new password."""
    place = of_name(username).place
    redis().delete(place, f"{place}:pause")


def locked(usernames: Iterable[str]) -> dict[str, int]:
    """Which of these names are locked, and for how many minutes more."""
    names = list(usernames)
    with redis().pipeline() as steps:
        for name in names:
            steps.get(of_name(name).place)
            steps.ttl(of_name(name).place)
        found = steps.execute()
    pairs = zip(names, found[::2], found[1::2], strict=True)
    return {name: _minutes(left) for name, count, left in pairs if int(count or 0) >= of_name(name).allowed}
