"""日结: a cashier's day is counted, kept with its difference, and locked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select

from app import audit, clock
from app.db import db
from app.errors import DomainError
from app.ledger import rules as ledger
from app.payments.models import DayClose, Payment
from app.payments.rules import ZERO
from app.staff.models import StaffUser


class Takings(NamedTuple):
    """What one way of paying brought a cashier on a day: movements, and yuan (reversals and refunds taken off)."""

    movements: int
    received: Decimal


def day_totals(cashier_id: int, day: date) -> dict[str, Takings]:
    """What the cashier's drawer should hold by method; methods that nothing moved are left out."""
    rows = db.session.execute(
        select(Payment.method, func.count(), func.sum(Payment.received))
        .where(
            Payment.business_date == day,
            Payment.cashier_id == cashier_id,
            Payment.method.in_(ledger.METHODS),
        )
        .group_by(Payment.method)
    )
    found = {method: Takings(count, received) for method, count, received in rows}
    return {method: found[method] for method in ledger.METHODS if method in found}


def close_day(
    *, cashier_id: int, day: date, counted: Mapping[str, Decimal], by_id: int | None, note: str = ""
) -> DayClose:
    """Keep expected and counted yuan by method and lock the cashier's day: no movement of theirs is dated then any more.

    A difference is kept, not refused; `note` says in the log where it comes from. DomainError where the day is
    closed, to come, or a method is not counted.
    """
    if day > clock.today():
        raise DomainError(f"{day} 还没有到，不能日结，请核对日期。", field="day")
    # Alone with the cashier's row: who is moving money ends first, who comes later finds the day closed.
    if db.session.scalar(select(StaffUser.id).where(StaffUser.id == cashier_id).with_for_update()) is None:
        raise DomainError("没有这个收费员，请重新选择。", field="cashier")
    _refuse_second_time(cashier_id, day)
    expected = {method: takings.received for method, takings in day_totals(cashier_id, day).items()}
    _refuse_uncounted(expected, counted)
    close = DayClose(
        cashier_id=cashier_id,
        business_date=day,
        expected={method: str(amount) for method, amount in expected.items()},
        counted={method: str(amount) for method, amount in counted.items()},
        at=clock.now(),
    )
    db.session.add(close)
    db.session.flush()
    said = {"day": day, "cashier_id": cashier_id, "by_id": by_id, "note": note.strip()}
    said |= {f"counted_{method}": [expected.get(method, ZERO), amount] for method, amount in counted.items() if amount}
    audit.record("closed", "day_close", close.id, said)
    return close


def differences(close: DayClose) -> dict[str, Decimal]:
    """长短款: counted less expected yuan by method, those that differ; more in the drawer is positive."""
    found = {
        method: Decimal(close.counted.get(method, "0.00")) - Decimal(close.expected.get(method, "0.00"))
        for method in ledger.METHODS
    }
    return {method: amount for method, amount in found.items() if amount}


def _refuse_second_time(cashier_id: int, day: date) -> None:
    query = select(DayClose.id).where(DayClose.cashier_id == cashier_id, DayClose.business_date == day)
    if db.session.scalar(query):
        raise DomainError(f"{day} 已经日结过，不能再次日结。")


def _refuse_uncounted(expected: Mapping[str, Decimal], counted: Mapping[str, Decimal]) -> None:
    for method, amount in expected.items():
        if amount != ZERO and method not in counted:
            raise DomainError(f"请填写实点的{ledger.METHODS[method]}金额。", field=f"counted_{method}")
    for method, amount in counted.items():
        least = min(expected.get(method, ZERO), ZERO)  # who only gave back has less than nothing
        if method not in ledger.METHODS or amount < least or amount != round(amount, 2):
            raise DomainError("实点金额应是不小于 0 的钱数，最多到分，请核对。", field=f"counted_{method}")
