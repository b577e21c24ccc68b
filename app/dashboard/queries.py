"""What the home page shows, set-based: a handful of statements however large the plant is."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, select

from app import periods
from app.billing.models import BillingRun, OpenItem
from app.db import db
from app.readings import progress
from app.readings.models import Reading
from app.readings.progress import BookProgress, Progress
from app.reports import queries as reports

ZERO = Decimal("0.00")


class ReadingProgress(NamedTuple):
    """The plant, its areas with their books, and its readers."""

    plant: Progress
    districts: tuple[Progress, ...]
    readers: tuple[Progress, ...]


def reading_progress(books: list[BookProgress]) -> ReadingProgress:
    """How far the reading of these books is."""
    of_district: dict[int, list[BookProgress]] = {}
    for book in books:
        of_district.setdefault(book.district_id, []).append(book)
    districts = tuple(
        Progress.of(found[0].district, (book.progress for book in found), keep=True) for found in of_district.values()
    )
    readers = tuple(sums for reader_id, sums in progress.by_reader(books) if reader_id is not None)
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
