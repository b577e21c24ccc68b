"""开账: preview and issue of a period's bills, set-based, as often as anyone likes."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from sqlalchemy import text

from app import clock
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

_COUNT = text("SELECT count(*), coalesce(sum(volume), 0) FROM measured")

_BY_ROUTE = text("""
    WITH counted AS (SELECT route_id, key, count(*) AS bills FROM measured GROUP BY 1, 2)
    SELECT c.route_id, i.item, sum(i.amount * c.bills)
    FROM counted c JOIN priced_item i ON i.key = c.key
    GROUP BY 1, 2 ORDER BY 1, 2
""")


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
    run_id = record_run("regular", period, totals, on=on, by_id=by_id, route_id=route_id)
    db.session.execute(_ISSUE, {"run_id": run_id, "period": period, "issued_on": on})
    post("bills", batches(revenue, run_id), on=on, by_id=by_id)
    return RunTotals(totals.bills, totals.volume, totals.amount, run_id)


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
