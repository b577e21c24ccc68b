"""违约金: when a bill becomes late and what that costs."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal

from app.money import yuan

from .model import LateFeeRule

ZERO = Decimal("0.00")


def due_date(rule: LateFeeRule, issued_on: date) -> date:
    """The last day without a late fee: the first `due_day` on or after the issue date, plus the grace days.

    A due day the month does not have is its last day (31 → 30 April). With the 25th, a bill of the 24th is
    due the next day, one of the 26th in the next month.
    """
    due = _day_of_month(issued_on.year, issued_on.month, rule.due_day)
    if due < issued_on:
        year, month = (issued_on.year + 1, 1) if issued_on.month == 12 else (issued_on.year, issued_on.month + 1)
        due = _day_of_month(year, month, rule.due_day)
    return due + timedelta(days=rule.grace_days)


def days_late(rule: LateFeeRule, *, issued_on: date, on: date) -> int:
    """Days after the due date, 0 on it and before."""
    return max(0, (on - due_date(rule, issued_on)).days)


def late_fee(rule: LateFeeRule, *, unpaid: Decimal, days_late: int, charged: Decimal | None = None) -> Decimal:
    """base × daily rate × days, half-up to 0.01 yuan; 0 when nothing is unpaid or nothing is late.

    At least the rule's minimum and, stronger than that, at most `cap` × the principal: `charged`, or `unpaid`
    where that is not given.
    """
    if unpaid <= 0 or days_late <= 0:
        return ZERO
    principal = unpaid if charged is None else charged
    base = principal if rule.base == "charged" else unpaid
    fee = max(yuan(base * rule.daily_rate * days_late), yuan(rule.minimum))
    return fee if rule.cap is None else min(fee, yuan(principal * rule.cap))


def _day_of_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))
