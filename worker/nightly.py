"""The night: last month's bills on the plant's 账单日, late fees, 自动扣费, and the report cache, in this order.

One row per plant, kind and business date in the registry says what is done; whoever starts the same night again
finds it done. Beat, the command line and a retry all come through `run_night`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from app import periods
from app.billing.service import issue_bills
from app.db import transaction
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.late_fees import accrue
from app.reports.service import build_summaries
from tenants import context, jobs


def _bills(night: date) -> dict[str, Any]:
    found = issue_bills(periods.shift(periods.of(night), -1), on=night, by_id=None)
    return {"bills": found.bills, "amount": str(found.amount)}


def _late_fees(night: date) -> dict[str, Any]:
    return {"late": accrue(on=night)}


def _deduction(night: date) -> dict[str, Any]:
    found = deduct_prepayments(on=night)
    return {"customers": found.customers, "amount": str(found.amount)}


def _reports(_night: date) -> dict[str, Any]:
    return {"sums": build_summaries()}


STEPS: dict[str, Callable[[date], dict[str, Any]]] = {
    "bills": _bills,
    "late_fees": _late_fees,
    "auto_deduct": _deduction,
    "reports": _reports,
}


def due_steps(night: date, *, bill_day: int) -> list[str]:
    """The steps of a night: bills only on the 账单日 (the month's last day where the month is shorter)."""
    last = periods.last_day(periods.of(night)).day
    return [kind for kind in STEPS if kind != "bills" or night.day == min(bill_day, last)]


def run_night(night: date) -> dict[str, dict[str, Any]]:
    """Do what is not done yet of the plant's night; returns each step's result. A failing step stops the later ones."""
    tenant = context.current()
    results = {}
    for kind in due_steps(night, bill_day=jobs.bill_day(tenant)):
        results[kind] = jobs.run_once(tenant, kind, night, partial(_in_transaction, STEPS[kind], night))
    return results


def _in_transaction(step: Callable[[date], dict[str, Any]], night: date) -> dict[str, Any]:
    with transaction():
        return step(night)
