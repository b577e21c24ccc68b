"""Areas and their books, as they are called."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Subquery, case, column, func, or_, select, text

from app.areas.models import District, Route
from app.areas.reach import within_reach
from app.db import db
from app.staff.models import StaffUser


def route_name() -> ColumnElement[Any]:
    """'东街一册': the 册 with its 区 before it, once. For statements that join Route and District."""
    return case((Route.name.startswith(District.name), Route.name), else_=District.name + Route.name)


def route_options() -> list[tuple[str, str]]:
    """(id, name) of every book that whoever looks may see, by area, for a select."""
    return [(str(key), name) for key, name in db.session.execute(_named(within_reach(Route.id)))]


def route_names() -> dict[str, str]:
    """What every book of the plant is called, by its id in words."""
    return {str(key): name for key, name in db.session.execute(_named())}


def district_options() -> list[tuple[str, str]]:
    """(id, name) of every 区, for a select."""
    rows = db.session.execute(select(District.id, District.name).order_by(District.id))
    return [(str(key), name) for key, name in rows]


def matches(text: str) -> ColumnElement[bool]:
    """区册 or its 抄表员 contains the text. For statements that join Route, District and StaffUser."""
    return or_(route_name().contains(text, autoescape=True), StaffUser.name.contains(text, autoescape=True))


def _named(*conditions: ColumnElement[bool]) -> Select[Any]:
    query = select(Route.id, route_name()).join(District, District.id == Route.district_id)
    return query.where(*conditions).order_by(District.id, Route.id)


def books_of(reader_id: int) -> list[str]:
    """What the 册 are called that somebody reads."""
    return [name for _, name in db.session.execute(_named(Route.reader_id == reader_id))]


def neighbours(route: Route) -> list[str]:
    """Other 册 of the same 区."""
    return [
        name for _, name in db.session.execute(_named(Route.district_id == route.district_id, Route.id != route.id))
    ]


class Book(NamedTuple):
    """A 册 in the 抄表范围: its households, and who reads it."""

    id: int
    name: str
    customers: int
    reader_id: int | None


class Hanging(NamedTuple):
    """What a 册 holds: customers, those among them that are closed, readings and bills."""

    customers: int
    closed: int
    records: int


# Customers, readings and bills come after areas: SQL, no import.
_HANGING = text("""
    SELECT (SELECT count(*) FROM customer WHERE route_id = :id),
           (SELECT count(*) FROM customer WHERE route_id = :id AND state = 'closed'),
           (SELECT count(*) FROM reading WHERE route_id = :id) + (SELECT count(*) FROM bill WHERE route_id = :id)
""")
_CUSTOMERS = text("SELECT route_id, count(*) FROM customer WHERE state = 'active' GROUP BY route_id").columns(
    column("route_id"), column("count")
)


def hanging(route_id: int) -> Hanging:
    """What would be lost with the 册."""
    return Hanging(*db.session.execute(_HANGING, {"id": route_id}).one())


def households() -> Subquery:
    """(route_id, count): customers with an open account, by 册."""
    return _CUSTOMERS.subquery("households")


def scope(reader_id: int) -> list[Book]:
    """The 册 of a reader and those that nobody reads."""
    counted = households()
    query = (
        select(Route.id, route_name(), func.coalesce(counted.c.count, 0), Route.reader_id)
        .join(District, District.id == Route.district_id)
        .outerjoin(counted, counted.c.route_id == Route.id)
        .where(or_(Route.reader_id == reader_id, Route.reader_id.is_(None)))
        .order_by(District.id, Route.id)
    )
    return [Book(*row) for row in db.session.execute(query)]
