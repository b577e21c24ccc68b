"""The night: 停用到期, last month's bills on the plant's 账单日, late fees, 自动扣费, and the report cache, in this order.

Beat, the command line, a retry and the seeds all come through `run_night`. One row per plant, kind and business date in
the registry says what is done; whoever starts the same night again finds it done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from app import periods
from app.billing import queries as billing
from app.billing.service import issue_bills
from app.customers.queries import count_active
from app.db import after_commit, transaction
from app.metering.service import resume_due
from app.payments import queries as payments
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.late_fees import accrue
from app.reports.service import build_summaries
from tenants import context, jobs, nights, rollup


def _resume(night: date) -> dict[str, Any]:
    return {"resumed": resume_due(on=night)}


def _bills(night: date) -> dict[str, Any]:
    period = periods.shift(periods.of(night), -1)
    issue_bills(period, on=night, by_id=None)
    found = billing.issued_at_night(period, night)  # what the books say, also where a worker was killed after its work
    return {"bills": found.bills, "amount": str(found.amount)}


def _late_fees(night: date) -> dict[str, Any]:
    return {"late": accrue(on=night)}


def _deduction(night: date) -> dict[str, Any]:
    deduct_prepayments(on=night)
    found = payments.deducted_on(night)
    return {"customers": found.customers, "amount": str(found.amount)}


def _reports(_night: date) -> dict[str, Any]:
    found = {"sums": build_summaries(), "customers": count_active()}
    months = [rollup.Month(*month) for month in billing.months()]
    # When the plant's connection is given back: a night takes two, its lock's and one more.
    after_commit(lambda: rollup.note(context.current().id, found["customers"], months))
    return found


STEPS: dict[str, Callable[[date], dict[str, Any]]] = {
    "resume": _resume,
    "bills": _bills,
    "late_fees": _late_fees,
    "auto_deduct": _deduction,
    "reports": _reports,
}


def work_off(*, until: date | None = None) -> dict[date, dict[str, dict[str, Any]]]:
    """Do what is open of the plant's nights, up to a date; returns each night's results."""
    tenant = context.current()
    steps = {kind: partial(_in_transaction, step) for kind, step in STEPS.items()}
    return jobs.work_off(tenant, steps, until=until)


def run_night(night: date) -> dict[str, dict[str, Any]]:
    """The plant's night of a date, planned by hand, with what was missed before it; returns each step's result."""
    tenant = context.current()
    nights.plan_by_hand(night, datetime.now(UTC), slug=tenant.slug)
    work_off(until=night)
    return {job.kind: job.result or {"state": job.state} for job in jobs.of_night(tenant, night)}


def _in_transaction(step: Callable[[date], dict[str, Any]], night: date) -> dict[str, Any]:
    with transaction():
        return step(night)
