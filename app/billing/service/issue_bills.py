"""开账: preview and issue of a period's bills, set-based, as often as anyone likes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import text

from app import audit, clock
from app.billing import staging
from app.billing.service.runs import RunTotals, batches, lock_billing, record_run
from app.db import db
from app.ledger.service import open_books, post

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


def preview_bills(period: str, *, route_id: int | None = None) -> RunTotals:
    """What issuing now would bill; stores nothing. DomainError where a standard is missing or broken."""
    items = staging.stage(period, issued_on=clock.today(), route_id=route_id)
    return _revenue(items)[1]


def issue_bills(period: str, *, on: date, by_id: int | None, route_id: int | None = None) -> RunTotals:
    """Bill everything read and accepted in the period that is not billed yet; again: nothing more.

    Makes the bills, their open items and one ledger entry per route (receivable against revenue by component).
    """
    open_books()
    lock_billing()
    items = staging.stage(period, issued_on=on, route_id=route_id)
    revenue, totals = _revenue(items)
    if not totals.bills:
        return totals
    run_id = record_run("regular", period, totals, on=on, by_id=by_id, route_id=route_id)
    db.session.execute(_ISSUE, {"run_id": run_id, "period": period, "issued_on": on})
    post("bills", batches(revenue, run_id), on=on, by_id=by_id)
    told = {"period": period, "bills": totals.bills, "volume": totals.volume, "amount": totals.amount}
    audit.record("issued", "billing_run", run_id, told | ({"route_id": route_id} if route_id else {}))
    return RunTotals(totals.bills, totals.volume, totals.amount, run_id)


def _revenue(items: Sequence[str]) -> tuple[dict[int, dict[str, Decimal]], RunTotals]:
    """Yuan by route and component of what is staged, and the sums of all."""
    sums = "".join(f", sum(p.item_{n})" for n in range(len(items)))
    query = text(f"SELECT m.route_id, count(*), sum(m.volume){sums} FROM {_JOIN} GROUP BY 1 ORDER BY 1")  # noqa: S608
    revenue: dict[int, dict[str, Decimal]] = {}
    bills, volume, amount = 0, Decimal(0), Decimal("0.00")
    for route_id, count, used, *amounts in db.session.execute(query):
        revenue[route_id] = dict(zip(items, amounts, strict=True))
        bills, volume, amount = bills + count, volume + used, amount + sum(amounts)
    return revenue, RunTotals(bills, volume, amount)
