"""账期: a calendar month written '2026-10'. The text sorts as the months do."""

from __future__ import annotations

import re
from datetime import date, timedelta

_PERIOD = re.compile(r"^(20\d\d)-(0[1-9]|1[0-2])$")


def parse(text: str) -> str:
    """The period itself; raises ValueError with a sentence for the person."""
    if not _PERIOD.match(text):
        raise ValueError(f"账期「{text}」应写成 2026-10 这样的年月")
    return text


def of(day: date) -> str:
    """The period a day lies in."""
    return f"{day:%Y-%m}"


def first_day(period: str) -> date:
    """The first calendar day."""
    return date.fromisoformat(f"{period}-01")


def last_day(period: str) -> date:
    """The last calendar day."""
    return first_day(shift(period, 1)) - timedelta(days=1)


def shift(period: str, months: int) -> str:
    """The period so many months later (earlier when negative)."""
    year, month = divmod(int(period[:4]) * 12 + int(period[5:]) - 1 + months, 12)
    return f"{year:04d}-{month + 1:02d}"


def months_ending(period: str, count: int) -> list[str]:
    """The `count` periods up to and with this one, oldest first."""
    return [shift(period, i - count + 1) for i in range(count)]


def label(period: str) -> str:
    """'2026年10月'."""
    return f"{period[:4]}年{int(period[5:])}月"
