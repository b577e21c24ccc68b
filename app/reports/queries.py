"""What the reports show: cached sums of what is closed, and live sums of what came after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, text

from app.db import db
from app.staff import settings

MARKS = "summary_marks"  # the last bill and payment that the cache has counted

BILLS = """
    SELECT issued_on AS business_date, route_id, CAST('bill' AS text) AS kind, CAST('' AS text) AS method,
           CAST(0 AS bigint) AS staff_id, CAST(count(*) AS integer) AS count, sum(volume) AS volume,
           sum(amount) AS amount_due, 0.00 AS received, 0.00 AS settled, 0.00 AS late_fee, 0.00 AS waived,
           0.00 AS credit_delta
    FROM bill WHERE id > :bill GROUP BY issued_on, route_id
"""
# A reversed 自动扣费 takes its sum back where it was counted: its reversal is of the same kind here.
PAYMENTS = """
    SELECT business_date, route_id, counted_as AS kind, method, staff_id,
           CAST(count(*) AS integer) AS count, 0.000 AS volume, 0.00 AS amount_due, sum(received) AS received,
           sum(settled) AS settled, sum(late_fee) AS late_fee, sum(waived) AS waived,
           sum(credit_delta) AS credit_delta
    FROM (
        SELECT p.*, coalesce(p.cashier_id, 0) AS staff_id,
               CASE WHEN back.kind = 'auto_deduct' THEN back.kind ELSE p.kind END AS counted_as
        FROM payment p LEFT JOIN payment back ON back.id = p.reverses_id WHERE p.id > :payment
    ) AS moved
    GROUP BY business_date, route_id, counted_as, method, staff_id
"""


def marks() -> dict[str, int]:
    """How far the cache has counted: ids of the last bill and payment."""
    return {"bill": 0, "payment": 0} | (settings.get(MARKS) or {})


_ALL = f"""
    SELECT business_date, route_id, kind, method, staff_id, count, volume, amount_due, received, settled,
           late_fee, waived, credit_delta FROM daily_summary
    UNION ALL {BILLS} UNION ALL {PAYMENTS}
"""  # noqa: S608


@dataclass(slots=True)
class Sums:
    """m³ and yuan of a span of days. `paid`: what bills were settled with, 自动扣费 included."""

    bills: int = 0
    volume: Decimal = Decimal(0)
    amount_due: Decimal = Decimal("0.00")
    payments: int = 0
    received: Decimal = Decimal("0.00")
    settled: Decimal = Decimal("0.00")
    late_fee: Decimal = Decimal("0.00")
    waived: Decimal = Decimal("0.00")
    credit_delta: Decimal = Decimal("0.00")
    auto_deducted: Decimal = Decimal("0.00")


def grouped(
    by: Sequence[str],
    *,
    since: date,
    until: date,
    route_ids: Sequence[int] | None = None,
    staff_id: int | None = None,
    method: str | None = None,
) -> list[tuple[tuple[Any, ...], Sums]]:
    """Sums of the days `since` … `until` (both included), grouped by business_date, month, route_id, method, staff_id."""
    columns = [_GROUPS[name] for name in by]
    conditions = ["business_date BETWEEN :since AND :until"]
    if route_ids is not None:
        conditions.append("route_id IN :route_ids")
    if staff_id is not None:
        conditions.append("(staff_id = :staff_id OR kind = 'bill')")
    if method is not None:
        conditions.append("(method = :method OR kind = 'bill')")
    query = text(f"""
        SELECT {"".join(column + ", " for column in columns)} {_MEASURES}
        FROM ({_ALL}) AS moved WHERE {" AND ".join(conditions)}
        {"GROUP BY " + ", ".join(columns) + " ORDER BY " + ", ".join(columns) if columns else ""}
    """)  # noqa: S608
    values: dict[str, Any] = marks() | {"since": since, "until": until, "staff_id": staff_id, "method": method}
    if route_ids is not None:
        query = query.bindparams(bindparam("route_ids", expanding=True))
        values["route_ids"] = list(route_ids)
    used = {name: values[name] for name in query.compile().params}
    width = len(columns)
    return [(tuple(row[:width]), Sums(*row[width:])) for row in db.session.execute(query, used)]


def total(*, since: date, until: date) -> Sums:
    """The span's sums in one."""
    return grouped((), since=since, until=until)[0][1]


_GROUPS = {
    "day": "business_date",
    "month": "to_char(business_date, 'YYYY-MM')",
    "route": "route_id",
    "method": "method",
    "staff": "staff_id",
}
_MONEY = "kind <> 'bill' AND method <> 'opening'"
_MEASURES = ", ".join(
    f"coalesce(sum({column}) FILTER (WHERE {condition}), 0)"
    for column, condition in (
        ("count", "kind = 'bill'"),
        ("volume", "kind = 'bill'"),
        ("amount_due", "kind = 'bill'"),
        ("count", _MONEY),
        ("received", _MONEY),
        ("settled", _MONEY),
        ("late_fee", _MONEY),
        ("waived", _MONEY),
        ("credit_delta", _MONEY),
        ("settled + late_fee", "kind = 'auto_deduct'"),
    )
)
assert len(fields(Sums)) == _MEASURES.count("coalesce")
