"""Areas and their books, as they are called."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, select

from app.areas.models import District, Route
from app.db import db


def route_name() -> ColumnElement[Any]:
    """'东街一册': the 册 with its 区 before it, once. For statements that join Route and District."""
    return case((Route.name.startswith(District.name), Route.name), else_=District.name + Route.name)


def route_options() -> list[tuple[str, str]]:
    """(id, name) of every book, by area, for a select."""
    query = (
        select(Route.id, route_name()).join(District, District.id == Route.district_id).order_by(District.id, Route.id)
    )
    return [(str(key), name) for key, name in db.session.execute(query)]
