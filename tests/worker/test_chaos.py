"""A night in which everything is killed or restarted once: the books of an undisturbed one, plant by plant."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from app import clock
from app.customers.models import Customer
from app.db import db, transaction
from app.payments.opening import post_opening_balances
from app.payments.verify import verify
from embedded.postgres import Postgres
from embedded.redis import Redis
from seeds import big
from seeds.copies import copy_plant
from tenants import context, nights
from tenants.context import Tenant
from tenants.models import PlantJob
from tenants.session import platform
from tests import factories as make
from tests.conftest import make_plant
from tests.processes import ROOT, environment
from worker.nightly import run_night

PLANTS = int(os.environ.get("CHAOS_PLANTS", "80"))  # 200 take some minutes
CUSTOMERS, PERIOD, NIGHT = 200, "2026-10", date(2026, 11, 1)
WORKER = ("celery", "-A", "worker.celery", "worker", "-Q", "people,night", "--concurrency", "1", "-l", "warning")
BEAT = ("celery", "-A", "worker.celery", "beat", "-l", "warning", "--schedule")
BOOKS = (
    """SELECT customer_id, period, kind, round, volume, amount, issued_on, due_on, document FROM bill ORDER BY 1""",
    "SELECT customer_id, period, unpaid, late_fee, due_on FROM open_item ORDER BY 1",
    "SELECT id, credit_balance FROM customer ORDER BY 1",
    """SELECT customer_id, kind, method, business_date, settled, late_fee, credit_delta FROM payment ORDER BY 1""",
    """SELECT b.customer_id, s.amount, s.late_fee FROM settlement s JOIN bill b ON b.id = s.bill_id ORDER BY 1""",
    """SELECT e.business_date, e.kind, p.account, p.route_id, p.amount FROM ledger_entry e
       JOIN posting p ON p.entry_id = e.id ORDER BY 1, 2, 3, 4""",
    "SELECT kind, period, bills, volume, amount FROM billing_run",
    "SELECT * FROM summary ORDER BY 1, 2, 3, 4, 5",
    "SELECT * FROM customer_year ORDER BY 1, 2",
)


def books(tenant: Tenant) -> list[list[Any]]:
    with context.use(tenant):
        found = [[tuple(row) for row in db.session.execute(text(query))] for query in BOOKS]
        db.session.remove()
    return found


def a_month_read() -> Tenant:
    tenant = make_plant()
    with context.use(tenant):
        with transaction():
            make.tariff()
            big.fill(CUSTOMERS)
            big.read(PERIOD)
            db.session.execute(text("UPDATE customer SET auto_deduct = true"))
            rich = db.session.scalars(select(Customer.id).where(Customer.id % 3 != 0))
            post_opening_balances([(key, Decimal(30)) for key in rich], on=date(2026, 10, 1), by_id=None)
        db.session.remove()
    return tenant


def open_steps() -> int:
    try:
        with platform() as session:
            return session.scalar(select(func.count()).where(PlantJob.state != "done")) or 0
    except OperationalError:
        return -1  # being restarted


class Works:
    """Workers and beats that somebody keeps killing."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.env = environment(app, NIGHT_TICK="2")
        self.log = (folder / "log").open("wb")
        self.workers = [self.start(*WORKER, "-n", f"{n}@%h") for n in range(2)]
        self.beats = [self.start(*BEAT, str(folder / f"beat{n}")) for n in range(2)]

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", *command]
        return subprocess.Popen(words, cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log, start_new_session=True)

    def kill(self, place: int) -> None:
        """-9 to a worker and its children, and another one in its place."""
        end(self.workers[place])
        self.workers[place] = self.start(*WORKER, "-n", f"{place}@%h")

    def stop(self) -> None:
        for process in (*self.workers, *self.beats):
            end(process)
        self.workers, self.beats = [], []
        self.log.close()


def end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def works(app: Flask) -> Iterator[Works]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        found = Works(app, Path(folder))
        stack.callback(found.stop)
        yield found


@pytest.fixture
def plants(app: Flask) -> list[Tenant]:
    """All alike, their night planned."""
    first = a_month_read()
    found = [first, *(copy_plant(first, f"chaos{n}") for n in range(1, PLANTS))]
    nights.plan_by_hand(NIGHT, clock.now())
    with platform() as session:  # and no other night
        session.execute(text("UPDATE platform.plant SET planned_until = DATE '2099-01-01'"))
    return found


def test_a_night_of_kills_and_restarts_leaves_the_books_of_a_quiet_one(
    servers: tuple[Postgres, Redis], plants: list[Tenant], works: Works
) -> None:
    postgres, redis = servers
    chance, deadline, before = random.Random(1), time.monotonic() + 2 * PLANTS + 240, open_steps()
    assert before == PLANTS * len(nights.KINDS)
    disturbances = [postgres.stop, redis_flushed(redis)]
    next_kill = time.monotonic() + 4
    while (left := open_steps()) != 0:
        assert time.monotonic() < deadline, f"{left} steps are still open"
        if time.monotonic() > next_kill:
            works.kill(chance.randrange(2))
            next_kill = time.monotonic() + chance.uniform(4, 7)
        if disturbances and 0 < left < before * (7 + len(disturbances)) // 10:
            server = postgres if len(disturbances) == 2 else redis
            disturbances.pop(0)()
            server.start()
            works.kill(chance.randrange(2))
        time.sleep(0.1)
    assert not disturbances, "the night was over before it was disturbed"
    works.stop()
    quiet = a_month_read()
    with context.use(quiet):
        run_night(NIGHT)
        db.session.remove()
    expected = books(quiet)
    assert len(expected[0]) == CUSTOMERS
    different = [tenant.slug for tenant in plants if books(tenant) != expected]
    assert different == []
    with context.use(plants[-1]):
        assert verify() == []
        db.session.remove()


def redis_flushed(redis: Redis) -> Any:
    def flush() -> None:
        import redis as client

        client.Redis.from_url(redis.url).flushall()
        redis.stop()

    return flush
