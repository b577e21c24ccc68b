"""What every billing run writes: its row and its entries in the ledger, one per route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import insert

from app import clock
from app.billing.models import BillingRun
from app.db import db, lock
from app.ledger import rules as accounts
from app.ledger.service import Batch, Line
from app.readings.service import BILLING_LOCK


@dataclass(frozen=True, slots=True)
class RunTotals:
    """Bills, m³ and yuan of a run or a preview; `run_id` None where nothing was issued."""

    bills: int
    volume: Decimal
    amount: Decimal
    run_id: int | None = None


def lock_billing() -> None:
    """One billing run at a time in a plant; the others wait and then find the work done."""
    lock(BILLING_LOCK)


def record_run(kind: str, period: str, totals: RunTotals, *, on: date, by_id: int | None, route_id: int | None) -> int:
    """Write the run; its id."""
    return db.session.scalars(
        insert(BillingRun)
        .values(
            kind=kind,
            period=period,
            route_id=route_id,
            issued_on=on,
            bills=totals.bills,
            volume=totals.volume,
            amount=totals.amount,
            by_id=by_id,
            at=clock.now(),
        )
        .returning(BillingRun.id)
    ).one()


def batches(
    revenue: Mapping[int, Mapping[str, Decimal]], run_id: int, *, reverses: Mapping[int, int] | None = None
) -> list[Batch]:
    """Receivable against revenue (yuan by route and component); `reverses`: the entry by route that is taken back."""
    return [
        Batch(
            (
                Line(accounts.RECEIVABLE, sum(items.values(), Decimal("0.00")), route_id),
                *(Line(accounts.REVENUE + item, -amount, route_id) for item, amount in items.items()),
            ),
            run_id,
            (reverses or {}).get(route_id),
        )
        for route_id, items in revenue.items()
    ]
