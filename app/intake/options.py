"""Questions that several imports ask, and what they read off a sheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from app import periods
from app.tariffs import queries as tariffs
from app.web.imports import Sheet, cells

_VILLAGE = re.compile(r"(?:村委会|居委会|行政村|村民小组|村名|社区)\s*[:：]\s*(\S+)")
_PERIOD = re.compile(r"(20\d\d)\s*[-年/._]?\s*(0?[1-9]|1[0-2])(?!\d)")


def parsed_by(parser: cells.Parser) -> Callable[[str], Any]:
    """A cell's parser for what the form or the command line says."""

    def parse(said: str) -> Any:
        value = parser(said) if said else None
        if value is None:
            raise ValueError("请填写")
        return value.value if isinstance(value, cells.Cleaned) else value

    return parse


def use_category(said: str) -> str:
    """A 水表性质 of this plant."""
    names = tariffs.categories().values()
    if said not in names:
        raise ValueError(f"「{said}」不存在，现有：{'、'.join(names)}")
    return said


def first_use_category() -> str:
    """The default one: 居民生活用水, in whatever plant."""
    return next(iter(tariffs.categories().values()), "")


def category_names() -> list[str]:
    """For the form's list."""
    return list(tariffs.categories().values())


def village(sheet: Sheet) -> str:
    """The village named above the headings (「柳河乡村委会：柳树村」)."""
    found = next((m for m in map(_VILLAGE.search, sheet.preamble) if m), None)
    return found[1] if found else ""


def period(said: str) -> str:
    """'2026-10' of 2026-10, 2026-1, 202610 or 2026年10月."""
    found = _PERIOD.fullmatch(said.rstrip("月"))
    return periods.parse(f"{found[1]}-{int(found[2]):02d}" if found else said)


def period_named(words: str) -> str:
    """The period that a file name or a sheet's title mentions, else ''."""
    found = _PERIOD.search(words)
    return f"{found[1]}-{int(found[2]):02d}" if found else ""


def day(said: str) -> date:
    """A calendar day."""
    found: date = parsed_by(cells.day())(said)
    return found
