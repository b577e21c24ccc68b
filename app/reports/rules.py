"""How a span of days is made of whole months and single days. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

LATEST = date(2999, 12, 31)  # of what anybody asks for
DAY = timedelta(days=1)


class Part(NamedTuple):
    """Days from `first` to `last`, both included; `monthly`: whole months, to be taken by their sums."""

    monthly: bool
    first: date
    last: date


def parts(since: date, until: date) -> list[Part]:
    """The span (both days included) as its whole months and the days before and after them; no day twice."""
    since, until = min(since, LATEST), min(until, LATEST)
    months = since if since.day == 1 else (since.replace(day=1) + 31 * DAY).replace(day=1)
    after = (until + DAY).replace(day=1)
    if months >= after:
        return [Part(False, since, until)] if since <= until else []
    found = [Part(False, since, months - DAY), Part(True, months, after - DAY), Part(False, after, until)]
    return [part for part in found if part.first <= part.last]
