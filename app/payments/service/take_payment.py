"""收费 and 充值: money over the counter."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from app import clock
from app.customers.models import Customer
from app.errors import DomainError
from app.ledger import rules as ledger
from app.ledger.service import Batch, Line, post
from app.payments import queries
from app.payments.models import Payment
from app.payments.rules import METHODS, ZERO, Owed, owed_total, spread
from app.payments.service import accounts, late_fees
from app.staff import settings


def take_payment(
    customer_id: int,
    *,
    bill_ids: Collection[int],
    method: str,
    tendered: Decimal,
    keep_change: bool,
    by_id: int | None,
    batch: str | None = None,
) -> Payment:
    """Settle the chosen bills with what was handed over (yuan); the rest is change, or 预存 when `keep_change`.

    With method `prepaid` the account's own prepayment pays and `tendered` is ignored. Less than is owed settles
    in part, by the plant's policy. DomainError where there is nothing to pay, too little credit, a closed day.
    """
    today = clock.today()
    customer = _ready(customer_id, method, by_id)
    items = _items_to_pay(customer_id, bill_ids)
    owed = owed_total(items)
    prepaid = method == "prepaid"
    money = min(customer.credit_balance, owed) if prepaid else tendered
    if money <= 0:
        raise DomainError("没有可用的预存余额，请换一种缴费方式。" if prepaid else "请填写实收金额。", field="tendered")
    settled = spread(money, items, late_fee_first=settings.get("payment_order") == "late_fee_first")
    principal = sum((s.amount for s in settled), ZERO)
    fees = sum((s.late_fee for s in settled), ZERO)
    left = money - principal - fees
    if left and not keep_change and method != "cash":
        raise DomainError("不是现金不能找零，请勾选「找零转入预存」或改成应收的数。", field="tendered")
    credit = left if keep_change else ZERO
    payment = accounts.add_payment(
        customer,
        kind="payment",
        method=method,
        business_date=today,
        cashier_id=by_id,
        tendered=ZERO if prepaid else tendered,
        received=ZERO if prepaid else principal + fees + credit,
        settled=principal,
        late_fee=fees,
        credit_delta=-money if prepaid else credit,
        batch=batch,
        **accounts.next_receipt(today),
    )
    accounts.settle(payment, settled)
    post_payment(payment)
    accounts.tell("received", payment)
    return payment


def top_up(customer_id: int, *, amount: Decimal, method: str, by_id: int | None, note: str = "") -> Payment:
    """充值: put yuan on the account's prepayment. DomainError for nothing, a closed account or day."""
    customer = _ready(customer_id, method, by_id)
    if amount <= 0 or method == "prepaid":
        raise DomainError("请填写大于 0 的充值金额。", field="amount")
    today = clock.today()
    payment = accounts.add_payment(
        customer,
        kind="top_up",
        method=method,
        business_date=today,
        cashier_id=by_id,
        tendered=amount,
        received=amount,
        credit_delta=amount,
        note=note,
        **accounts.next_receipt(today),
    )
    post_payment(payment)
    accounts.tell("topped_up", payment)
    return payment


def post_payment(payment: Payment, *, by_id: int | None = None, reverses_id: int | None = None) -> None:
    """The ledger's side of one movement; `reverses_id` names the entry it takes back."""
    route = payment.route_id
    lines = (
        Line(payment.method, payment.received, route),
        Line(ledger.WAIVER, payment.waived, route),
        Line(ledger.RECEIVABLE, -payment.settled, route),
        Line(ledger.LATE_FEE, -payment.late_fee, route),
        Line(ledger.PREPAYMENT, -payment.credit_delta, route),
    )
    batch = Batch(lines, payment.id, reverses_id)
    post(payment.kind, [batch], on=payment.business_date, by_id=payment.cashier_id if by_id is None else by_id)


def _ready(customer_id: int, method: str, by_id: int | None) -> Customer:
    if method not in METHODS:
        raise DomainError("请选择缴费方式。", field="method")
    accounts.refuse_closed_day(by_id, clock.today())
    customer = accounts.lock_customer(customer_id)
    if customer.state != "active":
        raise DomainError("这个用户已经销户，不能再收款。")
    return customer


def _items_to_pay(customer_id: int, bill_ids: Collection[int]) -> list[Owed]:
    """The chosen open bills with today's late fees."""
    today = clock.today()
    late_fees.charge_up_to(customer_id, on=today)
    chosen = set(bill_ids)
    items = [item for item in queries.open_items(customer_id, on=today) if item.bill_id in chosen]
    if not items:
        raise DomainError("选中的账单已经结清，请重新查询。")
    return items
