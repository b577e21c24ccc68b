"""What the home page works out. Pure."""

from __future__ import annotations

from datetime import date, timedelta

FORESEEN = 60  # days; a finish further away says nothing


def share(part: int, whole: int) -> int:
    """Whole per cent, 100 only when nothing is missing."""
    return 0 if whole <= 0 else min(100, part * 100 // whole)


def finish_day(*, read: int, left: int, first: date | None, today: date) -> date | None:
    """When all is read, at the pace since the first reading; None where nothing is left or nothing can be said."""
    if not read or left <= 0 or first is None or first > today:
        return None
    days_so_far = (today - first).days + 1
    more = -(-left * days_so_far // read)
    return today + timedelta(days=more) if more <= FORESEEN else None
