"""What the counter shows: who it is, what is owed and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Numeric, Select, cast, func, or_, select

from app.areas.models import District, Route
from app.areas.queries import route_name
from app.areas.reach import within_reach
from app.billing.explain import Explanation, explain
from app.billing.models import Bill, OpenItem
from app.billing.queries import unpaid_of
from app.customers.models import Customer
from app.customers.queries import matches
from app.db import db
from app.metering import queries as metering
from app.payments.queries import accrued

SHOWN = 8  # accounts offered where several fit


class Account(NamedTuple):
    """A customer as the cashier needs to know him. `unpaid`: yuan without late fees."""

    id: int
    customer_no: str
    holder: str
    phone: str
    address: str
    place: str
    route_seq: int
    meters: str
    category: str
    credit_balance: Decimal
    auto_deduct: bool
    state: str
    unpaid: Decimal


class OpenBill(NamedTuple):
    """An open bill: `amount` as billed, `unpaid` of it and `late_fee` as of the day; all yuan."""

    bill_id: int
    period: str
    due_on: date
    start_reading: Decimal | None
    end_reading: Decimal | None
    volume: Decimal
    amount: Decimal
    unpaid: Decimal
    late_fee: Decimal
    document: dict[str, Any]

    @property
    def due(self) -> Decimal:
        """Yuan that settle it today."""
        return self.unpaid + self.late_fee

    @property
    def why(self) -> Explanation:
        """Its amount in words."""
        return explain(self.document)

    @property
    def daily_rate(self) -> str:
        """'0.05%' a day, of its late fee."""
        rate = Decimal(self.document["late_fee"]["daily_rate"]) * 100
        return f"{rate.normalize():f}%"


def _accounts() -> Select[Any]:
    return (
        select(
            Customer.id,
            Customer.customer_no,
            Customer.holder,
            Customer.phone,
            Customer.address,
            func.coalesce(route_name(), "").label("place"),
            Customer.route_seq,
            metering.meter_numbers().label("meters"),
            metering.use_category().label("category"),
            Customer.credit_balance,
            Customer.auto_deduct,
            Customer.state,
            cast(unpaid_of(Customer.id), Numeric(14, 2)).label("unpaid"),
        )
        .outerjoin(Route, Route.id == Customer.route_id)
        .outerjoin(District, District.id == Route.district_id)
        .where(within_reach(Customer.route_id))
    )


def account(customer_id: int) -> Account | None:
    """The account of this id."""
    row = db.session.execute(_accounts().where(Customer.id == customer_id)).first()
    return Account(*row) if row else None


def accounts(customer_ids: Sequence[int]) -> list[Account]:
    """The accounts of these ids, in the order of the books."""
    rows = _accounts().where(Customer.id.in_(customer_ids)).order_by(Customer.route_id, Customer.route_seq, Customer.id)
    return [Account(*row) for row in db.session.execute(rows)]


def find_accounts(text: str) -> list[Account]:
    """Who is meant: the one with exactly this 户号 or 表号, else up to SHOWN + 1 that fit; open accounts first."""
    number = metering.customer_of_meter(text.upper())
    exact = or_(Customer.customer_no == text, Customer.id == number) if number else Customer.customer_no == text
    found = db.session.execute(_accounts().where(exact).order_by(Customer.customer_no != text).limit(1)).all()
    return [Account(*row) for row in found or db.session.execute(_similar(text))]


def _similar(text: str) -> Select[Any]:
    fits: ColumnElement[bool] = matches(text)
    if text.isascii():
        fits = or_(fits, metering.has_meter(text))
    same_name = Customer.holder == text
    return _accounts().where(fits).order_by(Customer.state, ~same_name, Customer.customer_no).limit(SHOWN + 1)


def open_bills(customer_id: int, *, on: date) -> list[OpenBill]:
    """The account's open bills, oldest first, with late fees as of the day rounded half-up to 0.01 yuan."""
    return open_bills_of([customer_id], on=on).get(customer_id, [])


def open_bills_of(customer_ids: Sequence[int], *, on: date) -> dict[int, list[OpenBill]]:
    """The same of several accounts, by customer id; those without are left out."""
    query = (
        select(
            OpenItem.customer_id,
            Bill.id,
            Bill.period,
            OpenItem.due_on,
            Bill.start_reading,
            Bill.end_reading,
            Bill.volume,
            Bill.amount,
            OpenItem.unpaid,
            cast(func.round(accrued(on), 2), Numeric(14, 2)),
            Bill.document,
        )
        .join(OpenItem, OpenItem.bill_id == Bill.id)
        .where(OpenItem.customer_id.in_(customer_ids))
        .order_by(Bill.period, Bill.id)
    )
    found: dict[int, list[OpenBill]] = {}
    for customer_id, *row in db.session.execute(query):
        found.setdefault(customer_id, []).append(OpenBill(*row))
    return found
