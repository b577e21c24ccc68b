"""What benches stand on: durable servers of their own, plants to measure, a stop-watch."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from app import create_app
from app.db import transaction
from app.intake.onboarding import open_plant
from app.tariffs.service import import_tariff
from embedded.postgres import Postgres
from embedded.redis import Redis
from seeds import big
from tenants import migrate
from tenants.context import Tenant
from tenants.session import engine

NIGHT = date(2026, 11, 1)
TARIFF = {
    "name": "居民一户一表",
    "use_category": "居民生活用水",
    "effective_from": "2020-01-01",
    "tier_cycle": "year",
    "charges": [
        {
            "item": "水费",
            "basis": "volume",
            "tier_mode": "graduated",
            "tiers": [
                {"up_to": "60", "price": "2.00"},
                {"up_to": "90", "price": "3.00"},
                {"up_to": None, "price": "6.00"},
            ],
        },
        {"item": "污水处理费", "basis": "volume", "price": "0.95"},
    ],
    "late_fee": {"due_day": 25, "grace_days": 0, "daily_rate": "0.0005", "base": "unpaid", "cap": "1", "minimum": "0"},
}

PASSWORD = "bench-password"
# What is measured is the work: nobody is told to ask less.
FREELY = dict.fromkeys(("RATE_ADDRESS", "RATE_HEAVY", "RATE_LOGIN", "RATE_PLANT"), "1000000 per minute")


@contextmanager
def ground() -> Iterator[tuple[Flask, Postgres]]:
    """The app on a PostgreSQL that really writes to disk, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="qingqu-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres, redis = Postgres(Path(folder) / "pg"), Redis(Path(folder) / "redis")
        postgres.start()
        redis.start()
        try:
            app = create_app(SECRET_KEY="bench" * 4, DATABASE_URL=postgres.url, REDIS_URL=redis.url, **FREELY)
            with app.app_context():
                migrate.migrate_platform(engine())
                yield app, postgres
        finally:
            redis.stop()
            postgres.stop()


def plant(slug: str) -> Tenant:
    """An empty plant."""
    return open_plant(slug, name=slug, admin="admin", password=PASSWORD)


def fill(customers: int, periods: list[str], *, tariff: bool = True) -> None:
    """Customers with readings of the periods, in the plant in force."""
    with transaction():
        if tariff:
            import_tariff(TARIFF, by_id=None)
        big.fill(customers)
        for period in periods:
            big.read(period)


def script(postgres: Postgres, statements: str) -> None:
    """Run statements as the superuser, each on its own."""
    admin = create_engine(postgres.admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for statement in statements.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
    admin.dispose()


def timed_batch(postgres: Postgres, statements: list[str]) -> float:
    """Seconds of one durable transaction of these statements."""
    admin = create_engine(postgres.admin_url)
    with admin.connect() as connection:
        connection.execute(text("SELECT 1"))
        start = time.perf_counter()
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()
        found = time.perf_counter() - start
    admin.dispose()
    return found


def settle_disk(postgres: Postgres, *tables: str) -> None:
    """VACUUM ANALYZE and a checkpoint, so that every measured run starts from the same place."""
    admin = create_engine(postgres.admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for table in tables:
            connection.execute(text(f"VACUUM ANALYZE {table}"))
        connection.execute(text("CHECKPOINT"))
    admin.dispose()


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def side_by_side(url: str, items: Iterable[Any], connections: int, work: Callable[[Any, Any], object]) -> float:
    """Seconds that `work(connection, item)` takes for all items, on so many bare connections at once."""
    queue: SimpleQueue[Any] = SimpleQueue()
    for item in items:
        queue.put(item)

    def run() -> None:
        with psycopg.connect(wire(url), prepare_threshold=None) as connection, suppress(Empty):
            while True:
                work(connection, queue.get_nowait())

    threads = [threading.Thread(target=run) for _ in range(connections)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def wire(url: str) -> str:
    """A database's address as psycopg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
