"""Real servers for the whole run, a fresh plant for each test that asks for one."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from contextvars import Context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask, g
from flask.testing import FlaskClient

from app import clock, create_app, extensions
from app.db import db, transaction
from app.intake.onboarding import open_plant
from embedded.postgres import Postgres
from embedded.redis import Redis
from tenants import context, migrate, passwords, resolver
from tenants.context import Tenant
from tenants.entry import captcha
from tenants.session import engine
from tests.servers import run_servers
from tests.spare import Spares
from tests.watch import watching

PASSWORD = "test-password-1"
# Files and folders that take longest, the longest first (a minute or two down to some seconds).
SLOWEST = (
    "payments/test_books_model", "journeys/test_every_page", "worker/test_chaos", "billing/test_killed_run",
    "doors/test_fuzz", "doors/", "journeys/test_large_import", "journeys/test_working_day", "tenants/test_pooler",
    "worker/test_stopping", "worker/test_night", "journeys/", "worker/", "observe/", "embedded/", "tenants/",
)  # fmt: skip
TODAY = datetime(2026, 11, 20, 2, tzinfo=UTC)  # when the tests begin, whatever day it is: bills are out, none is late
_numbers = itertools.count(1)
# Tests knock faster than people; the tests of the limits set their own. By the environment: other processes too.
FREELY = dict.fromkeys(("RATE_ADDRESS", "RATE_HEAVY", "RATE_PLANT"), "1000000 per minute")
os.environ |= FREELY

passwords.use(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))  # each test hashes and checks some
os.environ[clock.AHEAD] = str((TODAY - datetime.now(UTC)).total_seconds())  # child processes live in that week too


def _place(item: pytest.Item) -> int:
    """Where a test's file comes among the slowest; behind them all if it is quick."""
    file = item.path.relative_to(Path(__file__).parent).as_posix()
    return next((n for n, start in enumerate(SLOWEST) if file.startswith(start)), len(SLOWEST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take minutes go first and the quick ones last, so that two processes finish together."""
    items.sort(key=_place)


def make_app(postgres: Postgres, redis: Redis) -> Iterator[Flask]:
    """The app on these servers, migrated, its context pushed."""
    flask_app = create_app(
        SECRET_KEY="only-for-tests-0123456789",
        DATABASE_URL=postgres.url,
        REDIS_URL=redis.url,
        TESTING=True,
        WTF_CSRF_ENABLED=False,
        **FREELY,
    )
    flask_app.extensions["kept_limiter"] = vars(extensions.limiter).copy()
    flask_app.extensions["spares"] = spares = Spares(postgres)
    with flask_app.app_context():
        migrate.migrate_platform(engine())
        yield flask_app
    spares.close()


@pytest.fixture(autouse=True)
def watch() -> Iterator[None]:
    """Whatever a test does through a page: the log tells of it, field by field (tests/watch.py)."""
    with watching() as missing:
        yield
    assert missing == []


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Postgres, Redis]]:
    """The servers of the whole run."""
    yield from run_servers()


@pytest.fixture(scope="session")
def app(servers: tuple[Postgres, Redis]) -> Iterator[Flask]:
    """The app of the whole run."""
    yield from make_app(*servers)


def make_plant(name: str = "测试水厂") -> Tenant:
    """A fresh plant with its manager `admin`."""
    return open_plant(f"test{next(_numbers)}", name=name, admin="admin", password=PASSWORD)


@pytest.fixture
def plant(app: Flask) -> Iterator[Tenant]:
    """A fresh plant, in force during the test."""
    vars(extensions.limiter).update(app.extensions["kept_limiter"])  # other tests have made other apps
    for name in list(g):  # of the context that the whole run shares: whoever a test before was logged in as
        g.pop(name)
    spares: Spares = app.extensions["spares"]
    tenant = spares.take(f"test{next(_numbers)}", name="测试水厂", admin="admin", password=PASSWORD) or make_plant()
    spares.learn(tenant)
    with context.use(tenant):
        yield tenant
        db.session.rollback()
        db.session.remove()
    resolver.forget()
    spares.give_back(tenant)


@pytest.fixture(scope="session")
def neighbour(app: Flask) -> Tenant:
    """Another plant, which nothing a test does may touch."""
    return make_plant("邻村水厂")


class Site:
    """A browser without a browser: requests at a plant's host."""

    def __init__(self, app: Flask, tenant: Tenant) -> None:
        self.base = f"http://{tenant.slug}.localhost"
        self.client: FlaskClient = app.test_client()

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A request starts from nothing: no app context, no plant; only the clock of the test goes along."""
        frozen = clock.frozen()

        def call() -> Any:
            if frozen is None:
                return method(*args, base_url=self.base, **kwargs)
            with clock.at(frozen):
                return method(*args, base_url=self.base, **kwargs)

        return Context().run(call)

    def get(self, path: str, **kwargs: Any) -> Any:
        """GET a path."""
        return self._call(self.client.get, path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Any:
        """POST to a path."""
        return self._call(self.client.post, path, **kwargs)

    def login_form(self) -> dict[str, str]:
        """What the login page asks to be sent back, its 验证码 read."""
        found = re.search(r'name="captcha_id" value="([^"]+)"', self.get("/login").text)
        key = found.group(1) if found else ""  # none: somebody is logged in
        return {"captcha_id": key, "captcha": captcha.answer(key) or ""}

    def log_in(self, username: str = "admin", password: str = PASSWORD) -> Any:
        """Fill the login form."""
        return self.post("/login", data={"username": username, "password": password} | self.login_form())


@pytest.fixture
def site(app: Flask, plant: Tenant) -> Site:
    """The plant's site, nobody logged in."""
    return Site(app, plant)


@pytest.fixture
def client(site: Site) -> Site:
    """The plant's site, its manager logged in."""
    site.log_in()
    return site


@pytest.fixture
def commit(plant: Tenant) -> Callable[[], Any]:
    """`with commit():` — a transaction of the plant, committed."""
    return transaction
