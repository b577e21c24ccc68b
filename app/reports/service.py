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
# (monthly, since, route_id) of the rows of each.
_OF_DAYS, _OF_MONTHS = ("false", "since", "route_id"), ("true", _MONTH, "route_id")
_OF_PLANT = (("false", "since", "CAST(0 AS bigint)"), ("true", _MONTH, "CAST(0 AS bigint)"))
_KEPT = {
    BILLS: (_OF_DAYS, _OF_MONTHS, *_OF_PLANT),
    PAYMENTS: (_OF_DAYS, _OF_MONTHS, *_OF_PLANT),
    POSTINGS: (_OF_MONTHS, *_OF_PLANT),
    PERIOD_BILLS: (("true", _PERIOD, "route_id"),),
    PERIOD_PAID: (("true", _PERIOD, "route_id"),),
}


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
    """The statement that adds what `source` finds into the cache."""
    names = _SUMS[source]
    sums = ", ".join(f"sum({name})" for name in names)
    selects = [
        f"SELECT kind, {monthly}, {since}, {route}, name, {sums} FROM fresh WHERE route_id IS NOT NULL OR {route} = 0 "  # noqa: S608
        f"GROUP BY kind, {since}, {route}, name"
        for monthly, since, route in _KEPT[source]
    ]
    return f"""
        WITH fresh AS MATERIALIZED ({source})
        INSERT INTO summary (kind, monthly, since, route_id, name, {", ".join(names)})
        {" UNION ALL ".join(selects)}
        ON CONFLICT (kind, monthly, since, route_id, name)
        DO UPDATE SET {", ".join(f"{name} = summary.{name} + excluded.{name}" for name in names)}
    """


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
