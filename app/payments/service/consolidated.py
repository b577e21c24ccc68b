"""合单收费: one person pays for several accounts at once; one receipt each."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from decimal import Decimal

from app import clock
from app.errors import DomainError
from app.ledger import rules as ledger
from app.payments import queries
from app.payments.models import Payment
from app.payments.rules import ZERO, owed_total
from app.payments.service import accounts, late_fees
from app.payments.service.take_payment import take_payment


def take_consolidated(
    pays_for: Sequence[tuple[int, Collection[int]]],
    *,
    method: str,
    tendered: Decimal,
    keep_change: bool,
    by_id: int | None,
) -> list[Payment]:
    """Settle the chosen bills of several (customer id, bill ids), account by account in the order given.

    The payments share a `batch`. What is left over is change (cash) or, when `keep_change`, the first account's 预存;
    where the money ends, the accounts after it get nothing. DomainError as in take_payment, and then for all of them.
    """
    if method not in ledger.METHODS:
        raise DomainError("合单收费不能用预存抵扣，请选择收款方式。", field="method")
    if tendered <= 0:
        raise DomainError("请填写实收金额。", field="tendered")
    wanted = {customer_id: set(bill_ids) for customer_id, bill_ids in pays_for}
    if len(wanted) != len(pays_for):
        raise DomainError("同一个用户选了两次，请去掉一个。")
    accounts.refuse_closed_day(by_id, clock.today())
    owed = _owed(wanted)
    batch = secrets.token_hex(8)
    over = max(tendered - sum(owed.values(), ZERO), ZERO)
    left, made = tendered - over, []
    for customer_id, bill_ids in wanted.items():
        share = min(left, owed[customer_id])
        if share <= 0:
            break
        left -= share
        made.append(
            take_payment(
                customer_id,
                bill_ids=bill_ids,
                method=method,
                tendered=share + over,
                keep_change=keep_change,
                by_id=by_id,
                batch=batch,
            )
        )
        over = ZERO
    return made


def _owed(wanted: dict[int, set[int]]) -> dict[int, Decimal]:
    """Yuan that each account's chosen bills ask for today; the accounts are locked, in the order everybody does."""
    today = clock.today()
    owed = {}
    for customer_id in sorted(wanted):
        accounts.lock_customer(customer_id)
        late_fees.charge_up_to(customer_id, on=today)
        items = [i for i in queries.open_items(customer_id, on=today) if i.bill_id in wanted[customer_id]]
        if not items:
            raise DomainError("选中的账单里有已经结清的用户，请重新查询。")
        owed[customer_id] = owed_total(items)
    return owed
