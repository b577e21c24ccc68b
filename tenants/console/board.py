"""What the operator's board of a night shows: counted and paged by the database, however many plants there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Numeric, Select, and_, case, cast, distinct, func, or_, select

from tenants.models import Plant, PlantJob
from tenants.night_log import STATES, Night, night_of
from tenants.session import platform

SIZE = 20  # plants a page


class Days(NamedTuple):
    """Nights that can be looked at: the day shown, its neighbours, the first and the last of all."""

    day: date
    before: date | None
    after: date | None
    first: date
    last: date


class Total(NamedTuple):
    """The whole night: steps, and what was billed and deducted by the plants that are that far (yuan)."""

    steps: int
    done: int
    bills: int
    amount: Decimal
    deducted: Decimal
    started: datetime | None
    finished: datetime | None


class Row(NamedTuple):
    """A plant's night; `behind`: its earliest night that failed before this one, which has to be mended first."""

    plant: Plant
    night: Night
    behind: date | None


class Other(NamedTuple):
    """Another night that is not done."""

    day: date
    plants: int
    failed: int


def days(asked: date | None) -> Days | None:
    """The night asked for, else the youngest there is; None where nothing has ever run."""
    job = PlantJob.business_date
    with platform() as session:
        last = session.scalar(select(func.max(job)))
        if last is None:
            return None
        day = asked or last
        before = select(func.max(job)).where(job < day).scalar_subquery()
        after = select(func.min(job)).where(job > day).scalar_subquery()
        around = session.execute(select(before, after, select(func.min(job)).scalar_subquery())).one()
        return Days(day, *around, last)


def _works() -> Any:
    """A plant that was suspended has nothing to wait for; what it has done stays told."""
    return or_(Plant.state == "active", PlantJob.state == "done")


# A plant's night, as Night.state says it.
_STATE: Any = case(
    (func.bool_and(PlantJob.state == "done"), "done"),
    (func.bool_or(PlantJob.state == "failed"), "failed"),
    (func.bool_or(PlantJob.state == "running"), "running"),
    else_="queued",
)


def _nights(what: Select[Any], day: date, words: str = "") -> Select[Any]:
    """`what` of each plant of the search that has a night of that day; joined once, so that no estimate goes astray."""
    query = (
        what.select_from(Plant)
        .join(PlantJob, PlantJob.plant_id == Plant.id)
        .where(PlantJob.business_date == day, _works())
        .group_by(Plant.id)
    )
    if words:
        query = query.where(
            or_(*(column.icontains(words, autoescape=True) for column in (Plant.name, Plant.county, Plant.slug)))
        )
    return query


def total(day: date) -> Total:
    """Sums of the whole night."""
    done = PlantJob.state == "done"

    def number(kind: str, name: str, type_: Any) -> Any:
        value = cast(PlantJob.result[name].astext, type_)
        return func.coalesce(func.sum(value).filter(and_(done, PlantJob.kind == kind)), 0)

    query = (
        select(
            func.count(),
            func.count().filter(done),
            number("bills", "bills", BigInteger),
            number("bills", "amount", Numeric),
            number("auto_deduct", "amount", Numeric),
            func.min(PlantJob.started_at),
            func.max(PlantJob.finished_at),
        )
        .join(Plant, Plant.id == PlantJob.plant_id)
        .where(PlantJob.business_date == day, _works())
    )
    with platform() as session:
        return Total(*session.execute(query).one())


def counts(day: date, words: str = "") -> Mapping[str, int]:
    """How many plants of the search are in each state."""
    found = _nights(select(_STATE.label("state")), day, words).subquery("nights")
    with platform() as session:
        seen: dict[str, int] = dict(session.execute(select(found.c.state, func.count()).group_by(found.c.state)).all())
    return {state: seen.get(state, 0) for state in STATES}


def rows(day: date, *, words: str, state: str, page: int) -> list[Row]:
    """One page of plants: what failed first, then what runs, what waits, what is done."""
    order = case({one: rank for rank, one in enumerate(STATES)}, value=_STATE)
    query = _nights(select(Plant), day, words)
    if state:
        query = query.having(state == _STATE)
    with platform() as session:
        plants = session.scalars(query.order_by(order, Plant.slug).limit(SIZE).offset((page - 1) * SIZE)).all()
        ids = [plant.id for plant in plants]
        jobs = session.scalars(
            select(PlantJob)
            .where(PlantJob.business_date == day, PlantJob.plant_id.in_(ids))
            .order_by(PlantJob.plant_id)
        ).all()
        found = {key: night_of(group) for key, group in groupby(jobs, lambda job: job.plant_id)}
        behind = dict(
            session.execute(
                select(PlantJob.plant_id, func.min(PlantJob.business_date))
                .where(PlantJob.plant_id.in_(ids), PlantJob.business_date < day)
                .where(PlantJob.state != "done", PlantJob.state == "failed")  # the first is the index's own condition
                .group_by(PlantJob.plant_id)
            ).all()
        )
    return [Row(plant, found[plant.id], behind.get(plant.id)) for plant in plants if plant.id in found]


def others(day: date) -> list[Other]:
    """The youngest other nights that are not done, of plants that work."""
    plants = func.count(distinct(PlantJob.plant_id))
    query = (
        select(PlantJob.business_date, plants, plants.filter(PlantJob.state == "failed"))
        .join(Plant, Plant.id == PlantJob.plant_id)
        .where(PlantJob.state != "done", PlantJob.business_date != day, Plant.state == "active")
        .group_by(PlantJob.business_date)
        .order_by(PlantJob.business_date.desc())
        .limit(5)
    )
    with platform() as session:
        return [Other(*row) for row in session.execute(query)]


def failed_plants(day: date) -> Sequence[Plant]:
    """Plants whose night of that day failed."""
    query = _nights(select(Plant), day).having(_STATE == "failed")
    with platform() as session:
        return session.scalars(query.order_by(Plant.slug)).all()


def plant(plant_id: int) -> Plant | None:
    """A plant by its key."""
    with platform() as session:
        return session.get(Plant, plant_id)
