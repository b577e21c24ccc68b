"""收费 at the counter: what the cashier saw is what is charged, or nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from app import clock
from app.errors import DomainError
from app.money import fmt_yuan
from app.payments import queries
from app.payments.models import Payment
from app.payments.service import accounts
from app.payments.service.consolidated import take_consolidated
from app.payments.service.take_payment import take_payment


def charge_as_seen(
    customer_id: int,
    *,
    seen: Mapping[int, Decimal],
    method: str,
    tendered: Decimal,
    keep_change: bool,
    by_id: int | None,
) -> Payment:
    """Take a payment for the bills that the cashier saw, at the yuan that the page showed for each.

    DomainError where somebody paid or something changed meanwhile; and whatever take_payment refuses.
    """
    accounts.lock_customer(customer_id)
    now = {item.bill_id: item.unpaid + item.late_fee for item in queries.open_items(customer_id, on=clock.today())}
    if any(now.get(bill_id) != amount for bill_id, amount in seen.items()):
        before, after = sum(seen.values(), Decimal(0)), sum((now.get(one, Decimal(0)) for one in seen), Decimal(0))
        raise DomainError(
            f"账单刚刚有变化：选中的应收由 {fmt_yuan(before)} 变为 {fmt_yuan(after)}，没有收款；请核对后再确认。"
        )
    return take_payment(
        customer_id, bill_ids=list(seen), method=method, tendered=tendered, keep_change=keep_change, by_id=by_id
    )


def charge_together_as_seen(
    *, seen: Mapping[int, Decimal], method: str, tendered: Decimal, keep_change: bool, by_id: int | None
) -> list[Payment]:
    """合单收费 of all that these accounts owe, at the yuan that the page showed for each (by customer id).

    DomainError where somebody paid or something changed meanwhile; and whatever take_consolidated refuses.
    """
    pays_for = {}
    for customer_id in sorted(seen):
        holder = accounts.lock_customer(customer_id).holder
        items = queries.open_items(customer_id, on=clock.today())
        now = sum((item.unpaid + item.late_fee for item in items), Decimal(0))
        if now != seen[customer_id]:
            raise DomainError(
                f"{holder} 的账单刚刚有变化：应收由 {fmt_yuan(seen[customer_id])} 变为 {fmt_yuan(now)}，"
                "没有收款；请核对后再确认。"
            )
        pays_for[customer_id] = [item.bill_id for item in items]
    return take_consolidated(
        [(customer_id, pays_for[customer_id]) for customer_id in seen],
        method=method,
        tendered=tendered,
        keep_change=keep_change,
        by_id=by_id,
    )
