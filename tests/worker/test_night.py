"""The night with a real worker and a real broker."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask import Flask
from sqlalchemy import select

from app import clock
from app.billing.models import Bill
from app.customers.models import Customer
from app.db import db, transaction
from app.ledger import queries as ledger
from tenants import nights
from tenants.context import Tenant
from tenants.models import PlantJob
from tenants.nights import KINDS
from tenants.session import platform
from tests import factories as make
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
