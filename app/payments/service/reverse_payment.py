"""冲红: an opposite movement that takes back everything one movement did. Nothing is deleted."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import exists, select, text
from sqlalchemy.orm import aliased

from app import audit, clock
from app.customers.models import Customer
from app.db import db
from app.errors import DomainError
from app.ledger.models import LedgerEntry
from app.money import fmt_yuan
from app.payments.models import Payment
from app.payments.service import accounts, late_fees
from app.payments.service.take_payment import post_payment

SUMS = ("tendered", "received", "waived", "settled", "late_fee", "credit_delta")

_UNSETTLE = text("""
    INSERT INTO settlement (payment_id, bill_id, amount, late_fee)
    SELECT :reversal_id, bill_id, -amount, -late_fee FROM settlement WHERE payment_id = :payment_id
""")
# No late fee grows on what counted as paid meanwhile: it starts again today, where it had started.
_REOPEN = text("""
    INSERT INTO open_item (customer_id, bill_id, period, due_on, unpaid, late_fee, accrued_to)
    SELECT b.customer_id, b.id, b.period, b.due_on, s.amount, s.late_fee,
           CASE WHEN b.due_on < CAST(:today AS date) THEN CAST(:today AS date) END
    FROM settlement s JOIN bill b ON b.id = s.bill_id
    WHERE s.payment_id = :payment_id
    ON CONFLICT (customer_id, bill_id) DO UPDATE
    SET unpaid = open_item.unpaid + excluded.unpaid, late_fee = open_item.late_fee + excluded.late_fee
""")


def reverse_payment(payment_id: int, *, by_id: int | None, reason: str) -> Payment:
    """Take back a payment, top-up, deduction, refund or waiver, once and whole, dated today; its receipt stays void.

    Its bills are open again and its prepayment goes back. The drawer that took the money today gives it back; an
    older movement is given back from the drawer of whoever reverses it. DomainError where the prepayment has been
    used since, the drawer's day is closed, or the movement is itself a correction.
    """
    if not reason.strip():
        raise DomainError("请填写冲红原因。", field="reason")
    today = clock.today()
    original = _reversible(payment_id)
    took_today = original.business_date == today and original.cashier_id is not None
    drawer = original.cashier_id if took_today else by_id
    accounts.refuse_closed_day(drawer, today)
    customer = accounts.lock_customer(original.customer_id)
    _refuse_second_time(original)
    _refuse_used_credit(customer, original)
    late_fees.charge_up_to(customer.id, on=today)
    reversal = accounts.add_payment(
        customer,
        kind="reversal",
        route_id=original.route_id,
        method=original.method,
        business_date=today,
        cashier_id=drawer,
        batch=original.batch,
        reverses_id=original.id,
        note=reason.strip(),
        **{name: -getattr(original, name) for name in SUMS},
    )
    db.session.execute(_REOPEN, {"payment_id": original.id, "today": today})
    db.session.execute(_UNSETTLE, {"payment_id": original.id, "reversal_id": reversal.id})
    post_payment(reversal, by_id=by_id, reverses_id=_entry_of(original))
    told = {name: getattr(original, name) for name in ("received", "waived", "credit_delta") if getattr(original, name)}
    audit.record("reversed", "payment", original.id, {**told, "reason": reason.strip(), "reversal_id": reversal.id})
    return reversal


def standing_in_the_way(payment_id: int) -> list[Payment]:
    """The later movements that used the prepayment which this one brought, youngest first: they have to go back before it.

    As few as free enough of it; empty where none is in the way.
    """
    original = _reversible(payment_id)
    customer = db.session.get_one(Customer, original.customer_id)
    missing = original.credit_delta - customer.credit_balance
    back = aliased(Payment)
    later = (
        select(Payment)
        .where(
            Payment.customer_id == original.customer_id,
            Payment.id > original.id,
            Payment.credit_delta < 0,
            Payment.kind != "reversal",
            ~exists().where(back.reverses_id == Payment.id),
        )
        .order_by(Payment.id.desc())
    )
    found: list[Payment] = []
    for movement in db.session.scalars(later):
        if missing <= 0:
            break
        found.append(movement)
        missing += movement.credit_delta
    return found


def reverse_chain(payment_id: int, *, by_id: int | None, reason: str, seen: Collection[int]) -> list[Payment]:
    """Take back a movement together with what has used its prepayment since, youngest first; returns the reversals.

    DomainError where the movements in the way are not those that were `seen` (by id), and as in reverse_payment.
    """
    accounts.lock_customer(_reversible(payment_id).customer_id)
    first = [movement.id for movement in standing_in_the_way(payment_id)]
    if set(first) != set(seen):
        raise DomainError("这笔款后来又有新的使用，请看清现在的清单，再确认一次。")
    return [reverse_payment(one, by_id=by_id, reason=reason) for one in (*first, payment_id)]


def _reversible(payment_id: int) -> Payment:
    original = db.session.get(Payment, payment_id)
    if original is None:
        raise DomainError("没有这笔缴费，请重新查询。")
    if original.kind == "reversal":
        raise DomainError("这一笔本身就是冲红，不能再冲红；要改正请重新收款。")
    if original.kind == "credit":
        raise DomainError("这一笔是退补水量的抵账，不能冲红；要改正请对原水费单再做一次退补水量。")
    return original


def _refuse_second_time(original: Payment) -> None:
    """After the account is locked: two at once find each other here."""
    if db.session.scalar(select(Payment.id).where(Payment.reverses_id == original.id)):
        raise DomainError("这笔缴费已经冲红过，不能再冲红。")


def _refuse_used_credit(customer: Customer, original: Payment) -> None:
    missing = original.credit_delta - customer.credit_balance
    if missing > 0:
        raise DomainError(
            f"这笔款有 {fmt_yuan(original.credit_delta)} 进了预存，其中 {fmt_yuan(missing)} 已经用掉，"
            f"预存只剩 {fmt_yuan(customer.credit_balance)}；请先冲红用掉它的缴费、扣费或退款。"
        )


def _entry_of(original: Payment) -> int | None:
    """The ledger entry that is the movement's own; deductions and opening balances are posted many at once."""
    return db.session.scalar(
        select(LedgerEntry.id).where(
            LedgerEntry.business_date == original.business_date,
            LedgerEntry.kind == original.kind,
            LedgerEntry.source_id == original.id,
        )
    )
