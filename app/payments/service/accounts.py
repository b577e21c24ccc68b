"""Locks, receipt numbers and the rows that every movement of money writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, insert, select, text, update

from app import audit, clock
from app.billing.models import OpenItem
from app.customers.models import Customer
from app.db import db
from app.errors import DomainError
from app.ledger.service import open_books
from app.money import yuan
from app.payments.models import DayClose, Payment, Settlement
from app.payments.rules import Settled
from app.staff.models import StaffUser

_NEXT_RECEIPT = text("""
    INSERT INTO setting (key, value) VALUES (:key, '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(CAST(setting.value AS integer) + 1 AS text) AS jsonb)
    RETURNING CAST(value AS integer)
""")


def lock_customer(customer_id: int) -> Customer:
    """The account, locked until the transaction ends: whoever moves its money locks it first."""
    open_books()
    customer = db.session.scalar(
        select(Customer)
        .where(Customer.id == customer_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if customer is None:
        raise DomainError("没有这个用户，请重新查询。")
    return customer


def refuse_closed_day(cashier_id: int | None, day: date) -> None:
    """A day that the cashier has closed (日结) takes no more movements.

    Movements share the cashier's row until they end and 日结 takes it alone, so that none slips past a count.
    """
    if cashier_id is None:
        return
    db.session.execute(
        select(StaffUser.id).where(StaffUser.id == cashier_id).with_for_update(read=True, key_share=True)
    )
    closed = db.session.scalar(
        select(DayClose.id).where(DayClose.cashier_id == cashier_id, DayClose.business_date == day)
    )
    if closed:
        raise DomainError(f"{day} 已经日结，不能再收款；请明天再收，或请站长处理。")


def next_receipt(day: date) -> dict[str, int]:
    """The next receipt number of the plant and year, without gaps: it is given back when the transaction fails."""
    number = db.session.scalar(_NEXT_RECEIPT, {"key": f"receipt:{day.year}"})
    assert number is not None
    return {"receipt_year": day.year, "receipt_no": number}


def add_payment(customer: Customer, **values: Any) -> Payment:
    """Write the movement and move the account's prepayment with it."""
    payment = Payment(**({"customer_id": customer.id, "route_id": customer.route_id, "at": clock.now()} | values))
    for name in ("tendered", "received", "waived", "settled", "late_fee", "credit_delta"):
        value = getattr(payment, name)
        if value is None:
            setattr(payment, name, Decimal("0.00"))
        elif value != yuan(value):
            raise DomainError("金额最多到分，即两位小数，请核对。")
    db.session.add(payment)
    if payment.credit_delta:
        if customer.credit_balance + payment.credit_delta < 0:
            raise DomainError(f"预存余额只有 ¥{customer.credit_balance:,.2f}，不够这次使用。")
        db.session.execute(
            update(Customer)
            .where(Customer.id == customer.id)
            .values(credit_balance=Customer.credit_balance + payment.credit_delta)
        )
    db.session.flush()
    return payment


TOLD = ("method", "tendered", "received", "waived", "settled", "late_fee", "credit_delta")


def tell(action: str, payment: Payment, **more: object) -> None:
    """The movement's line in the log: its sums that are not 0, and what else belongs to it."""
    sums = {name: value for name in TOLD if (value := getattr(payment, name))}
    audit.record(action, "payment", payment.id, sums | more)


def settle(payment: Payment, settled: Sequence[Settled]) -> None:
    """Write what the payment takes off which bill, and take it off the open items. Late fees must be accrued."""
    if not settled:
        return
    db.session.execute(
        insert(Settlement),
        [{"payment_id": payment.id, "bill_id": s.bill_id, "amount": s.amount, "late_fee": s.late_fee} for s in settled],
    )
    for one in settled:
        db.session.execute(
            update(OpenItem)
            .where(OpenItem.customer_id == payment.customer_id, OpenItem.bill_id == one.bill_id)
            .values(unpaid=OpenItem.unpaid - one.amount, late_fee=OpenItem.late_fee - one.late_fee)
            .execution_options(synchronize_session=False)
        )
    drop_settled_items(payment.customer_id)


def drop_settled_items(customer_id: int) -> None:
    """Items with less than a cent left of either part are settled."""
    db.session.execute(
        delete(OpenItem)
        .where(OpenItem.customer_id == customer_id, OpenItem.unpaid == 0, OpenItem.late_fee < Decimal("0.005"))
        .execution_options(synchronize_session=False)
    )
