"""/healthz and /readyz while servers fail and come back."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from app.intake.onboarding import open_plant
from embedded.postgres import Postgres
from embedded.redis import Redis
from tenants import migrate
from tenants.session import engine
from tests.processes import wait_until

TOKEN = "only-for-tests-and-long-enough"
BY_ADDRESS = "http://10.1.2.3:8000"  # as a load balancer comes


class Ground:
    """Servers of this file's own, to be stopped at will, and the app on them."""

    def __init__(self, folder: Path) -> None:
        self.postgres, self.redis = Postgres(folder / "pg", fast=True), Redis(folder / "redis", fast=True)
        self.postgres.start()
        self.redis.start()
        urls = {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url}
        self.app = create_app(SECRET_KEY="x" * 32, METRICS_TOKEN=TOKEN, TESTING=True, **urls)
        with self.app.app_context():
            migrate.migrate_platform(engine())

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def ready(self) -> tuple[int, dict[str, Any]]:
        """The status, and what is said of the parts that are not as they should be."""
        answer = self.client.get("/readyz", base_url=BY_ADDRESS)
        assert answer.is_json
        parts = answer.json["parts"]
        assert answer.json["ready"] == (answer.status_code == 200) == all(part["ok"] for part in parts.values())
        return answer.status_code, {name: part["reason"] for name, part in parts.items() if not part["ok"]}

    def metrics(self) -> dict[str, dict[str, float]]:
        """{name: {value of the last label: value}}."""
        page = self.client.get("/metrics", base_url=BY_ADDRESS, headers={"Authorization": f"Bearer {TOKEN}"})
        assert page.status_code == 200
        return {
            family.name: {"".join([*one.labels.values()][-1:]): one.value for one in family.samples}
            for family in text_string_to_metric_families(page.text)
        }

    def platform(self, statement: str) -> None:
        with psycopg.connect(self.postgres.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="qingqu-ready-") as folder:
        Path(folder).chmod(0o755)
        made = Ground(Path(folder))
        yield made
        made.redis.stop()
        made.postgres.stop()


@contextmanager
def stopped(server: Postgres | Redis) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.launch()
        wait_until(server.ready, "the server did not come back")


def test_alive_asks_nobody_and_ready_asks_all(ground: Ground) -> None:
    assert ground.ready() == (200, {})
    answer = ground.client.get("/healthz", base_url=BY_ADDRESS)
    assert (answer.status_code, answer.text, "Set-Cookie" in answer.headers) == (200, "ok", False)
    with stopped(ground.postgres), stopped(ground.redis):
        assert ground.client.get("/healthz", base_url=BY_ADDRESS).status_code == 200


def test_without_postgres_it_is_not_ready_and_comes_back_by_itself(ground: Ground) -> None:
    with stopped(ground.postgres):
        status, wrong = ground.ready()
        assert (status, wrong.keys()) == (503, {"database", "migrations"})
        assert "数据库没有应答 (the database does not answer)" in wrong["database"]
        assert "qingqu" not in str(wrong)  # neither addresses nor users
        assert ground.metrics()["qingqu_ready"] == {"database": 0, "redis": 1, "migrations": 0}
        assert "qingqu_night_lag_seconds" not in ground.metrics()
    assert ground.ready() == (200, {})


def test_without_redis_it_is_not_ready_and_comes_back_by_itself(ground: Ground) -> None:
    with stopped(ground.redis):
        status, wrong = ground.ready()
        assert (status, wrong) == (503, {"redis": "Redis 没有应答 (Redis does not answer)"})
        assert ground.metrics()["qingqu_ready"] == {"database": 1, "redis": 0, "migrations": 1}
        assert ground.metrics()["qingqu_night_lag_seconds"] == {"": 0}
    assert ground.ready() == (200, {})


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_server_that_hangs_does_not_hang_the_answer(ground: Ground, name: str) -> None:
    server = getattr(ground, name)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        status, wrong = ground.ready()
        assert time.monotonic() - began < 20, "it hung"  # it is 2 s; a machine may be busy, for ever it is not
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert status == 503
    assert {"postgres": "database", "redis": "redis"}[name] in wrong
    assert ground.ready() == (200, {})


def test_a_registry_that_somebody_has_locked_does_not_hang_the_answer(ground: Ground) -> None:
    with psycopg.connect(ground.postgres.url.replace("+psycopg", "")) as holder:
        holder.execute("LOCK TABLE platform.plant")
        status, wrong = ground.ready()
        assert (status, wrong.keys()) == (503, {"migrations"})
        holder.rollback()
    assert ground.ready() == (200, {})


def test_a_registry_that_is_behind_is_not_ready(ground: Ground) -> None:
    try:
        ground.platform("DELETE FROM platform.revision")
        status, wrong = ground.ready()
        assert (status, wrong.keys()) == (503, {"migrations"})
        assert "flask migrate" in wrong["migrations"]
        ground.platform("INSERT INTO platform.revision VALUES ('9999')")  # by a newer version than we are
        assert ground.ready() == (200, {})
        ground.platform("ALTER TABLE platform.revision RENAME TO away")
        assert ground.ready()[0] == 503
    finally:
        ground.platform("ALTER TABLE IF EXISTS platform.away RENAME TO revision")
        ground.platform(f"UPDATE platform.revision SET name = '{migrate.head('platform')}'")
    assert ground.ready() == (200, {})


def test_plants_that_are_behind_are_told_of_and_only_all_of_them_together_are_not_ready(ground: Ground) -> None:
    """One plant that cannot be moved must not take the others off the air."""
    with ground.app.app_context():
        for slug in ("first", "second"):
            open_plant(slug, name=slug, admin="admin", password="test-password-1")
    known = [script.revision for script in migrate.tree("tenant").walk_revisions()]
    ground.platform(f"UPDATE platform.plant SET revision = '{known[1]}'")
    answer = ground.client.get("/readyz", base_url=BY_ADDRESS)
    assert (answer.status_code, "2 个水厂的表待更新" in answer.json["parts"]["migrations"]["reason"]) == (200, True)
    ground.platform(f"UPDATE platform.plant SET revision = '{known[2]}' WHERE slug = 'first'")
    assert ground.ready() == (200, {})
    ground.platform(f"UPDATE platform.plant SET revision = '{known[2]}'")
    status, wrong = ground.ready()
    assert (status, "2 个水厂的表都落后" in wrong["migrations"]) == (503, True)
    ground.platform("UPDATE platform.plant SET state = 'suspended'")
    assert ground.ready() == (200, {})
