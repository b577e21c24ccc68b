"""缴费记录 as a line: what was billed and what was paid, month by month."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from app import clock, periods
from app.db import db

MONTHS = 12

_BY_MONTH = text("""
    SELECT month, sum(due), sum(received) FROM (
        SELECT period AS month, sum(amount) AS due, 0.00 AS received FROM bill
        WHERE customer_id = :id AND period >= :since GROUP BY 1
        UNION ALL
        SELECT to_char(business_date, 'YYYY-MM'), 0.00, sum(received) FROM payment
        WHERE customer_id = :id AND business_date >= :first AND kind <> 'opening' GROUP BY 1
    ) AS moved GROUP BY 1
""")


class Month(NamedTuple):
    """Yuan billed for the period, and yuan received on the days of the month (reversals and refunds taken off)."""

    period: str
    due: Decimal = Decimal("0.00")
    received: Decimal = Decimal("0.00")


def months_of(customer_id: int) -> list[Month]:
    """The last months up to this one, the oldest first; a month without anything is there, as 0."""
    wanted = periods.months_ending(periods.of(clock.today()), MONTHS)
    values = {"id": customer_id, "since": wanted[0], "first": periods.first_day(wanted[0])}
    found = {row[0]: Month(*row) for row in db.session.execute(_BY_MONTH, values)}
    return [found.get(period, Month(period)) for period in wanted]
