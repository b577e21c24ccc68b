"""Sums by book (册), held against the ledger: what 水费综合统计 and the monthly report are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select

from app.areas.models import District, Route
from app.areas.queries import route_name
from app.db import db
from app.ledger import rules as accounts
from app.reports import queries
from app.staff.models import StaffUser

ZERO = Decimal("0.00")
MONEY_METHODS = tuple(accounts.METHODS)  # cash, wechat, alipay, bank


class Book(NamedTuple):
    """A book and who reads it."""

    route_id: int
    name: str
    reader: str


def books(*, route_id: int | None = None, reader_id: int | None = None) -> list[Book]:
    """The plant's books by area; one of them, or those of a reader."""
    query = (
        select(Route.id, route_name(), func.coalesce(StaffUser.name, ""))
        .join(District, District.id == Route.district_id)
        .outerjoin(StaffUser, StaffUser.id == Route.reader_id)
        .order_by(District.id, Route.id)
    )
    if route_id is not None:
        query = query.where(Route.id == route_id)
    if reader_id is not None:
        query = query.where(Route.reader_id == reader_id)
    return [Book(*row) for row in db.session.execute(query)]


def count_books() -> int:
    """How many there are."""
    return db.session.scalar(select(func.count()).select_from(Route)) or 0


@dataclass(slots=True)
class Moved:
    """What moved in a span of days: bills issued, and payments by method; m³ and yuan.

    `received` is money by method; `prepaid` is what 预存 paid (自动扣费 included); `settled` came off bills, `late_fee`
    and `waived` likewise; `credit_delta` is how much 预存 grew, without the `opening` balances.
    """

    bills: int = 0
    volume: Decimal = Decimal(0)
    amount_due: Decimal = ZERO
    payments: int = 0
    received: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(MONEY_METHODS, ZERO))
    prepaid: Decimal = ZERO
    settled: Decimal = ZERO
    late_fee: Decimal = ZERO
    waived: Decimal = ZERO
    credit_delta: Decimal = ZERO
    opening: Decimal = ZERO

    @property
    def received_total(self) -> Decimal:
        """Money of all methods."""
        return sum(self.received.values(), ZERO)

    def add(self, method: str, sums: queries.Sums) -> None:
        """Take in what one method moved ('' for bills)."""
        for one in fields(sums):
            if one.name != "received":
                setattr(self, one.name, getattr(self, one.name) + getattr(sums, one.name))
        if method in self.received:
            self.received[method] += sums.received
        if method == "prepaid":
            self.prepaid += sums.settled + sums.late_fee


def moved_by_book(*, since: date, until: date, route_ids: Sequence[int], method: str | None = None) -> dict[int, Moved]:
    """By book, what moved on the days (both included); with `method`, payments of that method only."""
    found = {route_id: Moved() for route_id in route_ids}
    rows = queries.grouped(("route", "method"), since=since, until=until, route_ids=route_ids, method=method)
    for (route_id, way), sums in rows:
        found[route_id].add(way, sums)
    return found


def moved(*, since: date, until: date, route_ids: Sequence[int] | None, method: str | None = None) -> Moved:
    """The same of all these books together; None: of the whole plant."""
    found = Moved()
    for (way,), sums in queries.grouped(("method",), since=since, until=until, route_ids=route_ids, method=method):
        found.add(way, sums)
    return found


class Check(NamedTuple):
    """A sum of the report beside the ledger's, yuan."""

    name: str
    report: Decimal
    ledger: Decimal

    @property
    def agrees(self) -> bool:
        """Whether they are the same to the cent."""
        return self.report == self.ledger


def against_ledger(total: Moved, *, since: date, until: date, route_ids: Sequence[int] | None) -> list[Check]:
    """Every sum of the report beside what the ledger posted on these days for these books. `total`: of all methods."""
    posted = queries.posted(since=since, until=until, route_ids=route_ids)
    revenue = sum((amount for name, amount in posted.items() if name.startswith(accounts.REVENUE)), ZERO)

    def account(name: str) -> Decimal:
        return posted.get(name, ZERO)

    return [
        Check("出账应收", total.amount_due, -revenue),
        *(Check(f"实收{name}", total.received[way], account(way)) for way, name in accounts.METHODS.items()),
        Check("应收水费变动", total.amount_due - total.settled, account(accounts.RECEIVABLE)),
        Check("违约金", total.late_fee, -account(accounts.LATE_FEE)),
        Check("减免", total.waived, account(accounts.WAIVER)),
        Check("预存变动", total.credit_delta + total.opening, -account(accounts.PREPAYMENT)),
    ]
