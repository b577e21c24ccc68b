"""Months of a plant's life, by a handful of statements: readings, bills, 自动扣费, and people at the counter every day."""

from __future__ import annotations

from sqlalchemy import text

from app import clock, periods
from app.billing.service import issue_bills
from app.db import db, transaction
from app.ledger.service import open_books
from app.payments.opening import post_opening_balances
from app.payments.service.auto_deduct import deduct_prepayments
from bench import ground
from seeds import big

# Of three households one lets its prepayment be taken; of the others most come to the counter within the month.
_OPENING = text("SELECT id, 2000.00 FROM customer WHERE auto_deduct ORDER BY id")
_COMING = """
    CREATE TEMPORARY TABLE coming ON COMMIT DROP AS
    SELECT o.customer_id, o.bill_id, o.unpaid, b.route_id,
           CAST(:first AS date) + 1 + CAST(abs(hashint8(o.bill_id)) % 26 AS integer) AS day,
           (ARRAY['cash', 'cash', 'wechat', 'alipay'])[1 + abs(hashint8(o.customer_id)) % 4] AS method
    FROM open_item o JOIN bill b ON b.id = o.bill_id
    WHERE o.period = :period AND abs(hashint8(o.bill_id + 7)) % 100 < 95
"""
_PAY = """
    WITH made AS (
        INSERT INTO payment (kind, customer_id, route_id, method, business_date, at, cashier_id, tendered, received,
                             waived, settled, late_fee, credit_delta, note)
        SELECT 'payment', customer_id, route_id, method, day, :at, :cashier, unpaid, unpaid, 0, unpaid, 0, 0, ''
        FROM coming ORDER BY day, customer_id
        RETURNING id, customer_id, settled
    )
    INSERT INTO settlement (payment_id, bill_id, amount, late_fee)
    SELECT m.id, c.bill_id, m.settled, 0 FROM made m JOIN coming c ON c.customer_id = m.customer_id
"""
_POST = """
    WITH paid AS MATERIALIZED (
        SELECT p.id, p.business_date, p.method, p.route_id, p.settled, p.cashier_id
        FROM payment p WHERE p.id > :before AND p.kind = 'payment'
    ), entry AS (
        INSERT INTO ledger_entry (business_date, kind, source_id, by_id, at)
        SELECT business_date, 'payment', id, cashier_id, :at FROM paid ORDER BY id
        RETURNING id, source_id
    )
    INSERT INTO posting (entry_id, account, route_id, amount)
    SELECT e.id, side.account, p.route_id, side.amount
    FROM entry e JOIN paid p ON p.id = e.source_id
    CROSS JOIN LATERAL (VALUES (p.method, p.settled), ('receivable', -p.settled)) AS side (account, amount)
    ORDER BY e.id
"""
_CLOSE = "DELETE FROM open_item o USING coming c WHERE o.customer_id = c.customer_id AND o.bill_id = c.bill_id"


def live_through(customers: int, last: str, months: int) -> None:
    """Fill the plant in force with `months` read and billed periods up to `last`, each paid in the month after it."""
    ground.fill(customers, [])
    with transaction():
        first = periods.months_ending(last, months)[0]
        opening = [(row[0], row[1]) for row in db.session.execute(_OPENING)]
        post_opening_balances(opening, on=periods.first_day(first), by_id=None)
    for period in periods.months_ending(last, months):
        issued = periods.first_day(periods.shift(period, 1))
        with transaction():
            big.read(period)
            issue_bills(period, on=issued, by_id=None)
        with transaction():
            deduct_prepayments(on=issued)
        with transaction():
            _counter(period)


def _counter(period: str) -> None:
    """What `take_payment` writes, for everybody who comes."""
    open_books()
    before = db.session.execute(text("SELECT coalesce(max(id), 0) FROM payment")).scalar_one()
    cashier = db.session.execute(text("SELECT min(id) FROM staff_user")).scalar_one()
    values = {
        "period": period, "first": periods.first_day(periods.shift(period, 1)), "at": clock.now(),
        "cashier": cashier, "before": before,
    }  # fmt: skip
    for statement in (_COMING, _PAY, _POST, _CLOSE):
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        db.session.execute(text(statement), used)
