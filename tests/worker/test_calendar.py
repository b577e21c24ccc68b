"""Which nights a plant has, and what is told to the workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from app.errors import DomainError
from tenants import jobs, nights
from tenants.context import Tenant
from tenants.models import Plant, PlantJob
from tenants.session import engine, platform

MINUTE = timedelta(minutes=1)


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment + "+08:00")


def turn(plant: Tenant, **values: Any) -> None:
    with platform() as session:
        session.execute(update(Plant).where(Plant.id == plant.id).values(**values))


def planned(plant: Tenant) -> dict[date, list[str]]:
    found: dict[date, list[str]] = {}
    with platform() as session:
        query = select(PlantJob).where(PlantJob.plant_id == plant.id).order_by(PlantJob.business_date, PlantJob.id)
        for job in session.scalars(query):
            found.setdefault(job.business_date, []).append(job.kind)
    return found


def states(plant: Tenant) -> list[str]:
    with platform() as session:
        query = select(PlantJob.state).where(PlantJob.plant_id == plant.id)
        return list(session.scalars(query.order_by(PlantJob.business_date, PlantJob.id)))


def does_nothing(_night: date) -> dict[str, Any]:
    return {}


QUIET = dict.fromkeys(nights.KINDS, does_nothing)


@pytest.fixture(autouse=True)
def alone(app: Flask) -> Iterator[None]:
    """The plants of other tests are put to sleep."""
    yield
    with platform() as session:
        session.execute(update(Plant).values(state="suspended"))


def test_a_night_begins_half_an_hour_after_midnight_in_the_plants_own_time_zone(plant: Tenant) -> None:
    assert nights.plan(at("2026-11-01T00:29")) == 1  # the night of the day before
    assert list(planned(plant)) == [date(2026, 10, 31)]
    assert nights.plan(at("2026-11-01T00:30")) == 1
    assert planned(plant)[date(2026, 11, 1)] == list(nights.KINDS)
    turn(plant, timezone="Asia/Urumqi")  # two hours behind
    assert nights.plan(at("2026-11-02T02:29")) == 0
    assert nights.plan(at("2026-11-02T02:30")) == 1


@pytest.mark.parametrize(
    ("bill_day", "nights_with_bills"),
    [(1, ["2027-02-01", "2027-03-01"]), (28, ["2027-02-28", "2027-03-28"]), (31, ["2027-02-28", "2027-03-31"])],
)
def test_bills_are_made_on_the_billing_day_or_the_last_of_a_shorter_month(
    plant: Tenant, bill_day: int, nights_with_bills: list[str]
) -> None:
    turn(plant, bill_day=bill_day, planned_until=date(2027, 1, 31))
    nights.plan(at("2027-03-31T08:00"))
    assert [str(day) for day, kinds in planned(plant).items() if "bills" in kinds] == nights_with_bills


def test_deductions_come_every_night_or_on_their_day(plant: Tenant) -> None:
    turn(plant, planned_until=date(2027, 1, 31), deduct_day=30)
    nights.plan(at("2027-03-31T08:00"))
    assert [str(day) for day, kinds in planned(plant).items() if "auto_deduct" in kinds] == ["2027-02-28", "2027-03-30"]


def test_missed_nights_are_planned_in_order_and_a_clock_going_back_plans_nothing(plant: Tenant) -> None:
    nights.plan(at("2026-11-01T01:00"))
    nights.plan(at("2026-11-04T01:00"))
    days = [date(2026, 11, day) for day in (1, 2, 3, 4)]
    assert list(planned(plant)) == days
    assert nights.plan(at("2026-11-02T01:00")) == 0
    assert nights.plan(at("2026-11-04T23:00")) == 0
    done: list[date] = []
    steps = QUIET | {"reports": lambda night: done.append(night) or {}}
    jobs.work_off(plant, steps)
    assert done == days


def test_a_night_by_hand_takes_the_missed_ones_along(plant: Tenant) -> None:
    nights.plan(at("2026-11-01T01:00"))
    nights.plan_by_hand(date(2026, 11, 3), at("2026-11-01T02:00"), slug=plant.slug)
    assert list(planned(plant)) == [date(2026, 11, day) for day in (1, 2, 3)]
    nights.plan_by_hand(date(2026, 10, 1), at("2026-11-01T02:00"), slug=plant.slug)
    assert next(iter(planned(plant))) == date(2026, 10, 1)
    assert nights.plan(at("2026-11-03T23:00")) == 0


def test_a_suspended_plant_has_no_nights(plant: Tenant) -> None:
    turn(plant, state="suspended")
    assert nights.plan(at("2026-11-01T01:00")) == 0
    turn(plant, state="active")
    nights.plan(at("2026-11-01T01:00"))
    turn(plant, state="suspended")
    assert nights.untold(at("2026-11-01T01:01"), patience=MINUTE) == []


def test_large_plants_are_told_first_and_none_twice_within_its_patience(app: Flask, plant: Tenant) -> None:
    from tests.conftest import make_plant

    larger = make_plant("大水厂")
    turn(larger, households=2454)
    nights.plan(at("2026-11-01T01:00"))
    assert nights.untold(at("2026-11-01T01:00"), patience=MINUTE) == [larger.slug, plant.slug]
    assert nights.untold(at("2026-11-01T01:00:59"), patience=MINUTE) == []
    jobs.work_off(larger, QUIET)
    assert nights.untold(at("2026-11-01T01:02"), patience=MINUTE) == [plant.slug]
    jobs.work_off(plant, QUIET)
    assert nights.untold(at("2026-11-01T02:00"), patience=MINUTE) == []


def test_a_failed_step_holds_back_what_follows_until_somebody_tries_again_or_the_next_night(plant: Tenant) -> None:
    def broken(_night: date) -> dict[str, Any]:
        raise DomainError("「农业灌溉用水」没有收费标准，请先新增。")

    nights.plan(at("2026-11-01T01:00"))
    with pytest.raises(DomainError):
        jobs.work_off(plant, QUIET | {"late_fees": broken})
    assert states(plant) == ["done", "done", "failed", "queued", "queued"]
    assert jobs.last_night(plant)[2].error == "「农业灌溉用水」没有收费标准，请先新增。"
    assert nights.untold(at("2026-11-01T05:00"), patience=MINUTE) == []
    assert jobs.retry(plant.id, date(2026, 11, 1))
    assert not jobs.retry(plant.id, date(2026, 11, 1))
    assert nights.untold(at("2026-11-01T05:00"), patience=MINUTE) == [plant.slug]
    with pytest.raises(DomainError):
        jobs.work_off(plant, QUIET | {"late_fees": broken})
    nights.plan(at("2026-11-02T01:00"))
    assert nights.untold(at("2026-11-02T01:00"), patience=MINUTE) == [plant.slug]
    jobs.work_off(plant, QUIET)
    assert set(states(plant)) == {"done"}
    assert [job.error for job in jobs.of_night(plant, date(2026, 11, 1))] == [None] * 5


def test_two_workers_at_once_do_a_step_once(plant: Tenant) -> None:
    nights.plan(at("2026-11-01T01:00"))
    done: list[str] = []

    def step(_night: date) -> dict[str, Any]:
        assert jobs.work_off(plant, QUIET) == {}  # the second one finds the plant taken
        done.append("once")
        return {}

    jobs.work_off(plant, QUIET | {"resume": step})
    assert done == ["once"]
    assert set(states(plant)) == {"done"}


def test_a_connection_that_breaks_leaves_the_step_open_for_another_try(plant: Tenant) -> None:
    nights.plan(at("2026-11-01T01:00"))

    def cut_off(_night: date) -> dict[str, Any]:
        with engine().connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        raise AssertionError("the connection still works")

    for attempt in range(1, jobs.ATTEMPTS + 1):
        with pytest.raises(OperationalError) as caught:
            jobs.work_off(plant, QUIET | {"resume": cut_off})
        assert jobs.is_passing(caught.value)
        first = jobs.last_night(plant)[0]
        assert (first.attempts, first.state) == (attempt, "queued" if attempt < jobs.ATTEMPTS else "failed")
    assert jobs.retry(plant.id, date(2026, 11, 1))
    jobs.work_off(plant, QUIET)
    assert set(states(plant)) == {"done"}


def test_only_what_passes_by_itself_is_tried_again() -> None:
    assert not jobs.is_passing(ValueError("broken for good"))
    with engine().connect() as connection, pytest.raises(Exception, match="division") as caught:
        connection.execute(text("SELECT 1 / 0"))
    assert not jobs.is_passing(caught.value)


def test_a_step_that_is_running_when_its_worker_dies_is_told_again(plant: Tenant) -> None:
    nights.plan(at("2026-11-01T01:00"))
    nights.untold(at("2026-11-01T01:00"), patience=MINUTE)
    with platform() as session:
        session.execute(update(PlantJob).where(PlantJob.plant_id == plant.id).values(state="running"))
    assert nights.untold(at("2026-11-01T01:02"), patience=MINUTE) == [plant.slug]
    jobs.work_off(plant, QUIET)
    assert set(states(plant)) == {"done"}
    assert datetime.now(UTC) - jobs.last_night(plant)[0].finished_at < MINUTE  # type: ignore[operator]
