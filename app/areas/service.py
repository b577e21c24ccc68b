"""Making and changing areas and their books."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from app import audit
from app.areas.models import District, Route
from app.db import db


def ensure_routes(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Route ids by (区, 册); what does not exist yet is made, in the order given."""
    wanted = list(dict.fromkeys(names))
    districts = {d.name: d for d in db.session.scalars(select(District))}
    for district_name, _ in wanted:
        if district_name not in districts:
            districts[district_name] = District(name=district_name)
            db.session.add(districts[district_name])
    db.session.flush()
    name_of = {d.id: d.name for d in districts.values()}
    found = {(name_of[r.district_id], r.name): r for r in db.session.scalars(select(Route))}
    made = []
    for district_name, route_name in wanted:
        if (district_name, route_name) not in found:
            route = Route(district_id=districts[district_name].id, name=route_name)
            db.session.add(route)
            made.append(route)
            found[district_name, route_name] = route
    db.session.flush()
    for route in made:
        audit.record("created", "route", route.id, {"name": route.name})
    return {key: found[key].id for key in wanted}
