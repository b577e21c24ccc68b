"""What time it is in the plant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tenants import context

AHEAD = "CLOCK_AHEAD"  # environment: by how many seconds a drill's or a test's processes live in another week
_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """This moment, in UTC."""
    return _frozen.get() or datetime.now(UTC) + timedelta(seconds=float(os.environ.get(AHEAD, 0)))


def today() -> date:
    """The calendar day in the plant's time zone (China's where no plant is set)."""
    tenant = context.current_or_none()
    return now().astimezone(ZoneInfo(tenant.timezone if tenant else "Asia/Shanghai")).date()


def frozen() -> datetime | None:
    """The moment that is pretended, if any."""
    return _frozen.get()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Pretend that it is `moment` (tests and replays)."""
    token = _frozen.set(moment)
    try:
        yield
    finally:
        _frozen.reset(token)
