"""抄表统计: what was to be read in a period, by reader and by meter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app import periods
from app.areas import reach
from app.areas.reach import WITHIN
from app.db import db
from app.readings.progress import DUE_OF_ALL
from app.reports.fresh import READINGS

_SUMS = "route_id, name, count, read, held, estimated, volume"
# Whoever read it, or else the reader of the book it was read in; what is not read yet is up to the book's reader. A
# month that the night has summed is not counted again: `forget_sums` takes its sums away when a reading changes.
_BY_READER = text(f"""
    WITH taken AS (
        SELECT {_SUMS} FROM summary WHERE kind = 'reading' AND monthly AND since = :since
        UNION ALL
        SELECT {_SUMS} FROM ({READINGS}) AS fresh
        WHERE NOT EXISTS (SELECT FROM summary WHERE kind = 'reading' AND monthly AND since = :since)
    ), missing AS (
        SELECT c.route_id, count(*) AS count
        FROM (SELECT * FROM meter_binding b0
              WHERE NOT EXISTS (SELECT FROM reading r WHERE r.binding_id = b0.id AND r.period = :period)) AS b
        JOIN customer c ON c.id = b.customer_id
        WHERE {DUE_OF_ALL} GROUP BY c.route_id
    ), of_books AS (
        SELECT route_id, CAST(nullif(name, '') AS bigint) AS reader_id, count, read, held, estimated, volume FROM taken
        UNION ALL SELECT route_id, NULL, count, 0, 0, 0, 0 FROM missing
    )
    SELECT s.id, coalesce(s.name, ''), CAST(sum(x.count) AS integer), CAST(sum(x.read) AS integer),
           CAST(sum(x.held) AS integer), CAST(sum(x.estimated) AS integer), sum(x.volume)
    FROM of_books x
    JOIN route t ON t.id = x.route_id
    LEFT JOIN staff_user s ON s.id = coalesce(x.reader_id, t.reader_id)
    WHERE {WITHIN.format(column="t.id")}
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
    values = {"period": period, "since": periods.first_day(period), "last_day": periods.last_day(period)}
    return db.session.execute(_BY_READER, values | reach.values()).all()
