"""The report cache: what is posted is summed once, by day and book, and never summed again."""

from __future__ import annotations

from sqlalchemy import text

from app.db import db
from app.ledger.service import hold_books
from app.reports.queries import BILLS, MARKS, PAYMENTS, marks
from app.staff import settings

_SUMS = ("count", "volume", "amount_due", "received", "settled", "late_fee", "waived", "credit_delta")
_ADD = ", ".join(f"{name} = daily_summary.{name} + excluded.{name}" for name in _SUMS)


def build_summaries() -> int:
    """Add to the cache what has been posted since it was last built. Returns how many sums were touched."""
    hold_books()
    before = marks()
    touched = 0
    for source in (BILLS, PAYMENTS):
        done = db.session.execute(
            text(f"""
                WITH fresh AS MATERIALIZED ({source})
                INSERT INTO daily_summary (business_date, route_id, kind, method, staff_id, {", ".join(_SUMS)})
                SELECT business_date, route_id, kind, method, staff_id, {", ".join(_SUMS)} FROM fresh
                ON CONFLICT (business_date, route_id, kind, method, staff_id) DO UPDATE SET {_ADD}
            """),  # noqa: S608
            before,
        )
        touched += done.rowcount  # type: ignore[attr-defined]
    last = db.session.execute(
        text("SELECT (SELECT max(id) FROM bill) AS bill, (SELECT max(id) FROM payment) AS payment")
    ).one()
    settings.put(MARKS, {"bill": last.bill or 0, "payment": last.payment or 0})
    return touched
