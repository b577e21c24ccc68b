"""How late the night is, and how far the plants' tables are behind, as the registry tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import update

from tenants import migrate, nights, vitals
from tenants.context import Tenant
from tenants.models import Plant, PlantJob
from tenants.session import platform
from tests.conftest import make_plant

HOUR = 3600


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of January 2027 in China."""
    return datetime(2027, 1, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def alone(app: Flask) -> Tenant:
    """The only plant that is not archived."""
    with platform() as session:
        session.execute(update(Plant).values(state="archived"))
    return make_plant()


def night(moment: datetime) -> tuple[dict[str, int], float]:
    """Plants by state, where there are any, and the lag."""
    with platform() as session:
        found = vitals.night(session.connection(), now=moment)
    assert found.plants.keys() == set(vitals.NIGHT_STATES)
    return {state: count for state, count in found.plants.items() if count}, found.lag


def set_plant(tenant: Tenant, **values: object) -> None:
    with platform() as session:
        session.execute(update(Plant).where(Plant.id == tenant.id).values(values))


def set_jobs(tenant: Tenant, state: str, *kinds: str) -> None:
    with platform() as session:
        these = update(PlantJob).where(PlantJob.plant_id == tenant.id)
        session.execute((these.where(PlantJob.kind.in_(kinds)) if kinds else these).values(state=state))


def test_a_night_is_late_from_half_past_midnight_until_its_last_step_is_done(alone: Tenant) -> None:
    assert night(at(10, 2)) == ({"unplanned": 1}, 1.5 * HOUR)
    nights.plan(at(10, 0, 31))
    assert night(at(10, 2)) == ({"undone": 1}, 1.5 * HOUR)
    set_jobs(alone, "done", "resume", "late_fees", "auto_deduct")
    assert night(at(10, 6, 0)) == ({"undone": 1}, 5.5 * HOUR)
    set_jobs(alone, "done")
    assert night(at(10, 6, 0)) == ({"done": 1}, 0)
    assert night(at(11, 0, 29)) == ({"done": 1}, 0)
    assert night(at(11, 0, 31)) == ({"unplanned": 1}, 60)


def test_what_has_failed_stays_late_however_many_nights_follow(alone: Tenant) -> None:
    neighbour = make_plant()
    nights.plan(at(10, 1))
    set_jobs(alone, "failed", "reports")
    set_jobs(neighbour, "done")
    assert night(at(10, 1, 30)) == ({"failed": 1, "done": 1}, HOUR)
    nights.plan(at(11, 1))
    set_jobs(alone, "failed", "reports")
    set_jobs(neighbour, "done")
    assert night(at(11, 1, 30)) == ({"failed": 1, "done": 1}, 25 * HOUR)


def test_nights_that_nobody_has_planned_count_from_the_first_of_them(alone: Tenant) -> None:
    nights.plan(at(10, 1))
    set_jobs(alone, "done")
    assert night(at(13, 0, 30)) == ({"unplanned": 1}, 48 * HOUR)


def test_each_plant_has_its_own_midnight(alone: Tenant) -> None:
    set_plant(alone, timezone="Asia/Urumqi")  # two hours after Beijing's
    nights.plan(at(10, 2, 31))
    assert night(at(10, 3, 30)) == ({"undone": 1}, HOUR)


def test_a_plant_owes_nothing_while_suspended_and_before_it_was_opened(alone: Tenant) -> None:
    set_plant(alone, created_at=at(10, 15).astimezone(UTC))
    assert night(at(10, 15, 1)) == ({"unplanned": 1}, 60)
    set_plant(alone, state="suspended")
    assert night(at(10, 15, 1)) == ({}, 0)


def test_the_latest_nights_jobs_are_counted_by_state(alone: Tenant) -> None:
    nights.plan(
        at(20, 1)
    )  # later than any other test of this file: two of five steps are of their own day of the month
    set_jobs(alone, "done", "resume")
    set_jobs(alone, "running", "late_fees")
    with platform() as session:
        found = vitals.latest_jobs(session.connection())
    assert found == {"queued": 2, "running": 1, "done": 1, "failed": 0}


def test_plants_are_counted_by_how_far_they_are_behind(alone: Tenant) -> None:
    late, later, newer = make_plant(), make_plant(), make_plant()
    known = [script.revision for script in migrate.tree("tenant").walk_revisions()]
    for tenant, revision in ((late, known[1]), (later, known[2]), (newer, "of-a-newer-version")):
        set_plant(tenant, revision=revision)
    with platform() as session:
        found = vitals.plants(session.connection())
    assert {key: count for key, count in found.items() if key[0] == "active"} == {
        ("active", 0): 2, ("active", 1): 1, ("active", 2): 1,
    }  # fmt: skip
    assert (migrate.behind("tenant", None), migrate.behind("platform", migrate.head("platform"))) == (len(known), 0)


def test_the_plant_that_waits_longest_for_an_export_counts(alone: Tenant) -> None:
    def age() -> float:
        with platform() as session:
            return vitals.export_age(session.connection(), now=at(20, 12))

    set_plant(alone, created_at=at(10, 12))
    assert age() == 10 * 24 * HOUR
    other = make_plant()
    set_plant(other, exported_at=at(19, 12), created_at=at(1, 0))
    set_plant(alone, exported_at=at(20, 11))
    assert age() == 24 * HOUR
    set_plant(other, state="archived")
    assert age() == HOUR
