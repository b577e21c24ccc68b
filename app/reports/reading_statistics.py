"""抄表统计: what was to be read in a period, by reader and by meter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app import periods
from app.db import db
from app.readings.progress import DUE, READ

# Whoever read it; what is not read yet is up to the book's reader.
_BY_READER = text(f"""
    SELECT s.id, coalesce(s.name, ''), count(*), count(*) FILTER (WHERE {READ}),
           count(*) FILTER (WHERE r.review = 'held'), count(*) FILTER (WHERE {READ} AND r.kind = 'estimated'),
           coalesce(sum(r.volume) FILTER (WHERE {READ}), 0)
    FROM meter_binding b
    JOIN meter m ON m.id = b.meter_id
    JOIN customer c ON c.id = b.customer_id
    JOIN route t ON t.id = c.route_id
    LEFT JOIN reading r ON r.binding_id = b.id AND r.period = :period
    LEFT JOIN staff_user s ON s.id = coalesce(r.reader_id, t.reader_id)
    WHERE r.id IS NOT NULL OR ({DUE})
    GROUP BY s.id, s.name ORDER BY s.id NULLS LAST
""")  # noqa: S608 - only our own words


@dataclass(frozen=True, slots=True)
class ReaderSums:
    """应抄, 已抄 (待复核 and 估抄 among them) and m³ of a reader; reader_id None: meters of nobody's book."""

    reader_id: int | None
    name: str
    due: int
    read: int
    held: int
    estimated: int
    volume: Decimal

    @property
    def left(self) -> int:
        """未抄."""
        return self.due - self.read

    @classmethod
    def total(cls, parts: Iterable[ReaderSums]) -> ReaderSums:
        """The sum of all."""
        found = list(parts)
        return cls(
            None,
            "合计",
            due=sum(part.due for part in found),
            read=sum(part.read for part in found),
            held=sum(part.held for part in found),
            estimated=sum(part.estimated for part in found),
            volume=sum((part.volume for part in found), Decimal(0)),
        )


def by_reader(period: str) -> list[ReaderSums]:
    """Every reader with something to read in the period; one query."""
    return [ReaderSums(*row) for row in reader_rows(period)]


def reader_rows(period: str) -> Sequence[Sequence[Any]]:
    """Plain values of `by_reader`."""
    values = {"period": period, "last_day": periods.last_day(period)}
    return db.session.execute(_BY_READER, values).all()
