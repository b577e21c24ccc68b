"""The chart of accounts. A debit is positive, a credit negative."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

RECEIVABLE = "receivable"  # 应收水费: bills − settlements
PREPAYMENT = "prepayment"  # 预存: what customers have paid ahead, a credit
LATE_FEE = "late_fee"  # 违约金收入
WAIVER = "waiver"  # 减免
ROUNDING = "rounding"  # 尾差
OPENING = "opening"  # 期初: what came over from the books before
REVENUE = "revenue:"  # 收入, by component: revenue:水费, revenue:污水处理费 …

METHODS = {
    "cash": "现金",
    "wechat": "微信",
    "alipay": "支付宝",
    "bank": "银行转账",
}  # each an account of its own
ACCOUNT_NAMES = METHODS | {
    RECEIVABLE: "应收水费",
    PREPAYMENT: "预存",
    LATE_FEE: "违约金",
    WAIVER: "减免",
    ROUNDING: "尾差",
    OPENING: "期初",
}


def account_name(account: str) -> str:
    """'应收水费' for 'receivable', '污水处理费收入' for 'revenue:污水处理费'."""
    if account.startswith(REVENUE):
        return account.removeprefix(REVENUE) + "收入"
    return ACCOUNT_NAMES[account]


def imbalance(amounts: Iterable[Decimal]) -> Decimal:
    """What a batch of postings lacks to zero."""
    return sum(amounts, Decimal("0.00"))
