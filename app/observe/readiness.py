"""Whether this process can do its work: each part with a reason, in Chinese and English, that names nothing secret."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass

from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.observe import probes
from tenants import vitals

log = logging.getLogger(__name__)
_told: set[str] = set()  # the parts that the log has been told of


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is needed."""

    ok: bool
    reason: str


GOOD = Part(True, "正常 (ok)")
NO_DATABASE = Part(False, "数据库没有应答 (the database does not answer)")
NO_REDIS = Part(False, "Redis 没有应答 (Redis does not answer)")
NOT_ASKED = Part(False, "数据库没有应答，无从得知 (unknown: the database does not answer)")
NO_REGISTRY = Part(False, "读不到平台登记表，请执行 flask migrate (the registry cannot be read: run flask migrate)")
PLATFORM_BEHIND = (
    "平台表落后 {n} 个版本，请执行 flask migrate (the registry is {n} revisions behind: run flask migrate)"
)
PLANTS_BEHIND = (
    "{n} 个水厂的表都落后不止一个版本，请执行 flask migrate "
    "(all {n} plants are more than one revision behind: run flask migrate)"
)
SOME_BEHIND = "正常，{n} 个水厂的表待更新 (ok; {n} plants are behind)"


def parts() -> dict[str, Part]:
    """The state of database, Redis and migrations; answers within some seconds whatever hangs."""
    found = {"database": NO_DATABASE, "redis": _redis(), "migrations": NOT_ASKED}
    try:
        with probes.database() as connection:
            found["database"] = GOOD
            found["migrations"] = NO_REGISTRY
            found["migrations"] = _migrations(connection)
    except SQLAlchemyError:
        pass  # as far as it came is what there is to say
    _tell(found)
    return found


def _redis() -> Part:
    try:
        probes.redis().ping()
    except RedisError:
        return NO_REDIS
    return GOOD


def _migrations(connection: Connection) -> Part:
    """The registry must be at its head. A plant may be behind: one that cannot be moved takes nobody else off the air."""
    behind = vitals.platform_behind(connection)
    if behind:
        return Part(False, PLATFORM_BEHIND.format(n=behind))
    steps = {steps: plants for (state, steps), plants in sorted(vitals.plants(connection).items()) if state == "active"}
    if steps and min(steps) > 1:
        return Part(False, PLANTS_BEHIND.format(n=sum(steps.values())))
    late = sum(plants for step, plants in steps.items() if step)
    return Part(True, SOME_BEHIND.format(n=late)) if late else GOOD


def _tell(found: dict[str, Part]) -> None:
    """One line when a part fails and one when it is back, however often it is asked in between."""
    for name, part in found.items():
        if part.ok and name in _told:
            _told.discard(name)
            log.warning("ready again: %s", name)
        elif not part.ok and name not in _told:
            _told.add(name)
            log.error("not ready: %s: %s", name, part.reason)


def as_json(found: dict[str, Part]) -> dict[str, object]:
    """{"ready": …, "parts": {name: {"ok": …, "reason": …}}}."""
    return {"ready": all(part.ok for part in found.values()), "parts": {n: asdict(part) for n, part in found.items()}}
