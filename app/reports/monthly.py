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

from sqlalchemy import func, select, text

from app import clock, periods
from app.billing.models import BillingRun
from app.db import db
from app.ledger import rules as accounts
from app.ledger.models import LedgerEntry, Posting
from app.reports.books import ZERO, Book, Check, Moved, against_ledger, books, moved_by_book

_PERIOD = text("""
    SELECT b.route_id, count(DISTINCT b.customer_id), sum(b.volume), sum(b.amount), coalesce(sum(o.unpaid), 0.00)
    FROM bill b LEFT JOIN open_item o ON o.customer_id = b.customer_id AND o.bill_id = b.id
    WHERE b.period = :period GROUP BY b.route_id
""")


class OfPeriod(NamedTuple):
    """按账期: accounts billed, m³, yuan billed, and yuan of it unpaid now."""

    customers: int = 0
    volume: Decimal = Decimal(0)
    amount_due: Decimal = ZERO
    unpaid: Decimal = ZERO

    @property
    def paid(self) -> Decimal:
        """已缴, by whatever means."""
        return self.amount_due - self.unpaid


class Line(NamedTuple):
    """One book, or the total."""

    name: str
    period: OfPeriod
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
    """水费月报."""

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


def monthly_report(period: str) -> MonthlyReport:
    """The report of a period and of the calendar month it is named after."""
    since, until = periods.first_day(period), periods.last_day(period)
    found = books()
    ids = [book.route_id for book in found]
    of_period = {row[0]: OfPeriod(*row[1:]) for row in db.session.execute(_PERIOD, {"period": period})}
    moved = moved_by_book(since=since, until=until, route_ids=ids)
    lines = [Line(book.name, of_period.get(book.route_id, OfPeriod()), moved[book.route_id]) for book in found]
    total = _total(lines)
    checks = [
        Check(f"{periods.label(period)}账期应收", total.period.amount_due, _billed(period)),
        *against_ledger(total.moved, since=since, until=until, route_ids=ids),
    ]
    return MonthlyReport(period, since, until, clock.now(), lines, total, _ledger(since, until), checks)


def _total(lines: list[Line]) -> Line:
    parts = [line.period for line in lines]
    of_period = OfPeriod(
        sum(part.customers for part in parts),
        sum((part.volume for part in parts), Decimal(0)),
        sum((part.amount_due for part in parts), ZERO),
        sum((part.unpaid for part in parts), ZERO),
    )
    return Line("合计", of_period, Moved.total(line.moved for line in lines))


def _billed(period: str) -> Decimal:
    """What the runs of the period posted."""
    return db.session.scalar(select(func.sum(BillingRun.amount)).where(BillingRun.period == period)) or ZERO


def _ledger(since: date, until: date) -> list[AccountLine]:
    day, amount = LedgerEntry.business_date, Posting.amount
    rows = db.session.execute(
        select(
            Posting.account,
            func.coalesce(func.sum(amount).filter(day < since), 0),
            func.coalesce(func.sum(amount).filter(day >= since, amount > 0), 0),
            func.coalesce(-func.sum(amount).filter(day >= since, amount < 0), 0),
        )
        .join(LedgerEntry, LedgerEntry.id == Posting.entry_id)
        .where(day <= until)
        .group_by(Posting.account)
    ).all()
    order = {name: place for place, name in enumerate(accounts.ACCOUNT_NAMES)}
    named = sorted(rows, key=lambda row: (order.get(row[0], len(order)), row[0]))
    return [AccountLine(accounts.account_name(row[0]), *row[1:]) for row in named]


__all__ = ["AccountLine", "Book", "Line", "MonthlyReport", "OfPeriod", "monthly_report"]
