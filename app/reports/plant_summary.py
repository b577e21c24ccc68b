"""The plant in one page of figures: `flask plants summary`, and the numbers on the home page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app.db import db
from app.ledger import queries as ledger
from app.reports import queries

_FIGURES = text("""
    SELECT c.customers, (SELECT count(*) FROM meter_binding WHERE unbound_on IS NULL) AS meters, c.unmetered,
           r.readings, r.unread, r.held, r.estimated, o.arrears, o.owing, c.credit_balance
    FROM
        (SELECT count(*) FILTER (WHERE state = 'active') AS customers,
                count(*) FILTER (WHERE state = 'active' AND NOT charged_by_meter) AS unmetered,
                coalesce(sum(credit_balance), 0) AS credit_balance
         FROM customer) c,
        (SELECT coalesce(sum(unpaid), 0) AS arrears, count(DISTINCT customer_id) AS owing
         FROM open_item WHERE period = :period) o,
        (SELECT count(*) FILTER (WHERE kind <> 'unread') AS readings,
                count(*) FILTER (WHERE kind = 'unread') AS unread,
                count(*) FILTER (WHERE review = 'held') AS held,
                count(*) FILTER (WHERE kind = 'estimated') AS estimated
         FROM reading WHERE period = :period) r
""")

_BY_CATEGORY = text("""
    SELECT u.name, sum(b.amount) FROM bill b JOIN use_category u ON u.id = b.use_category_id
    WHERE b.period = :period GROUP BY 1 ORDER BY 2 DESC
""")


def figures(period: str) -> dict[str, Any]:
    """Counts and sums of the period; yuan and m³ as Decimal. `readings` have a value, held ones included."""
    billed = queries.of_period(period)[None]
    return dict(db.session.execute(_FIGURES, {"period": period}).mappings().one()) | {
        "bills": billed.bills,
        "volume": billed.volume,
        "amount_due": billed.amount_due,
        "auto_deducted": billed.deducted,
        "amount_paid": billed.settled,
    }


def plant_summary(period: str) -> dict[str, Any]:
    """The figures, the billed yuan by use category, and what the ledger lacks to zero."""
    found = figures(period) | {"period": period, "ledger_imbalance": ledger.imbalance()}
    found["by_category"] = dict(db.session.execute(_BY_CATEGORY, {"period": period}).all())
    return found


def as_json(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary for scripts: decimals as strings, volumes without useless zeros."""

    def plain(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(name, amount) for name, amount in value.items()}
        if not isinstance(value, Decimal):
            return value
        return f"{value.normalize():f}" if key == "volume" else f"{value:.2f}"

    return {key: plain(key, value) for key, value in summary.items()}
