"""What narrows a list: one of some values, or a span of days. Nonsense in the URL is passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_

from tenants import context


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A filter: one of some values."""

    key: str
    label: str  # said while nothing is chosen: 全部区册
    options: Sequence[tuple[str, str]]
    where: Callable[[str], ColumnElement[bool]]
    default: str = ""
    more: bool = False  # behind 展开
    kind: str = "choice"

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters of the URL."""
        return (self.key,)

    def condition(self, values: Mapping[str, str]) -> ColumnElement[bool] | None:
        """What it asks for; None where nothing (valid) is chosen."""
        value = values.get(self.key) or self.default
        return self.where(value) if value and any(value == option for option, _ in self.options) else None

    def words(self, values: Mapping[str, str]) -> str:
        """What is chosen, as the page says it; '' for nothing."""
        value = values.get(self.key) or self.default
        return next((label for option, label in self.options if option == value), "") if value else ""


def by_id(key: str, label: str, options: Sequence[tuple[str, str]], column: Any) -> Choice:
    """A filter by what a column points to; `options` are (id, name)."""
    return Choice(key=key, label=label, options=options, where=lambda value: column == int(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """A filter: from a day to a day, both included, either may be left out.

    Of a column of `moments` the days are those of the plant's time zone.
    """

    key: str
    label: str
    column: Any
    moments: bool = False
    more: bool = True
    kind: str = "range"
    default: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters of the URL."""
        return (f"{self.key}_from", f"{self.key}_to")

    def condition(self, values: Mapping[str, str]) -> ColumnElement[bool] | None:
        """What it asks for; what is not a day is passed over."""
        first, last = (_day(values.get(name, "")) for name in self.names)
        if self.moments:
            return self._of_moments(first, last)
        parts = [self.column >= first] if first else []
        parts += [self.column <= last] if last else []
        return and_(*parts) if parts else None

    def words(self, values: Mapping[str, str]) -> str:
        """日期 2026-10-01 至 2026-10-31; '' for none."""
        first, last = (_day(values.get(name, "")) for name in self.names)
        return f"{self.label} {first or ''} 至 {last or ''}".strip() if first or last else ""

    def _of_moments(self, first: date | None, last: date | None) -> ColumnElement[bool] | None:
        zone = ZoneInfo(context.current().timezone)
        parts = [self.column >= datetime.combine(first, time(), zone)] if first else []
        if last and last < date.max:
            parts.append(self.column < datetime.combine(last + timedelta(days=1), time(), zone))
        return and_(*parts) if parts else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
