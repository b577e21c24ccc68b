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

_PERIOD = text("""
    SELECT d.name, count(DISTINCT b.customer_id), sum(b.amount), sum(b.amount) - coalesce(sum(o.unpaid), 0),
           coalesce(sum(o.unpaid), 0)
    FROM bill b
    JOIN route t ON t.id = b.route_id
    JOIN district d ON d.id = t.district_id
    LEFT JOIN open_item o ON o.customer_id = b.customer_id AND o.bill_id = b.id
    WHERE b.period = :period
    GROUP BY d.id, d.name ORDER BY d.id
""")


class DayPart(NamedTuple):
    """What came in by one method on a day: payments and yuan; for 预存抵扣 the yuan of bills that it paid."""

    method: str
    payments: int
    amount: Decimal


class PeriodPart(NamedTuple):
    """What was billed in an area for a period: accounts, yuan billed, paid by now, and still open."""

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
    return [PeriodPart(*row) for row in db.session.execute(_PERIOD, {"period": period})]
