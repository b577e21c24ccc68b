"""What the list of plants shows: counted, searched and paged by the database, however many plants there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_, select

from tenants import migrate
from tenants.models import Plant, PlantJob
from tenants.session import platform

SIZE = 20  # plants a page
STATES = {"active": ("正常", "paid"), "suspended": ("已停用", "wait"), "archived": ("已归档", "plain")}
TABS = {"": "全部", "active": "正常", "suspended": "已停用", "archived": "已归档", "behind": "待升级"}


class Row(NamedTuple):
    """A plant, its last night, how many steps failed, and how many revisions its tables are behind."""

    plant: Plant
    night: date | None
    failed: int
    behind: int


def matching(query: Any, words: str) -> Any:
    """The plants whose name, county or address holds the words."""
    columns = (Plant.name, Plant.county, Plant.slug, Plant.domain)
    return query.where(or_(*(one.icontains(words, autoescape=True) for one in columns))) if words else query


def counts(words: str) -> Mapping[str, int]:
    """How many plants of the search each tab has."""
    each = select(Plant.state, Plant.revision, func.count())
    query = matching(each, words).group_by(Plant.state, Plant.revision)
    found = dict.fromkeys(TABS, 0)
    with platform() as session:
        for state, revision, count in session.execute(query):
            found[""] += count
            found[state] += count
            found["behind"] += count if migrate.behind("tenant", revision) else 0
    return found


def rows(words: str, *, tab: str, page: int) -> Sequence[Row]:
    """One page, by county and name."""
    # Two look-ups in an index per plant shown: the jobs of all nights are millions.
    last = select(func.max(PlantJob.business_date)).where(PlantJob.plant_id == Plant.id)
    undone = and_(PlantJob.plant_id == Plant.id, PlantJob.state != "done", PlantJob.state == "failed")
    bad = select(func.count()).select_from(PlantJob).where(undone)
    query = matching(select(Plant, last.scalar_subquery(), bad.scalar_subquery()), words)
    with platform() as session:
        if tab == "behind":
            known = session.scalars(select(Plant.revision).distinct())
            query = query.where(Plant.revision.in_([r for r in known if migrate.behind("tenant", r)]))
        elif tab:
            query = query.where(Plant.state == tab)
        query = query.order_by(Plant.county, Plant.name, Plant.id).limit(SIZE).offset((page - 1) * SIZE)
        found = session.execute(query).all()
    return [Row(plant, night, failed, migrate.behind("tenant", plant.revision)) for plant, night, failed in found]


def row(plant_id: int) -> Row | None:
    """One plant of the list."""
    with platform() as session:
        plant = session.get(Plant, plant_id)
        if plant is None:
            return None
        mine = PlantJob.plant_id == plant_id
        night = session.scalar(select(func.max(PlantJob.business_date)).where(mine))
        failed = session.scalar(select(func.count()).where(mine, PlantJob.state != "done", PlantJob.state == "failed"))
    return Row(plant, night, failed or 0, migrate.behind("tenant", plant.revision))
