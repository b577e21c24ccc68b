"""自动扣费: prepayments pay what is owed, for a whole plant in a handful of statements."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import text

from app import audit, clock
from app.db import db
from app.ledger import rules as ledger
from app.ledger.service import Batch, Line, open_books, post
from app.payments.queries import Deducted
from app.payments.service import late_fees
from app.staff import settings

# Accounts are locked in one order by everybody, so that two runs wait instead of blocking each other.
# What is locked here is what is deducted from: an account topped up a moment later waits for the next time.
_LOCK = text("""
    SELECT c.id FROM customer c
    WHERE c.auto_deduct AND c.credit_balance > 0 AND c.state = 'active'
      AND (CAST(:customer_id AS bigint) IS NULL OR c.id = :customer_id)
      AND EXISTS (SELECT 1 FROM open_item o WHERE o.customer_id = c.id)
    ORDER BY c.id FOR NO KEY UPDATE
""")

# before: what older bills of the account ask for. Late fee first on each bill where the policy says so.
_STAGE = text("""
    CREATE TEMPORARY TABLE deduction ON COMMIT DROP AS
    WITH owed AS (
        SELECT o.customer_id, o.bill_id, c.route_id, c.credit_balance, o.unpaid, round(o.late_fee, 2) AS fee,
               sum(o.unpaid + round(o.late_fee, 2)) OVER w - o.unpaid - round(o.late_fee, 2) AS before
        FROM open_item o JOIN customer c ON c.id = o.customer_id
        WHERE c.id = ANY(CAST(:ids AS bigint[]))
        WINDOW w AS (PARTITION BY o.customer_id ORDER BY o.period, o.bill_id)
    ), money AS (
        SELECT *, CASE WHEN CAST(:in_full AS boolean) AND before + unpaid + fee > credit_balance THEN 0
                       ELSE least(unpaid + fee, greatest(credit_balance - before, 0)) END AS taken
        FROM owed
    ), split AS (
        SELECT *, CASE WHEN CAST(:fee_first AS boolean) THEN least(taken, fee)
                       ELSE greatest(taken - unpaid, 0) END AS fee_taken
        FROM money WHERE taken > 0
    )
    SELECT customer_id, bill_id, route_id, taken - fee_taken AS amount, fee_taken AS late_fee FROM split
""")

_PAY = text("""
    WITH made AS (
        INSERT INTO payment (kind, customer_id, route_id, method, business_date, at, tendered, received, waived,
                             settled, late_fee, credit_delta, note)
        SELECT 'auto_deduct', customer_id, route_id, 'prepaid', :on, :at, 0, 0, 0, sum(amount), sum(late_fee),
               -sum(amount) - sum(late_fee), ''
        FROM deduction GROUP BY customer_id, route_id
        RETURNING id, customer_id
    )
    INSERT INTO settlement (payment_id, bill_id, amount, late_fee)
    SELECT m.id, d.bill_id, d.amount, d.late_fee FROM made m JOIN deduction d ON d.customer_id = m.customer_id
""")
_CREDIT = text("""
    UPDATE customer SET credit_balance = credit_balance - d.taken
    FROM (SELECT customer_id, sum(amount + late_fee) AS taken FROM deduction GROUP BY 1) d
    WHERE customer.id = d.customer_id
""")
_DROP_SETTLED = text("""
    DELETE FROM open_item o USING deduction d
    WHERE o.customer_id = d.customer_id AND o.bill_id = d.bill_id
      AND o.unpaid = d.amount AND round(o.late_fee, 2) = d.late_fee
""")
_REDUCE = text("""
    UPDATE open_item SET unpaid = unpaid - d.amount, late_fee = round(open_item.late_fee, 2) - d.late_fee
    FROM deduction d WHERE open_item.customer_id = d.customer_id AND open_item.bill_id = d.bill_id
""")
_TOTALS = text("""
    SELECT route_id, sum(amount), sum(late_fee), count(DISTINCT customer_id) FROM deduction
    GROUP BY route_id ORDER BY route_id
""")


def deduct_prepayments(*, on: date, by_id: int | None = None, customer_id: int | None = None) -> Deducted:
    """Let accounts with 自动扣费 pay from their prepayment, oldest bill first; again: nothing more is there to take.

    Policy `deduct_policy`: take_what_is_there, or only_in_full (a bill is paid whole or not at all).
    """
    open_books()
    ids = list(db.session.scalars(_LOCK, {"customer_id": customer_id}))
    late_fees.accrue_locked(ids, on=on)
    db.session.execute(text("DROP TABLE IF EXISTS pg_temp.deduction"))
    policy, order = settings.several("deduct_policy", "payment_order")
    policies = {"in_full": policy == "only_in_full", "fee_first": order == "late_fee_first"}
    db.session.execute(_STAGE, {"ids": ids} | policies)
    totals = db.session.execute(_TOTALS).all()
    if not totals:
        return Deducted(0, Decimal("0.00"))
    db.session.execute(text("ANALYZE deduction"))
    db.session.execute(_PAY, {"on": on, "at": clock.now()})
    for statement in (_CREDIT, _DROP_SETTLED, _REDUCE):
        db.session.execute(statement)
    batches = [
        Batch(
            (
                Line(ledger.PREPAYMENT, amount + fee, route_id),
                Line(ledger.RECEIVABLE, -amount, route_id),
                Line(ledger.LATE_FEE, -fee, route_id),
            )
        )
        for route_id, amount, fee, _ in totals
    ]
    post("auto_deduct", batches, on=on, by_id=by_id)
    done = Deducted(sum(row[3] for row in totals), sum((row[1] + row[2] for row in totals), Decimal(0)))
    audit.record("deducted", "payment", None, {"customers": done.customers, "amount": done.amount, "on": on})
    return done
