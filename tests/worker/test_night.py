"""The night with a real worker and a real broker."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask import Flask
from sqlalchemy import select, update

from app import clock
from app.billing.models import Bill
from app.customers.models import Customer
from app.db import db, transaction
from app.ledger import queries as ledger
from app.metering.models import Meter, Suspension
from app.metering.service import stop_meter
from tenants import context, nights, rollup
from tenants import jobs as plant_jobs
from tenants.context import Tenant
from tenants.models import Plant, PlantJob
from tenants.nights import KINDS
from tenants.session import platform
from tests import factories as make
from tests.conftest import make_plant
from tests.processes import running, wait_until
from worker.nightly import run_night

NIGHT = date(2026, 11, 1)


def a_month_read() -> Customer:
    with transaction():
        make.tariff()
        person = make.used(14, auto_deduct=True)
        make.used(8)
        from app.payments.opening import post_opening_balances

        post_opening_balances([(person.id, Decimal(50))], on=date(2026, 10, 1), by_id=None)
    return person


def books() -> tuple[object, ...]:
    db.session.rollback()
    bills = db.session.execute(select(Bill.customer_id, Bill.amount).order_by(Bill.customer_id)).all()
    credit = db.session.execute(select(Customer.id, Customer.credit_balance).order_by(Customer.id)).all()
    return [tuple(b) for b in bills], [tuple(c) for c in credit], ledger.balances()


def jobs(plant: Tenant) -> dict[str, str]:
    with platform() as session:
        rows = session.execute(select(PlantJob.kind, PlantJob.state).where(PlantJob.plant_id == plant.id)).all()
    return dict(rows)  # type: ignore[arg-type]


def test_a_night_bills_then_deducts_then_builds_the_cache(plant: Tenant) -> None:
    person = a_month_read()
    found = run_night(NIGHT)
    assert list(found) == list(KINDS)
    assert found["bills"] == {"bills": 2, "amount": "78.30"}
    assert found["auto_deduct"] == {"customers": 1, "amount": "50.00"}
    assert db.session.get_one(Customer, person.id, populate_existing=True).credit_balance == 0
    assert jobs(plant) == dict.fromkeys(found, "done")
    assert ledger.imbalance() == 0


def test_a_night_twice_changes_nothing(plant: Tenant) -> None:
    a_month_read()
    first = run_night(NIGHT)
    after = books()
    assert run_night(NIGHT) == first
    assert books() == after


def test_a_real_worker_does_the_night_that_beat_sends_and_a_second_sending_changes_nothing(
    app: Flask, plant: Tenant
) -> None:
    a_month_read()
    nights.plan_by_hand(NIGHT, clock.now(), slug=plant.slug)
    command = ("celery", "-A", "worker.celery", "worker", "-Q", "people,night", "--concurrency", "2", "-l", "warning")
    with running(app, *command):
        send = app.extensions["celery"].send_task
        for _ in range(2):
            send("worker.tasks.run_plant_night", args=[plant.slug], queue="night")
        wait_until(lambda: set(jobs(plant).values()) == {"done"}, "the night was not done")
        after = books()
        send("worker.tasks.run_plant_night", args=[plant.slug], queue="night")
        wait_until(lambda: app.extensions["redis"].llen("night") == 0, "the queue is not empty")
    assert books() == after
    assert ledger.balances()["receivable"] == Decimal("28.30")


def test_a_plant_with_a_broken_tariff_fails_alone_and_is_done_once_it_is_mended(app: Flask, plant: Tenant) -> None:
    others = [make_plant("甲水厂"), make_plant("乙水厂")]
    for other in others:
        with context.use(other):
            a_month_read()
            db.session.remove()
    with transaction():
        make.used(14)  # and no tariff at all
    for one in (plant, *others):
        nights.plan_by_hand(NIGHT, clock.now(), slug=one.slug)
    command = ("celery", "-A", "worker.celery", "worker", "-Q", "people,night", "--concurrency", "2", "-l", "error")
    with running(app, *command):
        send = app.extensions["celery"].send_task
        for one in (plant, *others):
            send("worker.tasks.run_plant_night", args=[one.slug], queue="night")
        wait_until(lambda: all(set(jobs(one).values()) == {"done"} for one in others), "the others were not done")
        wait_until(lambda: jobs(plant)["bills"] == "failed", "the broken plant did not fail")
        assert jobs(plant) == {
            "resume": "done", "bills": "failed", "late_fees": "queued", "auto_deduct": "queued", "reports": "queued"
        }  # fmt: skip
        reason = plant_jobs.last_night(plant)[1].error or ""
        assert "居民生活用水" in reason
        assert reason.endswith("。")
        with transaction():
            make.tariff()
        assert plant_jobs.retry(plant.id, NIGHT)
        send("worker.tasks.run_plant_night", args=[plant.slug], queue="night")
        wait_until(lambda: set(jobs(plant).values()) == {"done"}, "the mended plant was not done")
    assert plant_jobs.last_night(plant)[1].result == {"bills": 1, "amount": "53.10"}


def test_a_night_whose_note_was_lost_says_what_the_books_say(plant: Tenant) -> None:
    a_month_read()
    first = run_night(NIGHT)
    with platform() as session:  # a worker was killed after its work and before its note
        session.execute(update(PlantJob).where(PlantJob.plant_id == plant.id).values(state="running", result=None))
    after = books()
    again = run_night(NIGHT)
    assert again["bills"] == first["bills"] == {"bills": 2, "amount": "78.30"}
    assert again["auto_deduct"] == first["auto_deduct"]
    assert books() == after


def test_a_meter_stopped_until_a_day_is_resumed_in_that_night(plant: Tenant) -> None:
    with transaction():
        make.tariff()
        bound = make.binding(start=10)
        stop_meter(
            bound.meter_id,
            reading=Decimal(12),
            on=date(2026, 10, 5),
            until=date(2026, 11, 2),
            reason="外出",
            by_id=None,
        )
    assert run_night(NIGHT)["resume"] == {"resumed": 0}
    assert db.session.get_one(Meter, bound.meter_id, populate_existing=True).state == "stopped"
    db.session.rollback()
    assert run_night(date(2026, 11, 2))["resume"] == {"resumed": 1}
    assert db.session.get_one(Meter, bound.meter_id, populate_existing=True).state == "in_use"
    stopped = db.session.scalars(select(Suspension)).one()
    assert (stopped.resumed_on, stopped.resume_reading) == (date(2026, 11, 2), 12)


def test_the_night_keeps_the_plants_sums_for_the_operator(plant: Tenant) -> None:
    with platform() as session:
        session.execute(update(Plant).where(Plant.id == plant.id).values(county="石泉县"))
    a_month_read()
    run_night(NIGHT)
    found = {sums.name: sums for sums in rollup.by_county("2026-10", "2026-10")}["石泉县"]
    assert found == ("石泉县", 1, 2, 2, Decimal(22), Decimal("78.30"), Decimal("50.00"), Decimal("28.30"))
    run_night(date(2026, 11, 2))
    assert rollup.by_county("2026-11", "2026-11")[0].bills == 0
    assert {sums.name: sums for sums in rollup.by_county("2026-10", "2026-11")}["石泉县"] == found
