"""Which meters serve whom now, for lists of customers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.customers.models import Customer
from app.db import db
from app.metering.models import Meter, MeterBinding
from app.tariffs.models import UseCategory


def _open(*columns: Any) -> Select[Any]:
    return select(*columns).select_from(MeterBinding).where(MeterBinding.unbound_on.is_(None))


def _open_with_meter(*columns: Any) -> Select[Any]:
    return _open(*columns).join(Meter, Meter.id == MeterBinding.meter_id)


def meter_numbers() -> ColumnElement[Any]:
    """表号 of the meters bound to Customer now: '' for none, two as 'A、B'. Worked out row by row."""
    joined = func.string_agg(Meter.meter_no, aggregate_order_by(literal("、"), MeterBinding.id))
    query = _open_with_meter(joined).where(MeterBinding.customer_id == Customer.id)
    return func.coalesce(query.correlate(Customer).scalar_subquery(), "")


def use_category() -> ColumnElement[Any]:
    """水表性质 of Customer: its first meter's, or its own where it has none. Worked out row by row."""
    of_meter = (
        _open(MeterBinding.use_category_id)
        .where(MeterBinding.customer_id == Customer.id)
        .order_by(MeterBinding.id)
        .limit(1)
        .correlate(Customer)
        .scalar_subquery()
    )
    name = select(UseCategory.name).where(UseCategory.id == func.coalesce(of_meter, Customer.use_category_id))
    return name.correlate(Customer).scalar_subquery()


def is_stopped() -> ColumnElement[bool]:
    """Whether a meter of Customer stands stopped (停表). Worked out row by row."""
    query = _open_with_meter(MeterBinding.id).where(MeterBinding.customer_id == Customer.id, Meter.state == "stopped")
    return query.correlate(Customer).exists()


def stopped_customers() -> Subquery:
    """customer_id of those with a stopped meter, once each; to be left-joined where all customers are sorted out."""
    query = _open_with_meter(MeterBinding.customer_id).where(Meter.state == "stopped")
    return query.group_by(MeterBinding.customer_id).subquery("stopped")


def stopped_of_each() -> FromClause:
    """The same, looked up for each Customer: where few customers are looked at."""
    query = _open_with_meter(MeterBinding.customer_id).where(
        MeterBinding.customer_id == Customer.id, Meter.state == "stopped"
    )
    return query.limit(1).correlate(Customer).lateral("stopped")


def has_category(category_id: int) -> ColumnElement[bool]:
    """Whether Customer, by its meters or else by itself, is of this 水表性质."""
    by_meter = _open(MeterBinding.customer_id).where(MeterBinding.use_category_id == category_id)
    unbound = Customer.id.not_in(_open(MeterBinding.customer_id))
    return or_(Customer.id.in_(by_meter), and_(Customer.use_category_id == category_id, unbound))


def has_meter(text: str) -> ColumnElement[bool]:
    """Whether the 表号 of a meter of Customer contains the text."""
    query = _open_with_meter(MeterBinding.customer_id)
    return Customer.id.in_(query.where(Meter.meter_no.contains(text.upper(), autoescape=True)))


def bindings_with_meter(text: str) -> Select[Any]:
    """Bindings, also of the past, whose 表号 contains the text."""
    query = select(MeterBinding.id).join(Meter, Meter.id == MeterBinding.meter_id)
    return query.where(Meter.meter_no.contains(text.upper(), autoescape=True))


def customer_of_meter(meter_no: str) -> int | None:
    """Whom the meter of this 表号 serves now."""
    query = _open_with_meter(MeterBinding.customer_id).where(Meter.meter_no == meter_no)
    found: int | None = db.session.scalar(query)
    return found


class Whereabouts(NamedTuple):
    """Where a meter is: bound (binding and 户号 set) or in store."""

    meter_id: int
    state: str
    dial_modulus: Decimal
    binding_id: int | None
    customer_no: str | None


def whereabouts(numbers: Sequence[str]) -> dict[str, Whereabouts]:
    """By 表号, of the meters that exist; one query however many."""
    if not numbers:
        return {}
    rows = db.session.execute(
        select(Meter.meter_no, Meter.id, Meter.state, Meter.dial_modulus, MeterBinding.id, Customer.customer_no)
        .outerjoin(MeterBinding, and_(MeterBinding.meter_id == Meter.id, MeterBinding.unbound_on.is_(None)))
        .outerjoin(Customer, Customer.id == MeterBinding.customer_id)
        .where(Meter.meter_no == func.any(list(numbers)))
    )
    return {row[0]: Whereabouts(*row[1:]) for row in rows}


def ids_by_no(numbers: Sequence[str]) -> dict[str, int]:
    """表号 → id of those that exist; one query however many."""
    rows = db.session.execute(select(Meter.meter_no, Meter.id).where(Meter.meter_no == func.any(list(numbers))))
    return {no: key for no, key in rows}
