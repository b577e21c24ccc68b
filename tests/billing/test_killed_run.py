"""A run of 20,000 bills killed ten times at random points, then run again: the books of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.billing.service import issue_bills
from app.db import db, transaction
from app.payments.verify import verify
from seeds import big
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import make_plant
from tests.processes import running

CUSTOMERS, PERIOD, NIGHT = 20_000, "2026-10", date(2026, 11, 1)
COMMAND = ("flask", "nightly", "--date", str(NIGHT), "--plant")
BOOKS = (
    """SELECT c.customer_no, b.period, b.kind, b.round, b.volume, b.amount, b.issued_on, b.due_on, b.document - 'tariffs'
       FROM bill b JOIN customer c ON c.id = b.customer_id ORDER BY 1""",
    """SELECT c.customer_no, o.period, o.unpaid, o.late_fee FROM open_item o JOIN customer c ON c.id = o.customer_id
       ORDER BY 1""",
    """SELECT e.business_date, e.kind, p.account, p.route_id, p.amount FROM ledger_entry e
       JOIN posting p ON p.entry_id = e.id ORDER BY 1, 2, 3, 4""",
    "SELECT kind, period, bills, volume, amount FROM billing_run",
)


def a_big_month() -> Tenant:
    tenant = make_plant("大水厂")
    with context.use(tenant), transaction():
        make.tariff()
        big.fill(CUSTOMERS)
        big.read(PERIOD)
    return tenant


def books(tenant: Tenant) -> list[list[Any]]:
    with context.use(tenant):
        found = [[tuple(row) for row in db.session.execute(text(query))] for query in BOOKS]
        db.session.rollback()
    return found


def bills(tenant: Tenant) -> int:
    with context.use(tenant):
        found = db.session.execute(text("SELECT count(*) FROM bill")).scalar_one()
        db.session.rollback()
    return int(found)


def begun(tenant: Tenant) -> bool:
    """Whether a transaction of the plant's night is at work."""
    with db.engine.connect() as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE state <> 'idle' AND query ILIKE '%measured%'"
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        return bool(set(connection.scalars(text(query))) - {own})


@pytest.mark.slow
def test_a_run_killed_ten_times_ends_in_the_books_of_an_undisturbed_one(app: Flask) -> None:
    calm, hunted = a_big_month(), a_big_month()
    start = time.monotonic()
    with context.use(calm), transaction():
        issue_bills(PERIOD, on=NIGHT, by_id=None)
    length = time.monotonic() - start
    chance = random.Random(7)
    killed = 0
    for _ in range(10):
        with running(app, *COMMAND, hunted.slug) as process:
            while process.poll() is None and not begun(hunted):
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.6 * length))
            killed += process.poll() is None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert bills(hunted) in (0, CUSTOMERS)
    assert killed >= 5, "the run is over before it can be killed"
    with running(app, *COMMAND, hunted.slug) as process:
        assert process.wait(120) == 0
    assert books(hunted) == books(calm)
    with context.use(hunted):
        assert verify() == []
        db.session.rollback()
