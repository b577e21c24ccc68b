"""What a customer owes and has paid."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from flask import has_request_context
from flask_login import current_user
from sqlalchemy import (
    ColumnElement,
    Date,
    Numeric,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from app.billing.models import Bill, OpenItem
from app.customers import queries as customers
from app.db import db
from app.payments.models import Payment, Settlement
from app.payments.rules import Owed
from app.permissions import ROLES, Permission, allowed, can
from app.staff.models import StaffUser


def _number(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(value, Numeric)


@lru_cache(maxsize=64)
def accrued(on: date) -> ColumnElement[Any]:
    """The late fee of an open item (joined with its bill) up to and with the day, in yuan, unrounded.

    base × daily rate for each day after the due day, on what was unpaid that day; at most cap × the bill's
    amount less what has been settled of it before; at least the rule's minimum once it is late. See the tariff
    file's `late_fee` (kept in the bill's document).
    """
    rule = Bill.document["late_fee"]
    day = cast(literal(on), Date)
    start = func.greatest(func.coalesce(OpenItem.accrued_to, OpenItem.due_on), OpenItem.due_on)
    days = func.greatest(day - start, 0)
    charged = and_(rule["base"].astext == "charged", OpenItem.unpaid > 0)  # nothing grows on what is paid
    base = case((charged, Bill.amount), else_=OpenItem.unpaid)
    grown = OpenItem.late_fee + base * _number(rule["daily_rate"].astext) * days
    paid = (
        select(func.coalesce(func.sum(Settlement.late_fee), 0))
        .where(Settlement.bill_id == OpenItem.bill_id)
        .scalar_subquery()
    )
    lowest = func.coalesce(_number(rule["minimum"].astext), 0) - paid
    capped = func.least(
        func.greatest(grown, lowest),
        func.coalesce(_number(rule["cap"].astext) * Bill.amount - paid, literal(10**9)),
    )
    # On a day that is accrued already nothing is added: a bill reopened today (冲红) is late from tomorrow on. This is
    # asked first: after the night it is so of every bill, and no document has to be opened.
    return case((or_(days == 0, rule.is_(None)), OpenItem.late_fee), else_=func.greatest(capped, 0))


def open_items(customer_id: int, *, on: date) -> list[Owed]:
    """The customer's open bills, oldest first, with late fees as of the day rounded half-up to 0.01 yuan."""
    query = (
        select(
            OpenItem.bill_id,
            OpenItem.period,
            OpenItem.due_on,
            OpenItem.unpaid,
            cast(func.round(accrued(on), 2), Numeric(14, 2)),
        )
        .join(Bill, Bill.id == OpenItem.bill_id)
        .where(OpenItem.customer_id == customer_id)
        .order_by(OpenItem.period, OpenItem.bill_id)
    )
    return [Owed(*row) for row in db.session.execute(query)]


def arrears_by_customer() -> Subquery:
    """customer_id, unpaid (yuan, without late fee), bills — of those who owe."""
    return (
        select(
            OpenItem.customer_id,
            func.sum(OpenItem.unpaid).label("unpaid"),
            func.count().label("bills"),
        )
        .where(OpenItem.unpaid > 0)
        .group_by(OpenItem.customer_id)
        .subquery("arrears")
    )


def late_fee_of(customer_id: Any, *, on: date) -> ColumnElement[Any]:
    """Yuan of late fee that the customer of this column owes as of the day; 0 for none. Worked out row by row."""
    query = (
        select(func.sum(func.round(accrued(on), 2)))
        .select_from(OpenItem)
        .join(Bill, Bill.id == OpenItem.bill_id)
        .where(OpenItem.customer_id == customer_id)
    )
    return func.coalesce(query.scalar_subquery(), 0)


class Owing(NamedTuple):
    """What an account owes: yuan without late fee, bills, months, the oldest period, the oldest bill's day."""

    unpaid: Any
    bills: Any
    months: Any
    oldest: Any
    due_on: Any


_OWING = Owing(
    func.sum(OpenItem.unpaid),
    func.count(),
    func.count(OpenItem.period.distinct()),
    func.min(OpenItem.period),
    func.min(OpenItem.due_on),
)


def has_open_bill(customer_id: Any) -> ColumnElement[bool]:
    """Whether the customer of this column owes anything, be it only a late fee: to sort out rows by."""
    return exists().where(OpenItem.customer_id == customer_id)


def owing_of(customer_id: Any) -> Owing:
    """Of the customer of this column. Each worked out row by row."""
    mine = (select(one).where(OpenItem.customer_id == customer_id) for one in _OWING)
    return Owing(*(one.scalar_subquery() for one in mine))


def owing_customers() -> Subquery:
    """customer_id and what `Owing` names, of those who owe: gathered at once."""
    named = (one.label(name) for name, one in zip(Owing._fields, _OWING, strict=True))
    return select(OpenItem.customer_id, *named).group_by(OpenItem.customer_id).subquery("owing")


def late_fees_by_customer(*, on: date) -> Subquery:
    """customer_id, late_fee (yuan as of the day) of those who owe."""
    return (
        select(OpenItem.customer_id, func.sum(func.round(accrued(on), 2)).label("late_fee"))
        .join(Bill, Bill.id == OpenItem.bill_id)
        .group_by(OpenItem.customer_id)
        .subquery("late_fees")
    )


class Deducted(NamedTuple):
    """自动扣费: accounts that paid from their prepayment, and the yuan they paid."""

    customers: int
    amount: Decimal


def deducted_on(day: date) -> Deducted:
    """自动扣费 of a day, by the books."""
    taken = func.coalesce(func.sum(Payment.settled + Payment.late_fee), 0)
    query = select(func.count(), taken).where(Payment.business_date == day, Payment.kind == "auto_deduct")
    return Deducted(*db.session.execute(query).one())


def only_cashier() -> int | None:
    """Whoever looks, where only his own takings are to be seen; None: everybody's are. Workers and commands see all."""
    if not has_request_context() or not current_user.is_authenticated or can(Permission.VIEW_ALL_TAKINGS):
        return None
    found: int = current_user.id
    return found


def seen() -> ColumnElement[bool]:
    """Whether Payment is one that whoever looks may see in lists and sums: taken by himself, or by anybody."""
    cashier = only_cashier()
    mine = true() if cashier is None else Payment.cashier_id == cashier
    return and_(mine, customers.seen(Payment.customer_id))


def payment(payment_id: int) -> Payment | None:
    """The movement of this id, if whoever looks may see it; of his own also what has taken it back."""
    cashier, original = only_cashier(), aliased(Payment)
    query = select(Payment).where(Payment.id == payment_id, customers.seen(Payment.customer_id))
    if cashier is not None:
        taken_back = select(original.id).where(original.cashier_id == cashier, original.id == Payment.reverses_id)
        query = query.where(or_(Payment.cashier_id == cashier, taken_back.correlate(Payment).exists()))
    return db.session.scalar(query)


def people_who_may(permission: Permission) -> list[tuple[str, str]]:
    """(id, name) of those who work here with this permission, for a select."""
    roles = [role for role in ROLES if allowed(role, permission)]
    query = select(StaffUser.id, StaffUser.name).where(StaffUser.role.in_(roles), StaffUser.active)
    return [(str(key), name) for key, name in db.session.execute(query.order_by(StaffUser.id))]


def cashier_options() -> list[tuple[str, str]]:
    """(id, name) of those who may have a drawer of money: who charge, and who give back."""
    return people_who_may(Permission.VIEW_BILLS)
