"""The report cache: what is posted is summed once, by day, month and book, and never summed again."""

from __future__ import annotations

from sqlalchemy import text

from app import clock
from app.billing.service import lock_billing
from app.db import db
from app.ledger.service import hold_books
from app.reports import fresh
from app.reports.fresh import BILLS, MARKS, PAYMENTS, PERIOD_BILLS, PERIOD_PAID, POSTINGS, READINGS, YEARS
from app.staff import settings

_SUMS = {
    BILLS: ("count", "volume", "amount"),
    PAYMENTS: ("count", "received", "settled", "late_fee", "waived", "credit"),
    POSTINGS: ("debit", "credit"),
    PERIOD_BILLS: ("customers", "count", "volume", "amount"),
    PERIOD_PAID: ("settled", "deducted"),
}
_MONTH = "since - CAST(extract(day FROM since) AS integer) + 1"
_PERIOD = "make_date(CAST(left(period, 4) AS integer), CAST(right(period, 2) AS integer), 1)"


def build_summaries() -> int:
    """Add to the cache what has been posted since it was last built. Returns how many sums were touched.

    Money and readings wait while it is built, and it waits for those that are on their way: none is passed over.
    """
    hold_books()
    lock_billing()
    before = fresh.marks()
    statements = [*(_adding(source) for source in _SUMS), _ADD_YEARS]
    touched = sum(db.session.execute(text(one), _used(one, before)).rowcount for one in statements)  # type: ignore[attr-defined]
    settings.put(MARKS, fresh.latest())
    return touched + _sum_readings()


def _sum_readings() -> int:
    """The readings of months that are billed and over, where they are not summed, or were changed since (`forget_sums`)."""
    closed = db.session.scalars(_TO_SUM, {"today": clock.today().replace(day=1)}).all()
    return sum(db.session.execute(_SUM_READINGS, {"period": period}).rowcount for period in closed)  # type: ignore[attr-defined]


def forget_summaries() -> None:
    """Empty the cache: reports sum the records themselves until it is built again."""
    hold_books()
    lock_billing()
    db.session.execute(text("DELETE FROM summary"))
    db.session.execute(text("DELETE FROM customer_year"))
    settings.put(MARKS, None)


def _adding(source: str) -> str:
    """The statement that adds what `source` finds into the cache, by month; bills and payments by day, too."""
    names = _SUMS[source]
    by_day = source in (BILLS, PAYMENTS)
    day = f"SELECT kind, false, since, route_id, name, {', '.join(names)} FROM fresh UNION ALL "  # noqa: S608
    month, sums = (
        _PERIOD if source in (PERIOD_BILLS, PERIOD_PAID) else _MONTH,
        ", ".join(f"sum({name})" for name in names),
    )
    return f"""
        WITH fresh AS MATERIALIZED ({source})
        INSERT INTO summary (kind, monthly, since, route_id, name, {", ".join(names)})
        {day if by_day else ""}
        SELECT kind, true, {month}, route_id, name, {sums} FROM fresh GROUP BY kind, {month}, route_id, name
        ON CONFLICT (kind, monthly, since, route_id, name)
        DO UPDATE SET {", ".join(f"{name} = summary.{name} + excluded.{name}" for name in names)}
    """  # noqa: S608 - our own words


_ADD_YEARS = f"""
    WITH fresh AS MATERIALIZED ({YEARS})
    INSERT INTO customer_year (year, customer_id, volume, amount) SELECT year, customer_id, volume, amount FROM fresh
    ON CONFLICT (year, customer_id) DO UPDATE
    SET volume = customer_year.volume + excluded.volume, amount = customer_year.amount + excluded.amount
"""  # noqa: S608 - our own words


_TO_SUM = text(f"""
    SELECT DISTINCT period FROM billing_run WHERE {_PERIOD} < :today AND NOT EXISTS (
        SELECT FROM summary s WHERE s.kind = 'reading' AND s.monthly AND s.since = {_PERIOD})
    ORDER BY period
""")  # noqa: S608 - our own words
_SUM_READINGS = text(f"""
    WITH fresh AS MATERIALIZED ({READINGS})
    INSERT INTO summary (kind, monthly, since, route_id, name, count, read, held, estimated, volume)
    SELECT kind, true, {_PERIOD}, route_id, name, count, read, held, estimated, volume FROM fresh
""")  # noqa: S608 - our own words


def _used(statement: str, values: dict[str, int]) -> dict[str, int]:
    return {name: value for name, value in values.items() if f":{name}" in statement}
