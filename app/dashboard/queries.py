"""What the home page shows, set-based: a handful of statements however large the plant is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, select, text

from app import periods
from app.billing.models import BillingRun, OpenItem
from app.db import db
from app.readings.models import Reading
from app.reports import queries as reports

ZERO = Decimal("0.00")

# To be read: bound meters in use of those charged by meter, and whatever has been read in the period anyhow.
_BOOKS = text("""
    SELECT t.id, d.name AS district, t.name AS book, coalesce(s.name, '') AS reader, sum(x.due) AS due,
           sum(x.read) AS read, sum(x.held) AS held, min(x.first) AS first
    FROM (
        SELECT c.route_id, count(*) AS due,
               count(*) FILTER (WHERE r.kind <> 'unread' AND r.review <> 'returned') AS read,
               count(*) FILTER (WHERE r.review = 'held') AS held, min(r.read_on) AS first
        FROM meter_binding b
        JOIN meter m ON m.id = b.meter_id
        JOIN customer c ON c.id = b.customer_id
        LEFT JOIN reading r ON r.binding_id = b.id AND r.period = :period
        WHERE r.id IS NOT NULL OR (b.unbound_on IS NULL AND b.bound_on <= :last_day AND m.state = 'in_use'
                                   AND c.charged_by_meter AND c.state = 'active')
        GROUP BY c.route_id
    ) AS x
    JOIN route t ON t.id = x.route_id
    JOIN district d ON d.id = t.district_id
    LEFT JOIN staff_user s ON s.id = t.reader_id
    GROUP BY t.id, d.id, d.name, t.name, s.name
    ORDER BY d.id, t.id
""")


@dataclass(frozen=True, slots=True)
class Progress:
    """应抄, 已抄 and 异常 of a book, an area, a reader or the plant."""

    name: str
    due: int
    read: int
    held: int
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
        days = [part.first for part in found if part.first]
        return cls(
            name,
            sum(part.due for part in found),
            sum(part.read for part in found),
            sum(part.held for part in found),
            min(days) if days else None,
            found if keep else (),
        )


class ReadingProgress(NamedTuple):
    """The plant, its areas with their books, and its readers."""

    plant: Progress
    districts: tuple[Progress, ...]
    readers: tuple[Progress, ...]


def _by(rows: Iterable[Any], name: str) -> dict[str, list[Progress]]:
    found: dict[str, list[Progress]] = {}
    for row in rows:
        book = Progress(row.book, int(row.due), int(row.read), int(row.held), row.first)
        found.setdefault(getattr(row, name), []).append(book)
    return found


def reading_progress(period: str) -> ReadingProgress:
    """How far the reading of the period is."""
    rows = db.session.execute(_BOOKS, {"period": period, "last_day": periods.last_day(period)}).all()
    districts = tuple(Progress.of(name, books, keep=True) for name, books in _by(rows, "district").items())
    readers = tuple(Progress.of(name, books) for name, books in _by(rows, "reader").items() if name)
    return ReadingProgress(Progress.of("", districts), districts, readers)


def latest_period() -> str | None:
    """The youngest period with readings or bills."""
    read, billed = select(func.max(Reading.period)), select(func.max(BillingRun.period))
    row = db.session.execute(select(read.scalar_subquery(), billed.scalar_subquery())).one()
    return max((period for period in row if period), default=None)


class Arrears(NamedTuple):
    """Accounts that owe, and the yuan they owe (without late fees), of all periods."""

    customers: int
    unpaid: Decimal


def all_arrears() -> Arrears:
    """欠费 of all periods."""
    owed = select(func.sum(OpenItem.unpaid).label("unpaid")).group_by(OpenItem.customer_id).subquery()
    query = select(func.count(), func.coalesce(func.sum(owed.c.unpaid), 0)).select_from(owed)
    return Arrears(*db.session.execute(query).one())


class Point(NamedTuple):
    """A day or a period of the trend. Days: `paid` over the counter, `other` 预存抵扣. Periods: `paid` of `other` due."""

    key: str
    label: str
    since: date
    until: date
    paid: Decimal
    other: Decimal


def last_days(today: date, *, count: int = 10) -> list[Point]:
    """What came in on each of the last days; a day without payments is 0."""
    since = today - timedelta(days=count - 1)
    days = [since + timedelta(days=i) for i in range(count)]
    sums = dict.fromkeys(days, (ZERO, ZERO))
    for (day, method), found in reports.grouped(("day", "method"), since=since, until=today):
        paid, other = sums[day]
        if method == "prepaid":
            other += found.settled + found.late_fee
        sums[day] = (paid + found.received, other)
    return [Point(str(day), f"{day.month}/{day.day}", day, day, *sums[day]) for day in days]


def last_periods(period: str, *, count: int = 6) -> list[Point]:
    """What was billed for each of the last periods and how much of it is paid by now; one without bills is 0."""
    months = periods.months_ending(period, count)
    due = _by_period(select(BillingRun.period, func.sum(BillingRun.amount)), BillingRun.period, months)
    unpaid = _by_period(select(OpenItem.period, func.sum(OpenItem.unpaid)), OpenItem.period, months)
    return [
        Point(
            month,
            f"{int(month[5:])}月",
            periods.first_day(month),
            periods.last_day(month),
            due.get(month, ZERO) - unpaid.get(month, ZERO),
            due.get(month, ZERO),
        )
        for month in months
    ]


def _by_period(query: Any, column: Any, months: list[str]) -> dict[str, Decimal]:
    rows = db.session.execute(query.where(column.between(months[0], months[-1])).group_by(column))
    return {period: amount for period, amount in rows}
