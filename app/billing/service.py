"""开账: preview and issue of a period's bills, set-based, as often as anyone likes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, insert, select, text

from app import clock
from app.billing import staging
from app.billing.models import BillingRun
from app.db import db
from app.ledger import rules as accounts
from app.ledger.service import Batch, Line, open_books, post
from tenants import context

LOCK = 71002  # first key of the advisory locks that keep one run at a time in a plant

_JOIN = "measured m JOIN priced p ON p.key = m.key"

_ISSUE = text(f"""
    WITH made AS (
        INSERT INTO bill (run_id, kind, period, round, customer_id, binding_id, route_id, use_category_id,
                          start_reading, end_reading, read_on, volume, amount, issued_on, due_on, document)
        SELECT :run_id, 'regular', :period, m.round, m.customer_id, m.binding_id, m.route_id, m.use_category_id,
               m.start_reading, m.end_reading, m.read_on, m.volume, p.amount, :issued_on, m.due_on, p.document
        FROM {_JOIN}
        RETURNING id, customer_id, period, due_on, amount
    )
    INSERT INTO open_item (customer_id, bill_id, period, due_on, unpaid, late_fee)
    SELECT customer_id, id, period, due_on, amount, 0 FROM made WHERE amount > 0
""")  # noqa: S608

_COUNT = text("SELECT count(*), coalesce(sum(volume), 0) FROM measured")

_BY_ROUTE = text("""
    WITH counted AS (SELECT route_id, key, count(*) AS bills FROM measured GROUP BY 1, 2)
    SELECT c.route_id, i.item, sum(i.amount * c.bills)
    FROM counted c JOIN priced_item i ON i.key = c.key
    GROUP BY 1, 2 ORDER BY 1, 2
""")


@dataclass(frozen=True, slots=True)
class RunTotals:
    """Bills, m³ and yuan of a run or a preview; `run_id` None where nothing was issued."""

    bills: int
    volume: Decimal
    amount: Decimal
    run_id: int | None = None


def lock_billing() -> None:
    """One billing run at a time in a plant; the others wait and then find the work done."""
    db.session.execute(select(func.pg_advisory_xact_lock(LOCK, context.current().id)))


def preview_bills(period: str, *, route_id: int | None = None) -> RunTotals:
    """What issuing now would bill; stores nothing. DomainError where a standard is missing or broken."""
    staging.stage(period, issued_on=clock.today(), route_id=route_id)
    return _totals(_revenue())


def issue_bills(period: str, *, on: date, by_id: int | None, route_id: int | None = None) -> RunTotals:
    """Bill everything read and accepted in the period that is not billed yet; again: nothing more.

    Makes the bills, their open items and one ledger entry per route (receivable against revenue by component).
    """
    open_books()
    lock_billing()
    staging.stage(period, issued_on=on, route_id=route_id)
    revenue = _revenue()
    totals = _totals(revenue)
    if not totals.bills:
        return totals
    run_id = _record_run("regular", period, totals, on=on, by_id=by_id, route_id=route_id)
    db.session.execute(_ISSUE, {"run_id": run_id, "period": period, "issued_on": on})
    post("bills", _batches(revenue, run_id), on=on, by_id=by_id)
    return RunTotals(totals.bills, totals.volume, totals.amount, run_id)


def _record_run(kind: str, period: str, totals: RunTotals, *, on: date, by_id: int | None, route_id: int | None) -> int:
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


def _revenue() -> dict[int, dict[str, Decimal]]:
    """Yuan by route and component of what is staged."""
    found: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for route_id, item, amount in db.session.execute(_BY_ROUTE):
        found[route_id][item] = amount
    return found


def _totals(revenue: dict[int, dict[str, Decimal]]) -> RunTotals:
    bills, volume = db.session.execute(_COUNT).one()
    amount = sum((amount for items in revenue.values() for amount in items.values()), Decimal("0.00"))
    return RunTotals(bills, volume, amount)


def _batches(
    revenue: dict[int, dict[str, Decimal]], run_id: int, reverses: dict[int, int] | None = None
) -> list[Batch]:
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
