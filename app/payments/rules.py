"""How money is spread over what is owed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal("0.00")

METHODS = {"cash": "现金", "wechat": "微信", "alipay": "支付宝", "bank": "银行转账", "prepaid": "预存抵扣"}
KINDS = {
    "payment": ("缴费", "paid"),
    "top_up": ("充值", "paid"),
    "auto_deduct": ("自动扣费", "water"),
    "opening": ("期初预存", "plain"),
    "refund": ("退款", "wait"),
    "waiver": ("减免", "wait"),
    "credit": ("转入预存", "water"),
    "reversal": ("冲红", "owed"),
}  # a movement's kind: its word, and the tone it is shown in


class Owed(NamedTuple):
    """An open bill: what is unpaid, and the late fee as of the day, both in yuan."""

    bill_id: int
    period: str
    due_on: date
    unpaid: Decimal
    late_fee: Decimal


class Settled(NamedTuple):
    """What one payment takes off one bill."""

    bill_id: int
    amount: Decimal
    late_fee: Decimal


def owed_total(items: Sequence[Owed]) -> Decimal:
    """Yuan that would settle all of them."""
    return sum((item.unpaid + item.late_fee for item in items), ZERO)


def spread(money: Decimal, items: Sequence[Owed], *, late_fee_first: bool = True) -> list[Settled]:
    """Settle the oldest bill first until the money is used up; on each bill its late fee first, or its principal.

    The sum settled is min(money, owed); what is left over is the caller's (change or 预存).
    """
    found = []
    left = money
    for item in sorted(items, key=lambda one: (one.period, one.bill_id)):
        if left <= 0:
            break
        first, second = (item.late_fee, item.unpaid) if late_fee_first else (item.unpaid, item.late_fee)
        one = min(left, first)
        two = min(left - one, second)
        fee, amount = (one, two) if late_fee_first else (two, one)
        left -= one + two
        if one + two:
            found.append(Settled(item.bill_id, amount, fee))
    return found
