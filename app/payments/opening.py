"""期初预存: balances that a plant brings from its books before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import text

from app import clock
from app.db import db
from app.ledger import rules
from app.ledger.service import Batch, Line, open_books, post

_INSERT = text("""
    WITH brought AS MATERIALIZED (
        SELECT s.customer_id, c.route_id, s.amount
        FROM unnest(CAST(:ids AS bigint[]), CAST(:amounts AS numeric[])) AS s (customer_id, amount)
        JOIN customer c ON c.id = s.customer_id
    )
    INSERT INTO payment (kind, customer_id, route_id, method, business_date, at, cashier_id,
                         tendered, received, waived, settled, late_fee, credit_delta, note)
    SELECT 'opening', customer_id, route_id, 'opening', :on, :at, :by_id, 0, amount, 0, 0, 0, amount, '期初预存'
    FROM brought
    RETURNING route_id, credit_delta
""")
_CREDIT = text("""
    UPDATE customer SET credit_balance = credit_balance + s.amount
    FROM unnest(CAST(:ids AS bigint[]), CAST(:amounts AS numeric[])) AS s (customer_id, amount)
    WHERE customer.id = s.customer_id
""")


def post_opening_balances(rows: Sequence[tuple[int, Decimal]], *, on: date, by_id: int | None) -> None:
    """Give each (customer id, yuan > 0) its opening prepayment: one payment each, one ledger entry for all."""
    if not rows:
        return
    open_books()
    what = {"ids": [row[0] for row in rows], "amounts": [row[1] for row in rows]}
    by_route: dict[int, Decimal] = defaultdict(Decimal)
    for route_id, amount in db.session.execute(_INSERT, what | {"on": on, "at": clock.now(), "by_id": by_id}):
        by_route[route_id] += amount
    db.session.execute(_CREDIT, what)
    lines = [Line(rules.PREPAYMENT, -amount, route_id) for route_id, amount in sorted(by_route.items())]
    lines.append(Line(rules.OPENING, sum(by_route.values(), Decimal(0))))
    post("opening", [Batch(tuple(lines))], on=on, by_id=by_id)
