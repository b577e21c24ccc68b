"""`bin/bench fleet`: many plants on one server: opening them, moving them to new tables, and what they cost while served.

Ratios are measured side by side in one run: opening a plant against its bare DDL, the migration against its bare SQL on
as many connections, a warm page against the same page of the same schema without any tenancy around it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask, current_app
from sqlalchemy import text

from app import create_app
from bench import ground, pages
from embedded.ports import free_port
from embedded.postgres import Postgres
from tenants import fleet, migrate, provisioning, resolver, roles, session
from tenants.context import Tenant
from tenants.session import engine, platform, quoted

SAMPLES = 20
AT_ONCE = 4  # plants that are opened side by side, where that is not measured
STEP = ("ALTER TABLE customer ADD COLUMN bench_{n} text", "CREATE INDEX ix_customer_bench_{n} ON customer (bench_{n})")


def opened(slug: str) -> float:
    """Seconds to open a plant."""
    return ground.seconds(lambda: provisioning.create_plant(slug, name=slug))


def open_all(app: Flask, slugs: Sequence[str]) -> None:
    """Open plants side by side, unmeasured."""

    def one(slug: str) -> None:
        with app.app_context():
            opened(slug)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, slugs))


def bare(connection: psycopg.Connection[Any], name: str) -> float:
    """Seconds of the same tables and rights as one transaction of plain statements; gone afterwards."""
    statements = [
        f"CREATE SCHEMA {name}",
        f"SET LOCAL search_path = {name}",
        *migrate.script("tenant", None),
        *roles.create_statements(name, server_version=18),
        *roles.grant_statements(name, name),
    ]
    start = time.perf_counter()
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    spent = time.perf_counter() - start
    connection.execute(f"DROP SCHEMA {name} CASCADE")
    connection.execute(f"DROP ROLE {name}")
    connection.commit()
    return spent


def provisioning_costs(url: str, count: int) -> dict[str, float]:
    """Medians of both, in turn, at the fleet's size as it is: ms, p95 and the ratio."""
    times, plain = [], []
    with psycopg.connect(ground.wire(url)) as connection:
        for n in range(SAMPLES):
            times.append(opened(f"at{count}-{n}"))
            plain.append(bare(connection, f"bare_{count}_{n}"))
    ratio = statistics.median(one / other for one, other in zip(times, plain, strict=True))
    return {
        "ms": statistics.median(times) * 1000,
        "p95": statistics.quantiles(times, n=20)[-1] * 1000,
        "ratio": ratio,
    }


def schemas() -> list[str]:
    """Of all plants."""
    with platform() as found:
        return list(found.scalars(text("SELECT schema_name FROM platform.plant ORDER BY id")))


def migration(url: str, workers: int) -> tuple[float, float]:
    """Seconds to give every plant a column and an index, and those of the bare SQL on as many connections.

    The bare SQL goes before and after it, on warm tables both times, and its mean counts.
    """
    before = migrate.tree("tenant").get_revision(migrate.head("tenant")).down_revision
    with platform() as found:
        found.execute(text("UPDATE platform.plant SET revision = :before"), {"before": before})
    real, plain = migrate.script, [ground.side_by_side(url, schemas(), workers, _bare_migration(0))]
    migrate.script = lambda *_: tuple(part.format(n=1) for part in STEP)  # type: ignore[assignment]
    try:
        start = time.perf_counter()
        failed = fleet.move(fleet.behind(), workers=workers)
        spent = time.perf_counter() - start
    finally:
        migrate.script = real
    assert not failed, failed
    plain.append(ground.side_by_side(url, schemas(), workers, _bare_migration(2)))
    return spent, statistics.mean(plain)


def _bare_migration(n: int) -> Callable[[Any, str], None]:
    def step(connection: Any, schema: str) -> None:
        connection.execute(f"SET LOCAL search_path = {quoted(schema)}")
        for part in STEP:
            connection.execute(part.format(n=n))
        connection.commit()

    return step


def overhead(app: Flask, tenant: Tenant, rounds: int) -> float:
    """The customers' page of a plant against the same of an app that knows one schema only, in turn; ratio of medians."""
    alone = create_app(
        SECRET_KEY=app.config["SECRET_KEY"], REDIS_URL=app.config["REDIS_URL"],
        DATABASE_URL=f"{app.config['DATABASE_URL']}?options=-csearch_path%3D{tenant.schema}",
    )  # fmt: skip
    with _single_tenant(alone, tenant):
        clients = [pages.logged_in(app, tenant), pages.logged_in(alone, tenant)]
        times: list[list[float]] = [[], []]
        for _ in range(rounds + 10):
            for client, spent in zip(clients, times, strict=True):
                spent.append(pages.seconds(client, tenant, "/customers"))
    many, one = (statistics.median(spent[10:]) for spent in times)
    return many / one - 1


@contextmanager
def _single_tenant(alone: Flask, tenant: Tenant) -> Iterator[None]:
    """In this app nobody looks a plant up, and no transaction says whose it is: its connections live in the one schema."""
    enter, by_host = session.enter, resolver.by_host

    def entered(*args: Any, **more: Any) -> None:
        if current_app.config is not alone.config:
            enter(*args, **more)

    def found(host: str) -> Tenant | None:
        return tenant if current_app.config is alone.config else by_host(host)

    session.enter, resolver.by_host = entered, found
    try:
        yield
    finally:
        session.enter, resolver.by_host = enter, by_host
        with alone.app_context():
            engine().dispose()


def first_views(app: Flask, slugs: Sequence[str]) -> tuple[float, float]:
    """Medians in ms of the first and the second request of plants that this process has not seen."""
    client = app.test_client()

    def ask(slug: str) -> float:
        return ground.seconds(lambda: client.get("/login", base_url=f"http://{slug}.localhost"))

    resolver.forget()
    engine().dispose()  # the server's processes that opened the plants have seen them
    ask("shown")
    found = [(ask(slug), ask(slug)) for slug in slugs]
    return statistics.median(a for a, _ in found) * 1000, statistics.median(b for _, b in found) * 1000


def web_worker(app: Flask, slugs: Sequence[str]) -> float:
    """MB of a gunicorn worker that has answered for all these plants."""
    port = free_port()
    env = os.environ | {key: app.config[key] for key in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")}
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for slug in slugs:
            _ask(port, slug)
        child = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        return int(Path(f"/proc/{child}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
    finally:
        process.terminate()
        process.wait()


def _ask(port: int, slug: str) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/login", headers={"Host": f"{slug}.localhost"})
    for _ in range(100):
        try:
            urllib.request.urlopen(request, timeout=30).read()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the web server does not answer")


def size_of(postgres: Postgres) -> tuple[float, int]:
    """MB and files of the database."""
    folder = postgres.data_dir / "base"
    files = [file for file in folder.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6, len(files)


def measure(app: Flask, postgres: Postgres, plants: int, workers: int) -> dict[str, float]:
    """Open the plants, then everything that is asked of them; the keys are what is printed. Told as it goes, too."""
    tenant = pages.filled("shown", 300)
    for n in range(9):
        opened(f"plant{n}")
    at_10 = told("at 10 plants", provisioning_costs(postgres.url, 10))
    before = size_of(postgres)
    slugs = [f"plant{n}" for n in range(9, plants - SAMPLES - 1)]
    open_all(app, slugs)
    ground.settle_disk(postgres, "platform.plant")
    after = size_of(postgres)
    at_all = told("at all plants", provisioning_costs(postgres.url, plants))
    noop = ground.seconds(lambda: fleet.move(fleet.behind()))
    migration_s, sql_s = told("migration and bare SQL, s", migration(postgres.url, workers))
    cold, warm = told("cold and warm, ms", first_views(app, slugs[:SAMPLES]))
    over = told("overhead", overhead(app, tenant, 300))
    worker_mb = told("web worker, MB", web_worker(app, slugs[: min(500, len(slugs))]))
    return {
        "provision_ms": round(at_all["ms"]),
        "provision_ms_p95": round(at_all["p95"]),
        "provision_ms_at_10": round(at_10["ms"]),
        "provision_ms_at_10_p95": round(at_10["p95"]),
        "provision_ratio_to_ddl": round(at_all["ratio"], 2),
        "noop_migration_s": round(noop, 3),
        "migration_s": round(migration_s, 1),
        "migration_ratio_to_sql": round(migration_s / sql_s, 2),
        "cold_ms": round(cold, 1),
        "warm_ms": round(warm, 1),
        "warm_overhead": round(over, 3),
        "tables_per_plant": count("pg_tables", tenant),
        "indexes_per_plant": count("pg_indexes", tenant),
        "mb_per_plant": round((after[0] - before[0]) / len(slugs), 2),
        "files_per_plant": round((after[1] - before[1]) / len(slugs)),
        "web_worker_mb": round(worker_mb),
    }


def told(what: str, found: Any) -> Any:
    """The same, said on standard error: a run over thousands of plants takes minutes."""
    print(f"{what}: {found}", file=sys.stderr, flush=True)
    return found


def count(view: str, tenant: Tenant) -> int:
    """Rows that a catalogue view has of a plant."""
    with platform() as found:
        counted = found.scalar(text(f"SELECT count(*) FROM {view} WHERE schemaname = :s"), {"s": tenant.schema})
    return int(counted or 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plants", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with ground.ground() as (app, postgres):
        found = measure(app, postgres, options.plants, options.workers)
        print(json.dumps({"plants": options.plants} | found), flush=True)  # taking it down again takes minutes
