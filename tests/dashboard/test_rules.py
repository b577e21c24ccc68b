"""What the home page works out."""

from __future__ import annotations

from datetime import date

import pytest

from app.dashboard.rules import finish_day, share

DAY = date(2026, 10, 10)


@pytest.mark.parametrize(
    ("part", "whole", "percent"), [(0, 0, 0), (0, 5, 0), (3, 5, 60), (999, 1000, 99), (5, 5, 100), (6, 5, 100)]
)
def test_a_share_is_100_only_when_nothing_is_missing(part: int, whole: int, percent: int) -> None:
    assert share(part, whole) == percent


def test_at_the_pace_so_far_the_rest_takes_its_time() -> None:
    """1,805 in ten days are 180.5 a day: 565 more take four."""
    first = date(2026, 10, 1)
    assert finish_day(read=1805, left=565, first=first, today=DAY) == date(2026, 10, 14)


@pytest.mark.parametrize(
    ("read", "left", "first"),
    [(0, 5, None), (5, 0, DAY), (5, 5, None), (5, 5, date(2026, 10, 11)), (1, 1000, DAY)],
)
def test_where_nothing_can_be_said_nothing_is(read: int, left: int, first: date | None) -> None:
    assert finish_day(read=read, left=left, first=first, today=DAY) is None
