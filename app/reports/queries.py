"""What the reports show: cached sums, and live sums of what came after.

Every function reads the marks and then the sums: a report calls them `at_one_moment`, so that no night comes between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from app import periods
from app.db import db
from app.reports import fresh
from app.reports.rules import Part, parts

ZERO = Decimal("0.00")


@dataclass(slots=True)
class Sums:
    """m³ and yuan of a span of days. `opening`: 预存 that came over from the books before, no movement of the days."""

    bills: int = 0
    volume: Decimal = Decimal(0)
    amount_due: Decimal = ZERO
    payments: int = 0
    received: Decimal = ZERO
    settled: Decimal = ZERO
    late_fee: Decimal = ZERO
    waived: Decimal = ZERO
    credit_delta: Decimal = ZERO
    opening: Decimal = ZERO


def grouped(
    by: Sequence[str],
    *,
    since: date,
    until: date,
    route_ids: Sequence[int] | None = None,
    method: str | None = None,
) -> list[tuple[tuple[Any, ...], Sums]]:
    """Sums of the days `since` … `until` (both included), grouped by day, month, route, method ('' for bills)."""
    columns = [_GROUPS[name] for name in by]
    conditions = ["since BETWEEN :since AND :until"]
    cached = "kind IN ('bill', 'payment')"
    if route_ids is not None:
        conditions.append("route_id = ANY(CAST(:route_ids AS bigint[]))")
    else:
        cached += " AND route_id <> 0" if "route" in by else " AND route_id = 0"
    if method is not None:
        conditions.append("(name = :method OR kind = 'bill')")
    spans = [Part(False, since, until)] if "day" in by else parts(since, until)
    query = f"""
        SELECT {"".join(column + ", " for column in columns)} {_MEASURES}
        FROM ({_cached(cached, _MOVED, enumerate(spans))}
              UNION ALL SELECT kind, since, route_id, name, count, volume, amount, 0, 0, 0, 0, 0 FROM ({fresh.BILLS}) AS b
              UNION ALL SELECT kind, since, route_id, name, count, 0, 0, received, settled, late_fee, waived, credit
                        FROM ({fresh.PAYMENTS}) AS p) AS moved
        WHERE {" AND ".join(conditions)}
        {"GROUP BY " + ", ".join(columns) + " ORDER BY " + ", ".join(columns) if columns else ""}
    """  # noqa: S608 - our own words
    values = {"since": since, "until": until, "route_ids": list(route_ids or ()), "method": method}
    width = len(columns)
    return [(tuple(row[:width]), Sums(*row[width:])) for row in _run(query, values | _days(spans))]


def posted(*, since: date, until: date, route_ids: Sequence[int] | None = None) -> dict[str, Decimal]:
    """What the ledger posted on the days, by account; debit positive."""
    spans = list(enumerate(parts(since, until)))
    whole = [(n, part) for n, part in spans if part.monthly or route_ids is None]
    broken = [n for n, part in spans if (n, part) not in whole]
    cached, of_books = "kind = 'posting' AND route_id = 0", ""
    if route_ids is not None:
        cached, of_books = "kind = 'posting'", "WHERE route_id = ANY(CAST(:route_ids AS bigint[]))"
    columns = ", ".join(_POSTED)
    sources = [f"({fresh.POSTINGS}) AS p WHERE since BETWEEN :first_{n} AND :last_{n}" for n, _ in whole]
    sources += [f"({fresh.POSTINGS_OF_DAYS.format(f'first_{n}', f'last_{n}')}) AS p" for n in broken]
    query = f"""
        SELECT name, sum(debit) - sum(credit)
        FROM ({_cached(cached, _POSTED, whole)} {"".join(f" UNION ALL SELECT {columns} FROM {one}" for one in sources)}) AS posted
        {of_books} GROUP BY name
    """  # noqa: S608 - our own words
    values = {"route_ids": list(route_ids or ())} | _days([part for _, part in spans])
    return {name: amount for name, amount in _run(query, values)}


def accounts(period: str) -> Sequence[Sequence[Any]]:
    """(account, balance before, debit, credit) of a calendar month, of the accounts that have been posted to until then."""
    query = f"""
        SELECT name, coalesce(sum(debit - credit) FILTER (WHERE since < :since), 0),
               coalesce(sum(debit) FILTER (WHERE since >= :since), 0),
               coalesce(sum(credit) FILTER (WHERE since >= :since), 0)
        FROM (SELECT {", ".join(_POSTED)} FROM summary WHERE kind = 'posting' AND monthly AND route_id = 0
              UNION ALL SELECT {", ".join(_POSTED)} FROM ({fresh.POSTINGS}) AS p) AS posted
        WHERE since <= :until GROUP BY name
    """  # noqa: S608 - our own words
    return _run(query, {"since": periods.first_day(period), "until": periods.last_day(period)})


class PeriodSums(NamedTuple):
    """按账期: accounts billed (in each book), bills that stand, m³, yuan billed, settled, and of that by 自动扣费."""

    customers: int = 0
    bills: int = 0
    volume: Decimal = Decimal(0)
    amount_due: Decimal = ZERO
    settled: Decimal = ZERO
    deducted: Decimal = ZERO

    @property
    def unpaid(self) -> Decimal:
        """What the period's bills still ask for."""
        return self.amount_due - self.settled


def of_period(period: str) -> dict[int | None, PeriodSums]:
    """The period's bills and what has settled them until now, by book; None: of all."""
    rows = _run(_OF_PERIOD, {"period": period, "since": periods.first_day(period)})
    return {row[0]: PeriodSums(*row[1:]) for row in rows}


_GROUPS = {"day": "since", "month": "to_char(since, 'YYYY-MM')", "route": "route_id", "method": "name"}
_MOVED = (
    "kind", "since", "route_id", "name", "count", "volume", "amount", "received", "settled", "late_fee", "waived", "credit",
)  # fmt: skip
_POSTED = ("since", "route_id", "name", "debit", "credit")
_MONEY = "kind = 'payment' AND name <> 'opening'"
_MEASURES = ", ".join(
    f"coalesce(sum({column}) FILTER (WHERE {condition}), 0)"
    for column, condition in (
        ("count", "kind = 'bill'"),
        ("volume", "kind = 'bill'"),
        ("amount", "kind = 'bill'"),
        ("count", _MONEY),
        ("received", _MONEY),
        ("settled", _MONEY),
        ("late_fee", _MONEY),
        ("waived", _MONEY),
        ("credit", _MONEY),
        ("credit", "kind = 'payment' AND name = 'opening'"),
    )
)
assert len(fields(Sums)) == _MEASURES.count("coalesce")
_OF_PERIOD = f"""
    SELECT route_id, coalesce(sum(customers), 0), coalesce(sum(count), 0), coalesce(sum(volume), 0),
           coalesce(sum(amount), 0.00), coalesce(sum(settled), 0.00), coalesce(sum(deducted), 0.00)
    FROM (SELECT route_id, customers, count, volume, amount, settled, deducted
          FROM summary WHERE kind = 'period' AND monthly AND since = :since
          UNION ALL SELECT route_id, customers, count, volume, amount, 0, 0
                    FROM ({fresh.PERIOD_BILLS}) AS b WHERE period = :period
          UNION ALL SELECT route_id, 0, 0, 0, 0, settled, deducted
                    FROM ({fresh.PERIOD_PAID}) AS s WHERE period = :period) AS billed
    GROUP BY GROUPING SETS ((route_id), ())
"""  # noqa: S608 - our own words


def _cached(condition: str, columns: Sequence[str], spans: Iterable[tuple[int, Part]]) -> str:
    """The cache's rows of the numbered parts of a span."""
    where = " OR ".join(
        f"{'' if part.monthly else 'NOT '}monthly AND since BETWEEN :first_{n} AND :last_{n}" for n, part in spans
    )
    return f"SELECT {', '.join(columns)} FROM summary WHERE {condition} AND ({where or 'false'})"  # noqa: S608


def _days(spans: Sequence[Part]) -> dict[str, date]:
    ends = {f"first_{n}": part.first for n, part in enumerate(spans)}
    return ends | {f"last_{n}": part.last for n, part in enumerate(spans)}


def _run(query: str, values: Mapping[str, Any]) -> Sequence[Any]:
    clause = text(query)
    known = dict(values) | fresh.marks()
    return db.session.execute(clause, {name: known[name] for name in clause.compile().params}).all()
