"""对账: everything the books say, worked out again from the records and held against what was posted and cached.

Records are what is never changed: bills with their lines, payments, settlements. From them follow every account of the
ledger on every day, what each bill still asks for, and each account's prepayment.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from app.db import db


class Difference(NamedTuple):
    """Something that does not agree: `what` names it ('2026-11-01 receivable'), yuan (or a count) expected and found."""

    check: str
    what: str
    expected: Decimal | None
    found: Decimal | None


_UNBALANCED = """
    SELECT 'entry' AS name, CAST(p.entry_id AS text) AS what, 0.00 AS expected, sum(p.amount) AS found
    FROM posting p GROUP BY p.entry_id HAVING sum(p.amount) <> 0
"""

# Per day and account, so that what is right today but was wrong in between is found as well.
_ACCOUNTS = """
    SELECT 'account', to_char(day, 'YYYY-MM-DD') || ' ' || account, sum(expected), sum(posted)
    FROM (
        SELECT issued_on AS day, 'receivable' AS account, amount AS expected, 0.00 AS posted FROM bill
        UNION ALL
        SELECT b.issued_on, 'revenue:' || (l.line ->> 'item'), -CAST(l.line ->> 'amount' AS numeric), 0
        FROM bill b CROSS JOIN LATERAL jsonb_array_elements(b.document -> 'lines') AS l (line)
        UNION ALL
        SELECT p.business_date, a.account, a.amount, 0
        FROM payment p CROSS JOIN LATERAL (VALUES ('receivable', -p.settled), (p.method, p.received),
            ('prepayment', -p.credit_delta), ('late_fee', -p.late_fee), ('waiver', p.waived)) AS a (account, amount)
        UNION ALL
        SELECT e.business_date, p.account, 0, p.amount FROM posting p JOIN ledger_entry e ON e.id = p.entry_id
    ) AS moved
    WHERE day <= :until
    GROUP BY day, account HAVING sum(expected) <> sum(posted)
"""

_BILL_LINES = """
    SELECT 'bill lines', CAST(b.id AS text), b.amount, l.amount
    FROM bill b CROSS JOIN LATERAL (
        SELECT coalesce(sum(CAST(line ->> 'amount' AS numeric)), 0.00) AS amount
        FROM jsonb_array_elements(b.document -> 'lines') AS x (line)) AS l
    WHERE b.amount <> l.amount
"""

_SETTLEMENTS = """
    SELECT 'settlement', CAST(p.id AS text), p.settled + p.late_fee, coalesce(s.amount + s.late_fee, 0.00)
    FROM payment p LEFT JOIN (
        SELECT payment_id, sum(amount) AS amount, sum(late_fee) AS late_fee FROM settlement GROUP BY payment_id
    ) AS s ON s.payment_id = p.id
    WHERE p.settled <> coalesce(s.amount, 0) OR p.late_fee <> coalesce(s.late_fee, 0)
"""

_REVERSALS = """
    SELECT 'reversal', CAST(r.id AS text), -p.received - p.waived, r.received + r.waived
    FROM payment r JOIN payment p ON p.id = r.reverses_id
    WHERE (r.customer_id, -r.received, -r.waived, -r.settled, -r.late_fee, -r.credit_delta)
          <> (p.customer_id, p.received, p.waived, p.settled, p.late_fee, p.credit_delta)
    UNION ALL
    SELECT 'reversed bill', CAST(b.id AS text), -b.amount, r.amount
    FROM bill r JOIN bill b ON b.id = r.reverses_id
    WHERE (r.customer_id, -r.amount, -r.volume) <> (b.customer_id, b.amount, b.volume)
"""

# A bill and its reversal are nothing together and have nothing settled.
_OPEN_ITEMS = """
    SELECT 'open item', CAST(coalesce(r.id, o.bill_id) AS text), coalesce(r.rest, 0.00), coalesce(o.unpaid, 0.00)
    FROM (
        SELECT b.id, b.amount + coalesce(v.amount, 0) - coalesce(s.amount, 0) AS rest
        FROM bill b
        LEFT JOIN bill v ON v.reverses_id = b.id
        LEFT JOIN (SELECT bill_id, sum(amount) AS amount FROM settlement GROUP BY bill_id) AS s ON s.bill_id = b.id
        WHERE b.kind <> 'reversal'
    ) AS r
    FULL JOIN open_item o ON o.bill_id = r.id
    WHERE coalesce(r.rest, 0) <> coalesce(o.unpaid, 0)
"""

_CREDIT = """
    SELECT 'prepayment', c.customer_no, coalesce(p.credit, 0.00), c.credit_balance
    FROM customer c LEFT JOIN (
        SELECT customer_id, sum(credit_delta) AS credit FROM payment GROUP BY customer_id
    ) AS p ON p.customer_id = c.id
    WHERE coalesce(p.credit, 0) <> c.credit_balance
"""

# Without gaps: as many as the last one's number, which is also where the counter stands.
_RECEIPTS = """
    SELECT 'receipts', CAST(receipt_year AS text), max(receipt_no), count(*) FROM payment
    WHERE receipt_no IS NOT NULL GROUP BY receipt_year HAVING count(*) <> max(receipt_no) OR min(receipt_no) <> 1
    UNION ALL
    SELECT 'receipt counter', k.year, coalesce(max(p.receipt_no), 0), k.last
    FROM (SELECT substr(key, 9) AS year, CAST(value AS integer) AS last FROM setting WHERE key LIKE 'receipt:%') AS k
    LEFT JOIN payment p ON CAST(p.receipt_year AS text) = k.year
    GROUP BY k.year, k.last HAVING coalesce(max(p.receipt_no), 0) <> k.last
"""

_RECORDS = (_UNBALANCED, _ACCOUNTS, _BILL_LINES, _SETTLEMENTS, _REVERSALS)
_CACHES = (_OPEN_ITEMS, _CREDIT, _RECEIPTS)
_THEN = text(" UNION ALL ".join(_RECORDS))
_NOW = text(" UNION ALL ".join(_RECORDS + _CACHES))

FOREVER = date(9999, 12, 31)


def verify(*, until: date | None = None) -> list[Difference]:
    """What does not agree; nothing, where the books are right.

    With `until` the ledger's accounts are compared up to and with that day, and what exists only as of now (open
    items, balances, the receipt counter) is left out.
    """
    query = _NOW if until is None else _THEN
    rows = db.session.execute(query, {"until": until or FOREVER})
    return sorted((Difference(*row) for row in rows), key=lambda one: (one.check, one.what))
