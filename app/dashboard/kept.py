"""Figures of a large plant are shown again for a moment; those of a small one are always fresh."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from tenants import context

T = TypeVar("T")
WORTH = 0.1  # seconds of work below which nothing is kept
TIMES = 20  # kept so many times as long as the work took,
LONGEST = 30.0  # but at most so many seconds: ten people who look cost what one costs
ROOM = 2000

_kept: dict[tuple[int, str], tuple[float, Any]] = {}


def kept(name: str, make: Callable[[], T]) -> T:
    """What `make` finds, or what it found for this plant and name a moment ago. It must not be changed afterwards."""
    key = (context.current().id, name)
    until, value = _kept.get(key, (0.0, None))
    started = time.monotonic()
    if started < until:
        found: T = value
        return found
    found = make()
    ended = time.monotonic()
    took = ended - started
    if took >= WORTH:
        if len(_kept) >= ROOM:
            _kept.clear()
        _kept[key] = (ended + min(took * TIMES, LONGEST), found)
    else:
        _kept.pop(key, None)
    return found


def forget() -> None:
    """Keep nothing (benches that measure the work itself)."""
    _kept.clear()
