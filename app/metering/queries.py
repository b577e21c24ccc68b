"""Which meters serve whom now, for lists of customers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Row, Select, Subquery, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on

from app import clock
from app.areas.reach import only_reader, within_reach
from app.customers import queries as customers
from app.customers.models import Customer
from app.db import db
from app.metering.models import Meter, MeterBinding, Suspension, UseCategoryChange
from app.metering.rules import state_word
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
    mine = customers.seen(MeterBinding.customer_id)
    query = _open_with_meter(MeterBinding.customer_id).where(Meter.meter_no == meter_no, mine)
    found: int | None = db.session.scalar(query)
    return found


class Whereabouts(NamedTuple):
    """Where a meter is: bound (binding and 户号 set) or in store; `seen`: with somebody whom whoever looks may see."""

    meter_id: int
    state: str
    dial_modulus: Decimal
    binding_id: int | None
    customer_no: str | None
    seen: bool | None


def whereabouts(numbers: Sequence[str]) -> dict[str, Whereabouts]:
    """By 表号, of the meters that exist; one query however many."""
    if not numbers:
        return {}
    rows = db.session.execute(
        select(
            Meter.meter_no,
            Meter.id,
            Meter.state,
            Meter.dial_modulus,
            MeterBinding.id,
            Customer.customer_no,
            within_reach(Customer.route_id),
        )
        .outerjoin(MeterBinding, and_(MeterBinding.meter_id == Meter.id, MeterBinding.unbound_on.is_(None)))
        .outerjoin(Customer, Customer.id == MeterBinding.customer_id)
        .where(Meter.meter_no == func.any(list(numbers)))
    )
    return {row[0]: Whereabouts(*row[1:]) for row in rows}


def ids_by_no(numbers: Sequence[str]) -> dict[str, int]:
    """表号 → id of those that exist; one query however many."""
    rows = db.session.execute(select(Meter.meter_no, Meter.id).where(Meter.meter_no == func.any(list(numbers))))
    return {no: key for no, key in rows}


def _next_change(column: Any) -> Any:
    """Of the first 水表性质变更 of MeterBinding that is announced and not in force yet."""
    change = UseCategoryChange
    query = select(column).where(change.binding_id == MeterBinding.id, change.effective_from > clock.today())
    return query.order_by(change.effective_from, change.id).limit(1).correlate(MeterBinding).scalar_subquery()


def category_today() -> ColumnElement[Any]:
    """水表性质 of MeterBinding that is in force today: an announced change has not come yet."""
    key = func.coalesce(_next_change(UseCategoryChange.old_id), MeterBinding.use_category_id)
    return select(UseCategory.name).where(UseCategory.id == key).correlate(MeterBinding).scalar_subquery()


def changes_on() -> ColumnElement[Any]:
    """The day on which the announced 水表性质变更 of MeterBinding comes; NULL without one."""
    found: ColumnElement[Any] = _next_change(UseCategoryChange.effective_from)
    return found


class MetersOf(NamedTuple):
    """What a customer's tab 水表信息 shows. `active`: the account is not closed, so a meter may be bound."""

    customer_id: int
    active: bool
    bound: Sequence[Row[Any]]
    before: Sequence[Row[Any]]

    @staticmethod
    def state_of(row: Any) -> tuple[str, str]:
        """How a bound meter stands, in a word with its tone."""
        return state_word(row.state, bound=True)


def meters_of(customer_id: int) -> MetersOf:
    """Meters bound to the customer now and before; for `metering/_of_customer.html`, as its `meters`."""
    state = db.session.scalar(select(Customer.state).where(Customer.id == customer_id))
    rows = db.session.execute(
        select(
            MeterBinding.id,
            MeterBinding.meter_id,
            Meter.meter_no,
            Meter.bore,
            Meter.meter_type,
            Meter.state,
            category_today().label("category"),
            changes_on().label("changes_on"),
            UseCategory.name.label("category_then"),
            MeterBinding.bound_on,
            MeterBinding.start_reading,
            MeterBinding.unbound_on,
            MeterBinding.end_reading,
            MeterBinding.mix.is_not(None).label("mixed"),
        )
        .join(Meter, Meter.id == MeterBinding.meter_id)
        .join(UseCategory, UseCategory.id == MeterBinding.use_category_id)
        .where(MeterBinding.customer_id == customer_id)
        .order_by(MeterBinding.unbound_on.desc().nulls_first(), MeterBinding.id.desc())
    ).all()
    bound = [row for row in rows if row.unbound_on is None]
    return MetersOf(customer_id, state == "active", bound, [row for row in rows if row.unbound_on is not None])


def taken_off() -> Subquery:
    """meter_id and end_reading of meters when they were last taken off, once each; to be left-joined."""
    return (
        select(MeterBinding.meter_id, MeterBinding.end_reading)
        .where(MeterBinding.unbound_on.is_not(None))
        .ext(distinct_on(MeterBinding.meter_id))
        .order_by(MeterBinding.meter_id, MeterBinding.unbound_on.desc(), MeterBinding.id.desc())
        .subquery("taken_off")
    )


class FreeMeters(NamedTuple):
    """Meters that can be bound, the first few; `more`: there are others."""

    rows: Sequence[Row[Any]]
    more: bool


def free_meters(part: str, *, most: int = 8) -> FreeMeters:
    """Meters in use that nobody has and whose 表号 contains the part; one that is it stands first."""
    taken = select(MeterBinding.id).where(MeterBinding.meter_id == Meter.id, MeterBinding.unbound_on.is_(None))
    wanted, off = part.upper(), taken_off()
    shows = func.coalesce(off.c.end_reading, Meter.initial_reading)
    rows = db.session.execute(
        select(Meter.id, Meter.meter_no, Meter.bore, Meter.meter_type, shows.label("shows"))
        .outerjoin(off, off.c.meter_id == Meter.id)
        .where(Meter.state == "in_use", ~taken.exists(), Meter.meter_no.contains(wanted, autoescape=True))
        .order_by(Meter.meter_no != wanted, Meter.meter_no)
        .limit(most + 1)
    ).all()
    return FreeMeters(rows[:most], len(rows) > most)


def shows(meter_id: int) -> Decimal:
    """What a meter that nobody has shows, as far as is known; 0 for one that does not exist."""
    off = taken_off()
    query = select(func.coalesce(off.c.end_reading, Meter.initial_reading)).where(Meter.id == meter_id)
    found: Decimal | None = db.session.scalar(query.outerjoin(off, off.c.meter_id == Meter.id))
    return found or Decimal(0)


def meter(meter_id: int) -> Meter | None:
    """The meter of this id; for somebody who sees only his own books, where it is in one of them now."""
    query = select(Meter).where(Meter.id == meter_id)
    if only_reader() is not None:
        query = query.where(Meter.id.in_(_open(MeterBinding.meter_id).where(customers.seen(MeterBinding.customer_id))))
    return db.session.scalar(query)


def open_of_meter(meter_id: int) -> int | None:
    """The binding of whoever has the meter now."""
    found: int | None = db.session.scalar(_open(MeterBinding.id).where(MeterBinding.meter_id == meter_id))
    return found


def makers() -> list[str]:
    """厂家 that this plant has meters of."""
    query = select(Meter.maker).where(Meter.maker != "").distinct().order_by(Meter.maker)
    return list(db.session.scalars(query))


def open_suspension(meter_id: int) -> Suspension | None:
    """The 停表 that has no 恢复 yet."""
    query = select(Suspension).where(Suspension.meter_id == meter_id, Suspension.resumed_on.is_(None))
    return db.session.scalar(query)
