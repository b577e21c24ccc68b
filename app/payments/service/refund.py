"""退款: prepaid money back to the customer."""

from __future__ import annotations

from decimal import Decimal

from app import clock
from app.errors import DomainError
from app.ledger import rules as ledger
from app.money import fmt_yuan
from app.payments.models import Payment
from app.payments.rules import ZERO
from app.payments.service import accounts
from app.payments.service.take_payment import post_payment


def refund_credit(customer_id: int, *, amount: Decimal, method: str, by_id: int | None, reason: str) -> Payment:
    """Give yuan of the prepayment back, also to a closed account; it has a receipt of its own.

    DomainError where there is less, no reason, no such way of paying, or the drawer's day is closed.
    """
    if method not in ledger.METHODS:
        raise DomainError("请选择退款方式。", field="method")
    if amount <= 0:
        raise DomainError("请填写大于 0 的退款金额。", field="amount")
    if not reason.strip():
        raise DomainError("请填写退款原因。", field="reason")
    today = clock.today()
    accounts.refuse_closed_day(by_id, today)
    customer = accounts.lock_customer(customer_id)
    if amount > customer.credit_balance:
        raise DomainError(
            f"预存余额只有 {fmt_yuan(customer.credit_balance)}，不能退 {fmt_yuan(amount)}，请改小退款金额。",
            field="amount",
        )
    payment = accounts.add_payment(
        customer,
        kind="refund",
        method=method,
        business_date=today,
        cashier_id=by_id,
        tendered=ZERO - amount,
        received=ZERO - amount,
        credit_delta=ZERO - amount,
        note=reason.strip(),
        **accounts.next_receipt(today),
    )
    post_payment(payment)
    accounts.tell("refunded", payment, reason=reason.strip())
    return payment
