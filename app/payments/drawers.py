"""日结 as it is shown: each drawer of a day, what it should hold and what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, select

from app.audit import AuditEntry
from app.db import db
from app.ledger.rules import METHODS
from app.payments.models import DayClose, Payment
from app.payments.rules import ZERO
from app.payments.service.day_close import Takings
from app.staff.models import StaffUser

LOOK_BACK = timedelta(days=31)  # in which an unclosed day is looked for


class Line(NamedTuple):
    """One way of paying: movements and yuan that the drawer should hold, and yuan counted (None before)."""

    method: str
    name: str
    movements: int
    expected: Decimal
    counted: Decimal | None

    @property
    def difference(self) -> Decimal:
        """长短款: more in the drawer is positive."""
        return ZERO if self.counted is None else self.counted - self.expected


class Drawer(NamedTuple):
    """A cashier's day. `closed_at` None: open."""

    cashier_id: int
    cashier: str
    lines: list[Line]
    closed_at: datetime | None
    closed_by: str
    note: str

    @property
    def movements(self) -> int:
        """All of them."""
        return sum(line.movements for line in self.lines)

    @property
    def expected(self) -> Decimal:
        """Yuan it should hold."""
        return sum((line.expected for line in self.lines), ZERO)

    @property
    def counted(self) -> Decimal | None:
        """Yuan found in it."""
        return None if self.closed_at is None else sum((line.counted or ZERO for line in self.lines), ZERO)

    @property
    def difference(self) -> Decimal:
        """长短款 of the whole."""
        return sum((line.difference for line in self.lines), ZERO)


def drawers(day: date, *, cashier_id: int | None = None) -> list[Drawer]:
    """Those in which money moved that day, or that were closed; of one cashier: always that one."""
    taken = _takings(day)
    closed = {row.DayClose.cashier_id: row for row in _closes(day)}
    wanted = {cashier_id} if cashier_id else taken.keys() | closed.keys()
    names = select(StaffUser.id, StaffUser.name).where(StaffUser.id.in_(wanted)).order_by(StaffUser.id)
    return [_drawer(key, name, taken.get(key, {}), closed.get(key)) for key, name in db.session.execute(names)]


def _takings(day: date) -> dict[int, dict[str, Takings]]:
    rows = db.session.execute(
        select(Payment.cashier_id, Payment.method, func.count(), func.sum(Payment.received))
        .where(Payment.business_date == day, Payment.cashier_id.is_not(None), Payment.method.in_(METHODS))
        .group_by(Payment.cashier_id, Payment.method)
    )
    found: dict[int, dict[str, Takings]] = {}
    for cashier, method, count, received in rows:
        assert cashier is not None
        found.setdefault(cashier, {})[method] = Takings(count, received)
    return found


def _closes(day: date) -> list[Any]:
    logged = (AuditEntry.entity == "day_close") & (AuditEntry.entity_id == DayClose.id)
    query = (
        select(DayClose, AuditEntry.by_name, AuditEntry.changes)
        .outerjoin(AuditEntry, logged & (AuditEntry.action == "closed"))
        .where(DayClose.business_date == day)
    )
    return list(db.session.execute(query))


def _drawer(cashier_id: int, name: str, taken: Mapping[str, Takings], row: Any) -> Drawer:
    close: DayClose | None = row.DayClose if row else None
    lines = []
    for method, word in METHODS.items():
        one = taken.get(method, Takings(0, ZERO))
        counted = Decimal(close.counted.get(method, "0.00")) if close else None
        expected = Decimal(close.expected.get(method, "0.00")) if close else one.received
        lines.append(Line(method, word, one.movements, expected, counted))
    note = (row.changes or {}).get("note", "") if row else ""
    return Drawer(cashier_id, name, lines, close.at if close else None, (row.by_name or "—") if row else "", note)


def unclosed_days(cashier_id: int, *, before: date) -> list[date]:
    """Earlier days on which the cashier's money moved and that nobody closed, the youngest first; at most seven."""
    query = (
        select(Payment.business_date)
        .outerjoin(
            DayClose,
            (DayClose.cashier_id == Payment.cashier_id) & (DayClose.business_date == Payment.business_date),
        )
        .where(
            Payment.cashier_id == cashier_id,
            Payment.business_date.between(before - LOOK_BACK, before - timedelta(days=1)),
            Payment.method.in_(METHODS),
            DayClose.id.is_(None),
        )
        .distinct()
        .order_by(Payment.business_date.desc())
        .limit(7)
    )
    return list(db.session.scalars(query))
