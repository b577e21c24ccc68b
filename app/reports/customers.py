"""用户统计: who uses water, how they stand, and what they used and owe; by 区册 and by 水表性质."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from app.areas.models import District, Route
from app.areas.queries import route_name
from app.areas.reach import within_reach
from app.billing import queries as billing
from app.billing.models import Bill, OpenItem
from app.customers.models import Customer
from app.db import db
from app.metering import queries as metering
from app.metering.models import MeterBinding
from app.reports import fresh
from app.reports.models import CustomerYear
from app.tariffs.models import UseCategory

ZERO = Decimal(0)


class Joined(NamedTuple):
    """Customers with all that the report says of them, to be narrowed and summed."""

    source: Select[Any]
    used: FromClause  # volume, due
    owed: FromClause  # unpaid, and of_span: of the span's bills
    stopped: FromClause  # customer_id


def joined(since: str, until: str) -> Joined:
    """Use and money are those of the bills of the periods `since` … `until` (both included)."""
    used, owed, stopped = _billed(since, until), _owed(since, until), metering.stopped_customers()
    source = (
        select(Customer.id)
        .outerjoin(Route, Route.id == Customer.route_id)  # there is one; sums that do not name it need not look
        .outerjoin(District, District.id == Route.district_id)
        .outerjoin(used, used.c.customer_id == Customer.id)
        .outerjoin(owed, owed.c.customer_id == Customer.id)
        .outerjoin(stopped, stopped.c.customer_id == Customer.id)
        .where(within_reach(Customer.route_id))
    )
    return Joined(source, used, owed, stopped)


def _billed(since: str, until: str) -> Subquery:
    """m³ and yuan billed, by customer; corrections are in. A whole year's are summed at night, then what came after."""
    year = since[:4]
    if (since, until) != (f"{year}-01", f"{year}-12"):
        bills = select(Bill.customer_id, Bill.volume, Bill.amount).where(Bill.period.between(since, until)).subquery()
    else:
        later = select(Bill.customer_id, Bill.volume, Bill.amount).where(
            Bill.id > _counted(), Bill.period.between(since, until)
        )
        cached = select(CustomerYear.customer_id, CustomerYear.volume, CustomerYear.amount)
        bills = union_all(cached.where(CustomerYear.year == year), later).subquery()
    sums = (func.sum(bills.c.volume).label("volume"), func.sum(bills.c.amount).label("due"))
    return select(bills.c.customer_id, *sums).group_by(bills.c.customer_id).subquery("used")


def _counted() -> BindParameter[int]:
    """The last bill of the night's sums, asked for when the statement runs."""
    return bindparam("counted", callable_=lambda: fresh.marks()["bill"], type_=BigInteger)


def _owed(since: str, until: str) -> Subquery:
    """Yuan that each customer owes, and how much of it for the span's bills."""
    of_span = func.sum(OpenItem.unpaid).filter(OpenItem.period.between(since, until))
    return (
        select(OpenItem.customer_id, func.sum(OpenItem.unpaid).label("unpaid"), of_span.label("of_span"))
        .group_by(OpenItem.customer_id)
        .subquery("owed")
    )


def paid(of: Joined) -> ColumnElement[Any]:
    """Yuan that has come off the span's bills."""
    return of.used.c.due - func.coalesce(of.owed.c.of_span, 0)


def of_each(since: str, until: str) -> dict[str, ColumnElement[Any]]:
    """volume, due, paid and arrears of Customer, and its state: worked out row by row, for the rows of a page."""
    mine = and_(Bill.customer_id == Customer.id, Bill.period.between(since, until))
    bills = select(func.coalesce(func.sum(Bill.volume), 0)).where(mine).correlate(Customer)
    due = select(func.coalesce(func.sum(Bill.amount), 0)).where(mine).correlate(Customer).scalar_subquery()
    unpaid = select(func.sum(OpenItem.unpaid)).where(
        OpenItem.customer_id == Customer.id, OpenItem.period.between(since, until)
    )
    return {
        "volume": bills.scalar_subquery(),
        "due": due,
        "paid": due - func.coalesce(unpaid.correlate(Customer).scalar_subquery(), 0),
        "arrears": billing.unpaid_of(Customer.id),
        "state": case((Customer.state == "closed", "closed"), (metering.is_stopped(), "stopped"), else_="normal"),
    }


def state_of(stopped: FromClause) -> ColumnElement[str]:
    """normal, stopped or closed; whether somebody owes does not matter here."""
    return case((Customer.state == "closed", "closed"), (stopped.c.customer_id.is_not(None), "stopped"), else_="normal")


class Group(NamedTuple):
    """Households by state, m³ and yuan of one book, of one 水表性质, or of all."""

    name: str
    customers: int = 0
    normal: int = 0
    stopped: int = 0
    closed: int = 0
    volume: Decimal = ZERO
    due: Decimal = ZERO
    paid: Decimal = ZERO
    arrears: Decimal = ZERO


def _measures(of: Joined) -> tuple[ColumnElement[Any], ...]:
    state, used = state_of(of.stopped), of.used.c

    def summed(value: Any) -> ColumnElement[Any]:
        return func.coalesce(func.sum(value), 0)

    counts = (func.count().filter(state == word) for word in ("normal", "stopped", "closed"))
    return (
        func.count(),
        *counts,
        summed(used.volume),
        summed(used.due),
        summed(paid(of)),
        summed(of.owed.c.unpaid),
    )


def _own_category() -> Subquery:
    """customer_id → 水表性质 of its first meter."""
    return (
        select(MeterBinding.customer_id, MeterBinding.use_category_id)
        .where(MeterBinding.unbound_on.is_(None))
        .ext(distinct_on(MeterBinding.customer_id))
        .order_by(MeterBinding.customer_id, MeterBinding.id)
        .subquery("own")
    )


def grouped(of: Joined, narrowed: Select[Any]) -> dict[str, list[Group]]:
    """'route': by book in their order; 'category': by 水表性质; 'all': one group. `narrowed`: the source with its filter.

    Where the cache may be built meanwhile, to be called `at_one_moment`.
    """
    fresh.marks()
    own = _own_category()
    category = func.coalesce(own.c.use_category_id, Customer.use_category_id)
    query = (
        narrowed.outerjoin(own, own.c.customer_id == Customer.id)
        .with_only_columns(func.grouping(Customer.route_id), Customer.route_id, category, *_measures(of))
        .group_by(func.grouping_sets(Customer.route_id, category))
    )
    rows = db.session.execute(query).all()
    routes, categories = _named(_routes(), rows, 1, 0), _named(_categories(), rows, 2, 1)
    return {"route": routes, "category": categories, "all": [_total(routes)]}


def _named(names: Sequence[tuple[int, str]], rows: Sequence[Any], column: int, mark: int) -> list[Group]:
    found = {row[column]: row[3:] for row in rows if row[0] == mark}
    return [Group(name, *found[key]) for key, name in names if key in found]


def _total(groups: Sequence[Group]) -> Group:
    sums = (sum(values) for values in zip(*(group[1:] for group in groups), strict=True))
    return Group._make(("合计", *sums)) if groups else Group("合计")


def _routes() -> list[tuple[int, str]]:
    query = select(Route.id, route_name()).join(District, District.id == Route.district_id)
    return [(key, name) for key, name in db.session.execute(query.order_by(District.id, Route.id))]


def _categories() -> list[tuple[int, str]]:
    rows = db.session.execute(select(UseCategory.id, UseCategory.name).order_by(UseCategory.id))
    return [(key, name) for key, name in rows]


__all__ = ["Group", "Joined", "grouped", "joined", "of_each", "paid", "state_of"]
