"""Two plants take turns on one server connection: each sees its own, whoever lends the connection out.

PgBouncer in transaction mode where it can be had (bin/test installs it where it may), and always a pool of SQLAlchemy's
with exactly one connection, whose transactions take turns in the same way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

import app as app_module
from app import clock, create_app
from app.billing.models import Bill
from app.billing.service import issue_bills
from app.customers.models import Customer
from app.db import db, transaction
from app.payments.opening import post_opening_balances
from app.staff import service as staff
from config import engine_options
from embedded.postgres import Postgres
from embedded.redis import Redis
from seeds import big
from tenants import context, nights
from tenants import jobs as plant_jobs
from tenants.context import Tenant
from tenants.nights import KINDS
from tenants.session import engine
from tests import factories as make
from tests.conftest import PASSWORD, Site, make_plant
from tests.pages import addresses, sample
from tests.payments import counter
from tests.processes import running, wait_until
from tests.tenants.pooler import PROGRAM, PgBouncer
from worker.nightly import run_night

NIGHT = date(2026, 11, 1)
MARKS = {"甲村水厂": "甲", "乙村水厂": "乙"}
needs_pgbouncer = pytest.mark.skipif(
    PROGRAM is None, reason="NO PGBOUNCER: `apt-get install pgbouncer` to test behind it"
)
Shared = Callable[[int], Flask]


@pytest.fixture(params=["one connection", pytest.param("pgbouncer", marks=needs_pgbouncer)])
def shared(
    request: pytest.FixtureRequest,
    servers: tuple[Postgres, Redis],
    open_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shared]:
    """`shared(1)`: an app whose transactions all run on so many server connections."""
    postgres, redis = servers
    ends: list[Callable[[], None]] = []

    def sharing(size: int) -> Flask:
        url = postgres.url
        if request.param == "pgbouncer":
            bouncer = PgBouncer(open_folder / "bouncer", postgres.url, size=size)
            bouncer.start()
            ends.append(bouncer.stop)
            url = bouncer.url
        else:
            few = {"pool_size": size, "max_overflow": 0, "pool_timeout": 10}
            monkeypatch.setattr(app_module, "engine_options", lambda config: engine_options(config) | few)
        made = create_app(
            SECRET_KEY="only-for-tests-0123456789", DATABASE_URL=url, REDIS_URL=redis.url, TESTING=True,
            WTF_CSRF_ENABLED=False,
        )  # fmt: skip

        def end() -> None:
            with made.app_context():
                db.session.remove()
                engine().dispose()

        ends.insert(0, end)
        return made

    yield sharing
    for end in ends:
        end()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the servers' account may enter."""
    with tempfile.TemporaryDirectory(prefix="qingqu-bouncer-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def village(name: str, households: int = 60) -> Tenant:
    """A plant in which every household's name, every book and every person of the staff carries its mark."""
    tenant = make_plant(name)
    mark = MARKS[name]
    with context.use(tenant):
        with transaction():
            make.tariff(name=f"{mark}村居民", effective_from="2020-01-01")
            make.quota(name=f"{mark}村定额")
            big.fill(households)
            for role in ("reader", "cashier"):
                staff.create_staff(username=role, password=PASSWORD, name=f"{mark}村{role}", role=role)
            for table, column in (("customer", "holder"), ("route", "name"), ("district", "name")):
                db.session.execute(text(f"UPDATE {table} SET {column} = '{mark}村户主' || id"))
        db.session.remove()
    return tenant


def bill(tenant: Tenant) -> None:
    with context.use(tenant):
        for period in ("2026-09", "2026-10"):
            with transaction():
                big.read(period)
                issue_bills(period, on=date(2026, 11, 1), by_id=None)
        counter.put_in(sample("customer_id"), "5")
        db.session.remove()


def test_every_page_of_two_plants_in_turn_shows_its_own(app: Flask, shared: Shared) -> None:
    plants = [village(name) for name in MARKS]
    pooled = shared(1)
    with pooled.app_context():
        for tenant in plants:
            bill(tenant)
        sites, paths = [], []
        for tenant in plants:
            with context.use(tenant):
                paths.append(addresses(pooled))
                db.session.remove()
            site = Site(pooled, tenant)
            assert site.log_in().status_code == 302
            sites.append(site)
    shown = {"甲": 0, "乙": 0}
    for turn in zip(*paths, strict=True):
        for site, path, mark, other in zip(sites, turn, "甲乙", "乙甲", strict=True):
            answer = site.get(path)
            assert answer.status_code in (200, 302), f"{path}: {answer.status_code}"
            assert f"{other}村" not in answer.text, path
            shown[mark] += f"{mark}村" in answer.text
    assert min(shown.values()) > 60  # each page's frame names the plant
    with pooled.app_context():
        assert backends(plants) == 1


def backends(plants: list[Tenant]) -> int:
    """How many server connections two plants' transactions run on."""
    seen = set()
    for tenant in plants * 3:
        with context.use(tenant):
            seen.add(db.session.scalar(text("SELECT pg_backend_pid()")))
            db.session.commit()
    return len(seen)


WHO = text("SELECT current_user, current_schema(), (SELECT string_agg(DISTINCT left(holder, 1), '') FROM customer)")


class Oops(Exception):
    """Something of our own that goes wrong in the middle."""


def turn_of(number: int, kill: Callable[[int], None]) -> None:
    """One transaction of the plant in force: it may commit, roll back, fail in a savepoint, raise, or lose its server."""
    db.session.execute(text("CREATE TEMPORARY TABLE mine ON COMMIT DROP AS SELECT holder FROM customer LIMIT 1"))
    db.session.execute(text("UPDATE customer SET note = current_user"))
    if number % 7 == 0:
        with pytest.raises(ProgrammingError), db.session.begin_nested():
            db.session.execute(text("SELECT * FROM nowhere"))
    if number % 11 == 0:
        db.session.execute(text("SET LOCAL work_mem = '1MB'"))
        raise Oops
    if number % 13 == 0:
        db.session.execute(text("SELECT 1 / 0"))
    if number % 49 == 3:
        kill(db.session.scalars(text("SELECT pg_backend_pid()")).one())
        db.session.execute(text("SELECT 1"))
    if number % 3:
        db.session.commit()
    else:
        db.session.rollback()


def test_a_thousand_turns_of_every_kind_leak_nothing(
    app: Flask, shared: Shared, servers: tuple[Postgres, Redis]
) -> None:
    plants = [village(name, 2) for name in MARKS]
    pooled = shared(1)
    address = servers[0].admin_url.replace("+psycopg", "")
    ended = []
    with pooled.app_context(), psycopg.connect(address, autocommit=True) as admin:

        def kill(pid: int) -> None:
            ended.append(pid)
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

        for number in range(1000):
            tenant, mark = plants[number % 2], "甲乙"[number % 2]
            with context.use(tenant):
                try:
                    assert tuple(db.session.execute(WHO).one()) == (tenant.role, tenant.schema, mark)
                    turn_of(number, kill)
                except (Oops, DBAPIError):
                    db.session.rollback()
            assert context.current_or_none() is None
        assert len(set(ended)) > 15
        assert backends(plants) == 1
        for tenant, mark in zip(plants, "甲乙", strict=True):
            with context.use(tenant):
                assert tuple(db.session.execute(WHO).one()) == (tenant.role, tenant.schema, mark)
                assert set(db.session.scalars(text("SELECT note FROM customer"))) == {tenant.role}
                assert db.session.scalar(text("SELECT to_regclass('mine')")) is None
                assert db.session.scalar(text("SHOW work_mem")) != "1MB"
                db.session.rollback()


# A night holds a connection with its lock, so that two workers never do the same night, while its steps run on another.
BY_NIGHT = 2


def due(tenant: Tenant) -> None:
    """A month read, somebody with an advance."""
    with context.use(tenant):
        with transaction():
            big.read("2026-10")
            db.session.execute(text("UPDATE customer SET auto_deduct = true"))
            rich = db.session.scalars(select(Customer.id).order_by(Customer.id).limit(20))
            post_opening_balances([(key, Decimal(30)) for key in rich], on=date(2026, 10, 1), by_id=None)
        db.session.remove()


def owners(tenant: Tenant) -> tuple[int, set[str]]:
    """How many bills a plant has, and whose names stand on the accounts they are of."""
    with context.use(tenant):
        rows = db.session.execute(
            select(Bill.id, Customer.holder).join(Customer, Customer.id == Bill.customer_id)
        ).all()
        db.session.remove()
    return len(rows), {row.holder[0] for row in rows}


def test_nights_of_two_plants_bill_each_its_own(app: Flask, shared: Shared) -> None:
    plants = [village(name, households) for name, households in zip(MARKS, (40, 50), strict=True)]
    pooled = shared(BY_NIGHT)
    with pooled.app_context():
        for tenant in plants:
            due(tenant)
        for tenant, households in zip(plants, (40, 50), strict=True):
            with context.use(tenant):
                found = run_night(NIGHT)
                db.session.remove()
            assert (found["bills"]["bills"], found["auto_deduct"]["customers"]) == (households, 20)
            assert {job.state for job in plant_jobs.of_night(tenant, NIGHT)} == {"done"}
        assert [owners(tenant) for tenant in plants] == [(40, {"甲"}), (50, {"乙"})]


@needs_pgbouncer
def test_a_real_worker_behind_pgbouncer_does_both_plants_nights(
    app: Flask, servers: tuple[Postgres, Redis], open_folder: Path
) -> None:
    plants = [village(name, households) for name, households in zip(MARKS, (40, 50), strict=True)]
    bouncer = PgBouncer(open_folder / "bouncer", servers[0].url, size=BY_NIGHT)
    bouncer.start()
    for tenant in plants:
        due(tenant)
        nights.plan_by_hand(NIGHT, clock.now(), slug=tenant.slug)
    command = ("celery", "-A", "worker.celery", "worker", "-Q", "people,night", "--concurrency", "1", "-l", "warning")
    with running(app, *command, DATABASE_URL=bouncer.url):
        for tenant in plants:
            app.extensions["celery"].send_task("worker.tasks.run_plant_night", args=[tenant.slug], queue="night")
        for tenant in plants:
            wait_until(lambda: {job.state for job in plant_jobs.of_night(tenant, NIGHT)} == {"done"}, "no night")  # noqa: B023
    bouncer.stop()
    assert [owners(tenant) for tenant in plants] == [(40, {"甲"}), (50, {"乙"})]
    assert {job.kind for job in plant_jobs.of_night(plants[0], NIGHT)} == set(KINDS)
