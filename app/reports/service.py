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
_ALL_SUMS = tuple(dict.fromkeys(name for names in _SUMS.values() for name in names))
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


def _adding() -> str:
    """The statement that adds what was posted since into the cache: all of it at once, for one way to the server."""
    found, selects = [], []
    for n, (source, names) in enumerate(_SUMS.items()):
        found.append(f"fresh_{n} AS MATERIALIZED ({source})")
        sums = ", ".join(name if name in names else "0" for name in _ALL_SUMS)
        selects += [
            f"SELECT kind, {monthly}, {since}, {route}, name, {sums} FROM fresh_{n} "  # noqa: S608 - our own words
            f"WHERE route_id IS NOT NULL OR {route} = 0"
            for monthly, since, route in _KEPT[source]
        ]
    columns = f"kind, monthly, since, route_id, name, {', '.join(_ALL_SUMS)}"
    return f"""
        WITH {", ".join(found)}, years AS (
            INSERT INTO customer_year (year, customer_id, volume, amount)
            SELECT year, customer_id, volume, amount FROM ({YEARS}) fresh
            ON CONFLICT (year, customer_id) DO UPDATE
            SET volume = customer_year.volume + excluded.volume, amount = customer_year.amount + excluded.amount
        )
        INSERT INTO summary ({columns})
        SELECT kind, monthly, since, route_id, name, {", ".join(f"sum({name})" for name in _ALL_SUMS)}
        FROM ({" UNION ALL ".join(selects)}) AS fresh ({columns})
        GROUP BY kind, monthly, since, route_id, name
        ON CONFLICT (kind, monthly, since, route_id, name)
        DO UPDATE SET {", ".join(f"{name} = summary.{name} + excluded.{name}" for name in _ALL_SUMS)}
    """  # noqa: S608 - our own words


_ADD = text(_adding())


def build_summaries() -> int:
    """Add to the cache what has been posted since it was last built. Returns how many sums were touched.

    Money and readings wait while it is built, and it waits for those that are on their way: none is passed over.
    """
    hold_books()
    lock_billing()
    touched = int(db.session.execute(_ADD, fresh.marks()).rowcount)  # type: ignore[attr-defined]
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
