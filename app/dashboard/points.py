"""「可查看」: what a point of the trend is made of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from app.db import db
from app.payments.rules import METHODS
from app.reports import queries as reports

ZERO = Decimal("0.00")

_DISTRICTS = text("SELECT d.name, t.id FROM route t JOIN district d ON d.id = t.district_id ORDER BY d.id, t.id")


class DayPart(NamedTuple):
    """What came in by one method on a day: payments and yuan; for 预存抵扣 the yuan of bills that it paid."""

    method: str
    payments: int
    amount: Decimal


class PeriodPart(NamedTuple):
    """What was billed in an area for a period: accounts (of each book), yuan billed, paid by now, and still open."""

    district: str
    customers: int
    due: Decimal
    paid: Decimal
    unpaid: Decimal


def of_day(day: date) -> list[DayPart]:
    """The day's payments by method; their sums are the point's."""
    found = []
    for (method,), sums in reports.grouped(("method",), since=day, until=day):
        amount = sums.received + (sums.settled + sums.late_fee if method == "prepaid" else ZERO)
        if sums.payments and (amount or method in METHODS):
            found.append(DayPart(METHODS.get(method, "其他"), sums.payments, amount))
    return found


def of_period(period: str) -> list[PeriodPart]:
    """The period's bills by area; their sums are the point's."""
    billed = reports.of_period(period)
    found: dict[str, PeriodPart] = {}
    for name, route_id in db.session.execute(_DISTRICTS):
        if sums := billed.get(route_id):
            so_far = found.get(name, PeriodPart(name, 0, ZERO, ZERO, ZERO))
            found[name] = PeriodPart(
                name,
                so_far.customers + sums.customers,
                so_far.due + sums.amount_due,
                so_far.paid + sums.settled,
                so_far.unpaid + sums.unpaid,
            )
    return list(found.values())
