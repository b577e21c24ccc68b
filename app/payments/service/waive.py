"""减免: what a customer need not pay, asked for by one person and approved by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from app import clock
from app.db import db
from app.errors import DomainError
from app.money import fmt_yuan
from app.payments import queries
from app.payments.models import Payment
from app.payments.rules import ZERO, Owed, Settled
from app.payments.service import accounts, late_fees
from app.payments.service.take_payment import post_payment
from app.permissions import Permission, allowed
from app.staff.models import StaffUser


def waive_late_fee(
    customer_id: int, *, amounts: Mapping[int, Decimal], by_id: int, approved_by_id: int, reason: str
) -> Payment:
    """减免违约金: take yuan off the late fees of open bills (by bill id).

    DomainError above what is owed, without a reason, or where `approved_by_id` may not approve it.
    """
    wanted = [Settled(bill_id, ZERO, amount) for bill_id, amount in amounts.items()]
    return _waive(customer_id, wanted, by_id=by_id, approved_by_id=approved_by_id, reason=reason)


def waive_principal(
    customer_id: int, *, amounts: Mapping[int, Decimal], by_id: int, approved_by_id: int, reason: str
) -> Payment:
    """减免水费: take yuan off the open bills themselves (by bill id); refused as `waive_late_fee` is."""
    wanted = [Settled(bill_id, amount, ZERO) for bill_id, amount in amounts.items()]
    return _waive(customer_id, wanted, by_id=by_id, approved_by_id=approved_by_id, reason=reason)


def _waive(customer_id: int, wanted: Sequence[Settled], *, by_id: int, approved_by_id: int, reason: str) -> Payment:
    if not reason.strip():
        raise DomainError("请填写减免原因。", field="reason")
    if not wanted or any(one.amount + one.late_fee <= 0 for one in wanted):
        raise DomainError("请填写大于 0 的减免金额。", field="amount")
    _refuse_approver(by_id, approved_by_id)
    today = clock.today()
    accounts.refuse_closed_day(by_id, today)
    customer = accounts.lock_customer(customer_id)
    late_fees.charge_up_to(customer_id, on=today)
    owed = {item.bill_id: item for item in queries.open_items(customer_id, on=today)}
    for one in wanted:
        _refuse_above_owed(one, owed.get(one.bill_id))
    principal = sum((one.amount for one in wanted), ZERO)
    fees = sum((one.late_fee for one in wanted), ZERO)
    payment = accounts.add_payment(
        customer,
        kind="waiver",
        method="none",
        business_date=today,
        cashier_id=by_id,
        waived=principal + fees,
        settled=principal,
        late_fee=fees,
        note=reason.strip(),
    )
    accounts.settle(payment, wanted)
    post_payment(payment)
    accounts.tell("waived", payment, reason=reason.strip(), approved_by_id=approved_by_id)
    return payment


def _refuse_approver(by_id: int, approved_by_id: int) -> None:
    """Four eyes, except where the manager is the second pair."""
    approver = db.session.get(StaffUser, approved_by_id)
    if approver is None or not approver.active or not allowed(approver.role, Permission.REVERSE):
        raise DomainError("减免要由站长或财务批准，请选择有权批准的人。", field="approved_by")
    if approved_by_id == by_id and approver.role != "manager":
        raise DomainError("自己申请的减免不能自己批准，请换一个人批准。", field="approved_by")


def _refuse_above_owed(one: Settled, item: Owed | None) -> None:
    if item is None:
        raise DomainError("选中的账单已经结清，请重新查询。")
    for amount, most, what in ((one.amount, item.unpaid, "水费"), (one.late_fee, item.late_fee, "违约金")):
        if amount > most:
            raise DomainError(
                f"{item.period} 的{what}只欠 {fmt_yuan(most)}，不能减免 {fmt_yuan(amount)}，请改小减免金额。",
                field="amount",
            )
