"""The sums of what was posted after the cache was last built: SELECTs of the same shape as the cache's rows.

They are written once and used twice: a report adds them to the cache's, and the night adds them into the cache. Bills,
payments and postings are never changed, so that what is new is what has a higher id: see `app.ledger.service.open_books`
for why no id is passed over. Readings are changed: they are summed for a whole 账期, or not at all.
"""

from __future__ import annotations

from sqlalchemy import select, text

from app.db import MOMENT, db
from app.readings.progress import READ
from app.staff.models import Setting

MARKS = "summary_marks"  # ids of the last bill, payment and posting that the cache has counted

BILLS = """
    SELECT 'bill' AS kind, issued_on AS since, route_id, '' AS name, CAST(count(*) AS integer) AS count,
           sum(volume) AS volume, sum(amount) AS amount
    FROM bill WHERE id > :bill GROUP BY issued_on, route_id
"""
PAYMENTS = """
    SELECT 'payment' AS kind, business_date AS since, route_id, method AS name,
           CAST(count(*) AS integer) AS count, sum(received) AS received, sum(settled) AS settled,
           sum(late_fee) AS late_fee, sum(waived) AS waived, sum(credit_delta) AS credit
    FROM payment WHERE id > :payment GROUP BY business_date, route_id, method
"""
_POSTED = """
    SELECT 'posting' AS kind, e.business_date AS since, p.route_id, p.account AS name,
           sum(greatest(p.amount, 0)) AS debit, -sum(least(p.amount, 0)) AS credit
    FROM posting p JOIN ledger_entry e ON e.id = p.entry_id
    WHERE {} GROUP BY e.business_date, p.route_id, p.account
"""
POSTINGS = _POSTED.format("p.id > :posting")
POSTINGS_OF_DAYS = _POSTED.format(
    "e.business_date BETWEEN :{} AND :{}"
)  # all of them: those of a book are not kept by day

# Whoever was billed for the period in this book before is not counted again. A bill taken back is no bill.
PERIOD_BILLS = """
    SELECT 'period' AS kind, b.period, b.route_id, '' AS name,
           CAST(count(DISTINCT b.customer_id) - count(DISTINCT b.customer_id) FILTER (WHERE :bill > 0 AND EXISTS (
               SELECT FROM bill e WHERE e.customer_id = b.customer_id AND e.period = b.period
                                    AND e.route_id = b.route_id AND e.id <= :bill)) AS integer) AS customers,
           CAST(count(*) FILTER (WHERE b.kind = 'regular')
                - count(*) FILTER (WHERE back.kind = 'regular') AS integer) AS count,
           sum(b.volume) AS volume, sum(b.amount) AS amount
    FROM bill b LEFT JOIN bill back ON back.id = b.reverses_id
    WHERE b.id > :bill GROUP BY b.period, b.route_id
"""
# A reversed 自动扣费 is taken back where it was counted.
PERIOD_PAID = """
    SELECT 'period' AS kind, b.period, b.route_id, '' AS name, sum(s.amount) AS settled,
           coalesce(sum(s.amount) FILTER (WHERE coalesce(back.kind, p.kind) = 'auto_deduct'), 0) AS deducted
    FROM settlement s
    JOIN bill b ON b.id = s.bill_id
    JOIN payment p ON p.id = s.payment_id
    LEFT JOIN payment back ON back.id = p.reverses_id
    WHERE s.payment_id > :payment GROUP BY b.period, b.route_id
"""
READINGS = f"""
    SELECT 'reading' AS kind, r.period, r.route_id, coalesce(CAST(r.reader_id AS text), '') AS name,
           CAST(count(*) AS integer) AS count, CAST(count(*) FILTER (WHERE {READ}) AS integer) AS read,
           CAST(count(*) FILTER (WHERE r.review = 'held') AS integer) AS held,
           CAST(count(*) FILTER (WHERE {READ} AND r.kind = 'estimated') AS integer) AS estimated,
           coalesce(sum(r.volume) FILTER (WHERE {READ}), 0) AS volume
    FROM reading r WHERE r.period = :period GROUP BY r.period, r.route_id, r.reader_id
"""  # noqa: S608 - our own words
YEARS = """
    SELECT left(period, 4) AS year, customer_id, sum(volume) AS volume, sum(amount) AS amount
    FROM bill WHERE id > :bill GROUP BY left(period, 4), customer_id
"""

_LATEST = text("""
    SELECT (SELECT coalesce(max(id), 0) FROM bill) AS bill, (SELECT coalesce(max(id), 0) FROM payment) AS payment,
           (SELECT coalesce(max(id), 0) FROM posting) AS posting
""")


def marks() -> dict[str, int]:
    """How far the cache has counted; zeros while there is none."""
    known = db.session.info.get(MOMENT, {})
    if MARKS not in known:
        found = db.session.execute(select(Setting.value).where(Setting.key == MARKS)).scalar()
        known[MARKS] = {"bill": 0, "payment": 0, "posting": 0} | (found or {})
    marks: dict[str, int] = known[MARKS]
    return marks


def latest() -> dict[str, int]:
    """The marks of a cache that has counted everything."""
    return dict(db.session.execute(_LATEST).mappings().one())
