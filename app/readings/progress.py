"""How far the reading of a period is: 应抄, 已抄 and 异常 of books, areas, readers and the plant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import bindparam, text

from app import periods
from app.areas import reach
from app.areas.reach import WITHIN
from app.db import db

# To be read (`b` binding, `m` meter, `c` customer): bound meters in use of those charged by meter.
DUE = """
    b.unbound_on IS NULL AND b.bound_on <= :last_day AND m.state = 'in_use' AND c.charged_by_meter
    AND c.state = 'active'
"""
# The same without `m`, where everybody is counted: the few meters that stand still are found once, instead of all joined.
DUE_OF_ALL = DUE.replace("m.state = 'in_use'", "b.meter_id NOT IN (SELECT id FROM meter WHERE state <> 'in_use')")
# Read (`r` reading): it has a value, also one that waits for review.
READ = "(r.kind <> 'unread' AND r.review <> 'returned')"

# What is to be read, and whatever has been read in the period anyhow.
_BOOKS = f"""
    SELECT t.id, d.id, d.name, t.name, t.reader_id, coalesce(s.name, ''), x.due, x.read, x.held, x.volume, x.first
    FROM (
        SELECT c.route_id, count(*) AS due, count(*) FILTER (WHERE {READ}) AS read,
               count(*) FILTER (WHERE r.review = 'held') AS held,
               coalesce(sum(r.volume) FILTER (WHERE {READ}), 0) AS volume, min(r.read_on) AS first
        FROM meter_binding b {{meters}}
        JOIN customer c ON c.id = b.customer_id
        LEFT JOIN reading r ON r.binding_id = b.id AND r.period = :period
        WHERE (r.id IS NOT NULL OR ({{due}})) AND {WITHIN.format(column="c.route_id")} {{of_book}}
        GROUP BY c.route_id
    ) AS x
    JOIN route t ON t.id = x.route_id
    JOIN district d ON d.id = t.district_id
    LEFT JOIN staff_user s ON s.id = t.reader_id
    ORDER BY d.id, t.id
"""  # noqa: S608 - only our own words


@dataclass(frozen=True, slots=True)
class Progress:
    """应抄, 已抄, 异常 and m³ of a book, an area, a reader or the plant; `first` is the first day of reading."""

    name: str
    due: int
    read: int
    held: int
    volume: Decimal = Decimal(0)
    first: date | None = None
    parts: tuple[Progress, ...] = ()

    @property
    def left(self) -> int:
        """未抄."""
        return self.due - self.read

    @classmethod
    def of(cls, name: str, parts: Iterable[Progress], *, keep: bool = False) -> Progress:
        """The sum of the parts."""
        found = tuple(parts)
        return cls(
            name,
            sum(part.due for part in found),
            sum(part.read for part in found),
            sum(part.held for part in found),
            sum((part.volume for part in found), Decimal(0)),
            min((part.first for part in found if part.first), default=None),
            found if keep else (),
        )


class BookProgress(NamedTuple):
    """A book, whose it is, and how far it is."""

    route_id: int
    district_id: int
    district: str
    name: str
    reader_id: int | None
    reader: str
    progress: Progress

    @property
    def full_name(self) -> str:
        """'东街一册': the 册 with its 区 before it, once."""
        return self.name if self.name.startswith(self.district) else self.district + self.name


def books(period: str, *, route_id: int | None = None) -> list[BookProgress]:
    """The books that have something to read, by area; or one of them. One query."""
    return of_rows(book_rows(period, route_id=route_id))


def of_rows(rows: Iterable[Sequence[Any]]) -> list[BookProgress]:
    """What `book_rows` found, perhaps a while ago."""
    return [BookProgress(row[0], row[1], row[2], row[3], row[4], row[5], Progress(row[3], *row[6:])) for row in rows]


def book_rows(period: str, *, route_id: int | None = None) -> Sequence[Sequence[Any]]:
    """Plain values of `books`."""
    values = {"period": period, "last_day": periods.last_day(period)} | reach.values()
    if route_id is None:
        query = text(_BOOKS.format(meters="", due=DUE_OF_ALL, of_book=""))
    else:
        meters, of_book = "JOIN meter m ON m.id = b.meter_id", "AND c.route_id = :route_id"
        query = text(_BOOKS.format(meters=meters, due=DUE, of_book=of_book))
        query = query.bindparams(bindparam("route_id", route_id))
    return db.session.execute(query, values).all()


def by_reader(found: Iterable[BookProgress]) -> list[tuple[int | None, Progress]]:
    """The sums of each reader, in the order of their books; those of books without one under None, last."""
    parts: dict[int | None, list[BookProgress]] = {}
    for book in found:
        parts.setdefault(book.reader_id, []).append(book)
    sums = [(key, Progress.of(of[0].reader, (one.progress for one in of))) for key, of in parts.items()]
    return sorted(sums, key=lambda one: one[0] is None)
