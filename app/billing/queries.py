"""What customers owe, for lists."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, exists, func, select, text

from app.audit import AuditEntry
from app.billing.models import BillingRun, OpenItem
from app.db import db


def unpaid_of(customer_id: Any) -> ColumnElement[Any]:
    """Yuan (without late fee) that the customer of this column owes; 0 for none. Worked out row by row."""
    query = select(func.sum(OpenItem.unpaid)).where(OpenItem.customer_id == customer_id)
    return func.coalesce(query.scalar_subquery(), 0)


def arrears_of_each(customer_id: Any) -> FromClause:
    """`unpaid` of the customer of this column, NULL for none: to be left-joined where few customers are looked at."""
    query = select(func.sum(OpenItem.unpaid).label("unpaid")).where(
        OpenItem.customer_id == customer_id, OpenItem.unpaid > 0
    )
    return query.lateral("arrears")


def is_undone(run_id: Any) -> ColumnElement[bool]:
    """Whether the run of this column was taken back whole (撤销开账)."""
    query = select(AuditEntry.id).where(
        AuditEntry.entity == "billing_run", AuditEntry.entity_id == run_id, AuditEntry.action == "reversed"
    )
    return query.exists()


class Issued(NamedTuple):
    """Bills and yuan."""

    bills: int
    amount: Decimal


def issued_at_night(period: str, night: date) -> Issued:
    """What the night of a business date has billed of a period, by the books."""
    query = select(func.coalesce(func.sum(BillingRun.bills), 0), func.coalesce(func.sum(BillingRun.amount), 0))
    mine = query.where(BillingRun.period == period, BillingRun.issued_on == night)
    return Issued(*db.session.execute(mine.where(BillingRun.kind == "regular", BillingRun.by_id.is_(None))).one())


def months() -> list[tuple[str, int, Decimal, Decimal, Decimal]]:
    """By period: bills that stand, m³, yuan billed, and yuan of it unpaid now."""
    rows = db.session.execute(
        text("""
            SELECT r.period, sum(CASE r.kind WHEN 'reversal' THEN -r.bills ELSE r.bills END), sum(r.volume),
                   sum(r.amount), coalesce(min(o.unpaid), 0.00)
            FROM billing_run r
            LEFT JOIN (SELECT period, sum(unpaid) AS unpaid FROM open_item GROUP BY period) o ON o.period = r.period
            GROUP BY r.period ORDER BY r.period
        """)
    )
    return [tuple(row) for row in rows]


class MonthState(NamedTuple):
    """How far a month is: readings that may be billed, wait for a decision, were not taken; bills that stand; yuan."""

    accepted: int
    held: int
    unread: int
    bills: int
    amount: Decimal


def month_state(period: str) -> MonthState:
    """The month's readings and bills, counted."""
    row = db.session.execute(
        text("""
            SELECT count(*) FILTER (WHERE review = 'accepted' AND kind <> 'unread'),
                   count(*) FILTER (WHERE review <> 'accepted'),
                   count(*) FILTER (WHERE review = 'accepted' AND kind = 'unread'),
                   (SELECT coalesce(sum(CASE kind WHEN 'reversal' THEN -bills ELSE bills END), 0) FROM billing_run
                    WHERE period = :period AND kind IN ('regular', 'closing', 'reversal')),
                   (SELECT coalesce(sum(amount), 0) FROM billing_run WHERE period = :period)
            FROM reading WHERE period = :period
        """),
        {"period": period},
    ).one()
    return MonthState(*row)


def is_owing(customer_id: Any) -> ColumnElement[bool]:
    """Whether the customer of this column owes anything: to sort out rows by."""
    return exists().where(OpenItem.customer_id == customer_id, OpenItem.unpaid > 0)
