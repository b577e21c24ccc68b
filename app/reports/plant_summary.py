"""The plant in one page of figures: `flask plants summary`, and the numbers on the home page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app.db import db
from app.ledger import queries as ledger

_FIGURES = text("""
    SELECT
        (SELECT count(*) FROM customer WHERE state = 'active') AS customers,
        (SELECT count(*) FROM meter_binding WHERE unbound_on IS NULL) AS meters,
        (SELECT count(*) FROM customer WHERE state = 'active' AND NOT charged_by_meter) AS unmetered,
        r.readings, r.unread, r.held, r.estimated,
        b.bills, b.volume, b.amount_due, s.auto_deducted, s.amount_paid,
        (SELECT coalesce(sum(unpaid), 0) FROM open_item WHERE period = :period) AS arrears,
        (SELECT count(DISTINCT customer_id) FROM open_item WHERE period = :period) AS owing,
        (SELECT coalesce(sum(credit_balance), 0) FROM customer) AS credit_balance
    FROM
        (SELECT count(*) FILTER (WHERE kind <> 'unread') AS readings,
                count(*) FILTER (WHERE kind = 'unread') AS unread,
                count(*) FILTER (WHERE review = 'held') AS held,
                count(*) FILTER (WHERE kind = 'estimated') AS estimated
         FROM reading WHERE period = :period) r,
        (SELECT count(*) FILTER (WHERE kind = 'regular'
                    AND NOT EXISTS (SELECT 1 FROM bill r WHERE r.reverses_id = bill.id)) AS bills,
                coalesce(sum(volume), 0) AS volume, coalesce(sum(amount), 0.00) AS amount_due
         FROM bill WHERE period = :period) b,
        (SELECT coalesce(sum(s.amount) FILTER (WHERE coalesce(back.kind, p.kind) = 'auto_deduct'), 0.00) AS auto_deducted,
                coalesce(sum(s.amount), 0.00) AS amount_paid
         FROM bill b JOIN settlement s ON s.bill_id = b.id JOIN payment p ON p.id = s.payment_id
              LEFT JOIN payment back ON back.id = p.reverses_id  -- what is reversed is taken back where it was counted
         WHERE b.period = :period) s
""")

_BY_CATEGORY = text("""
    SELECT u.name, sum(b.amount) FROM bill b JOIN use_category u ON u.id = b.use_category_id
    WHERE b.period = :period GROUP BY 1 ORDER BY 2 DESC
""")


def figures(period: str) -> dict[str, Any]:
    """Counts and sums of the period; yuan and m³ as Decimal. `readings` have a value, held ones included."""
    return dict(db.session.execute(_FIGURES, {"period": period}).mappings().one())


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
