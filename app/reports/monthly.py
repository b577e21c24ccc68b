"""月报: one month in one plain structure, the same for the page, the PDF and the workbook.

Two things stand side by side and are said to: what the period's bills ask for and still lack (按账期, as of now), and
what was posted on the days of the month (按日期). A plant that bills October on the 1st of November has October's bills
under the period 2026-10, and their posting and most of their money under the dates of November.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select

from app import clock, periods
from app.billing.models import BillingRun
from app.db import db
from app.ledger import rules as accounts
from app.reports import queries
from app.reports.books import ZERO, Check, Moved, against_ledger, books, moved, moved_by_book
from app.reports.queries import PeriodSums

EVERY = slice(None)


class Line(NamedTuple):
    """One book, or the total."""

    name: str
    period: PeriodSums
    moved: Moved


class AccountLine(NamedTuple):
    """An account of the ledger over the month, yuan; debit positive, credit as a positive number beside it."""

    name: str
    before: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def after(self) -> Decimal:
        """期末."""
        return self.before + self.debit - self.credit


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """水费月报. `lines` are of the books asked for; everything else is of all."""

    period: str
    since: date
    until: date
    at: datetime
    lines: list[Line]
    total: Line
    ledger: list[AccountLine]
    checks: list[Check]

    @property
    def agrees(self) -> bool:
        """Whether every sum equals the ledger's."""
        return all(check.agrees for check in self.checks)


def monthly_report(period: str, *, of: slice = EVERY) -> MonthlyReport:
    """The report of a period and of the calendar month it is named after; lines `of` some books in their order."""
    since, until = periods.first_day(period), periods.last_day(period)
    found = books()[of]
    of_period = queries.of_period(period)
    by_book = moved_by_book(since=since, until=until, route_ids=[book.route_id for book in found])
    lines = [Line(book.name, of_period.get(book.route_id, PeriodSums()), by_book[book.route_id]) for book in found]
    total = Line("合计", of_period[None], moved(since=since, until=until, route_ids=None))
    checks = [
        Check(f"{periods.label(period)}账期应收", total.period.amount_due, _billed(period)),
        *against_ledger(total.moved, since=since, until=until, route_ids=None),
    ]
    return MonthlyReport(period, since, until, clock.now(), lines, total, _ledger(period), checks)


def _billed(period: str) -> Decimal:
    """What the runs of the period posted."""
    return db.session.scalar(select(func.sum(BillingRun.amount)).where(BillingRun.period == period)) or ZERO


def _ledger(period: str) -> list[AccountLine]:
    order = {name: place for place, name in enumerate(accounts.ACCOUNT_NAMES)}
    rows = sorted(queries.accounts(period), key=lambda row: (order.get(row[0], len(order)), row[0]))
    return [AccountLine(accounts.account_name(row[0]), *row[1:]) for row in rows]
