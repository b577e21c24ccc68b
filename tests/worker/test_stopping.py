"""A worker asked to stop: what is short ends, what is long goes back to the queue, and nothing is lost."""

from __future__ import annotations

import signal
import time
from datetime import date

from flask import Flask
from sqlalchemy import func, select, text

from app import clock
from app.billing.models import Bill
from app.db import db, transaction
from app.ledger.service import BOOKS_LOCK
from tenants import jobs, nights
from tenants.context import Tenant
from tenants.session import engine
from tests import factories as make
from tests.processes import running, wait_until

NIGHT = date(2026, 11, 1)
WORKER = ("celery", "-A", "worker.celery", "worker", "-Q", "people,night", "--concurrency", "1", "-l", "warning")


def state_of_bills(plant: Tenant) -> str:
    return {job.kind: job.state for job in jobs.of_night(plant, NIGHT)}["bills"]


def send(app: Flask, plant: Tenant) -> None:
    app.extensions["celery"].send_task("worker.tasks.run_plant_night", args=[plant.slug], queue="night")


def test_a_night_that_cannot_end_goes_back_to_the_queue_after_the_last_call(app: Flask, plant: Tenant) -> None:
    with transaction():
        make.tariff()
        make.used(14)
    nights.plan_by_hand(NIGHT, clock.now(), slug=plant.slug)
    redis = app.extensions["redis"]
    with engine().begin() as somebody:  # holds the plant's books, so that the bills have to wait
        somebody.execute(text("SELECT pg_advisory_xact_lock(:k, :id)"), {"k": BOOKS_LOCK, "id": plant.id})
        with running(app, *WORKER, LAST_CALL="3") as worker:
            send(app, plant)
            wait_until(lambda: state_of_bills(plant) == "running", "the night did not begin")
            began = time.monotonic()
            worker.send_signal(signal.SIGTERM)
            worker.wait(40)
            assert 3 <= time.monotonic() - began < 20
        assert redis.llen("night") + redis.hlen("unacked") == 1
        assert db.session.scalar(select(func.count()).select_from(Bill)) == 0
    db.session.rollback()
    with running(app, *WORKER):
        wait_until(lambda: state_of_bills(plant) == "done", "the night was lost")
    assert db.session.scalar(select(func.count()).select_from(Bill)) == 1


def test_a_night_that_is_nearly_over_ends_before_its_worker_does(app: Flask, plant: Tenant) -> None:
    with transaction():
        make.tariff()
        make.used(14)
    nights.plan_by_hand(NIGHT, clock.now(), slug=plant.slug)
    somebody = engine().connect()
    somebody.execute(text("SELECT pg_advisory_xact_lock(:k, :id)"), {"k": BOOKS_LOCK, "id": plant.id})
    with running(app, *WORKER) as worker:
        send(app, plant)
        wait_until(lambda: state_of_bills(plant) == "running", "the night did not begin")
        worker.send_signal(signal.SIGTERM)
        time.sleep(1)
        somebody.rollback()
        assert worker.wait(20) == 0
    somebody.close()
    assert {job.state for job in jobs.of_night(plant, NIGHT)} == {"done"}
    redis = app.extensions["redis"]
    assert redis.llen("night") + redis.hlen("unacked") == 0
