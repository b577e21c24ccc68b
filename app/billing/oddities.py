"""What in a run somebody should look at before it is issued."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from app.db import db


class OddBill(NamedTuple):
    """A bill that is about to be issued: m³, yuan, the mean of the account's last six bills and the ratio to it.

    `mean` and `ratio` are None where there was no bill before.
    """

    customer_id: int
    customer_no: str
    holder: str
    start_reading: Decimal | None
    end_reading: Decimal | None
    volume: Decimal
    amount: Decimal
    mean: Decimal | None
    ratio: Decimal | None


# One yuan on both sides keeps a bill of nothing comparable. Far below is as odd as far above.
_ODD = text("""
    SELECT c.id, c.customer_no, c.holder, m.start_reading, m.end_reading, m.volume, p.amount,
           round(h.mean, 2), round(p.amount / nullif(h.mean, 0), 2)
    FROM measured m
    JOIN priced p ON p.key = m.key
    JOIN customer c ON c.id = m.customer_id
    LEFT JOIN LATERAL (
        SELECT avg(l.amount) AS mean FROM (
            SELECT b.amount FROM bill b
            WHERE b.customer_id = m.customer_id AND coalesce(b.binding_id, 0) = coalesce(m.binding_id, 0)
              AND b.kind = 'regular' AND b.period < :period
              AND NOT EXISTS (SELECT 1 FROM bill v WHERE v.reverses_id = b.id)
            ORDER BY b.period DESC LIMIT 6) AS l
    ) AS h ON true
    ORDER BY greatest((p.amount + 1) / (h.mean + 1), (h.mean + 1) / (p.amount + 1), 1) DESC, p.amount DESC, c.customer_no
    LIMIT :limit
""")


def odd_bills(period: str, *, limit: int = 20) -> list[OddBill]:
    """The oddest of what `preview_bills` of the period has just staged: farthest from the mean, then largest."""
    return [OddBill(*row) for row in db.session.execute(_ODD, {"period": period, "limit": limit})]
