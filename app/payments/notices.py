"""催缴通知单: what an account is reminded of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from app.money import in_words
from app.payments import desk
from app.payments.desk import Account, OpenBill
from app.payments.rules import ZERO
from app.staff import settings
from tenants import context


class Notice(NamedTuple):
    """One account with its open bills, oldest first, late fees as of the day of the notice."""

    account: Account
    bills: list[OpenBill]

    @property
    def unpaid(self) -> Decimal:
        """Yuan without late fees."""
        return sum((bill.unpaid for bill in self.bills), ZERO)

    @property
    def late_fee(self) -> Decimal:
        """Yuan of late fees."""
        return sum((bill.late_fee for bill in self.bills), ZERO)

    @property
    def due(self) -> Decimal:
        """Yuan that settle everything on that day."""
        return self.unpaid + self.late_fee

    @property
    def due_in_words(self) -> str:
        """大写金额."""
        return in_words(self.due)


def notices(customer_ids: Sequence[int], *, on: date) -> list[Notice]:
    """One for each of these accounts that owes something, in the order of the books."""
    bills = desk.open_bills_of(customer_ids, on=on)
    return [Notice(account, bills[account.id]) for account in desk.accounts(list(bills))]


def where_to_pay() -> str:
    """The place that a notice names: the plant's own words, or its window."""
    return str(settings.get("pay_at") or f"{context.current().name}收费窗口")
