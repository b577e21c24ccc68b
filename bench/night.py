"""`bin/bench night`: the night of many plants by Celery's workers, against the very same SQL run straight.

One plant's night is recorded as it goes over the wire; the baseline plays it for every other plant, which is that one's
exact copy, on as many connections as there are workers, without Celery, registry or Python around it. Both start from
the same files on disk. `worker_mb` is the largest process of the worker at the end of the night.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from flask import Flask
from sqlalchemy import create_engine, event, text

from app.clock import now
from app.db import db, transaction
from bench import ground
from bench.ground import NIGHT
from embedded.account import own
from embedded.postgres import Postgres
from seeds.copies import copy_plant
from tenants import context, nights, provisioning
from tenants.context import Tenant
from tenants.session import ENTRY, engine, entry, platform, quoted
from worker.nightly import run_night

Call = tuple[str, Any, Any]  # statement, parameters, rows of a COPY
COUNT = "SELECT count(*), sum(amount) FROM {}.bill"


class Recorder(psycopg.Cursor[Any]):
    """A cursor that notes what is asked within a plant's transactions."""

    nights: ClassVar[list[list[Call]]] = []
    open: ClassVar[dict[int, list[Call] | None]] = {}

    def _note(self, statement: str, params: Any, rows: Any = None) -> None:
        key = id(self.connection)
        if self.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self.open[key] = None
        if statement.startswith(ENTRY):
            self.open[key] = []
            self.nights.append(self.open[key])
        elif self.open[key] is not None:
            self.open[key].append((statement, params, rows))

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
        self._note(query if isinstance(query, str) else query.as_string(self.connection), params)
        return super().execute(query, params, **kwargs)

    @contextmanager
    def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:  # type: ignore[override]
        rows: list[Any] = []
        self._note(statement.as_string(self.connection), None, rows)
        with super().copy(statement, *args, **kwargs) as copy:
            write = copy.write_row

            def write_row(row: Any) -> None:
                rows.append(row)
                write(row)

            copy.write_row = write_row  # type: ignore[method-assign]
            yield copy


def record(tenant: Tenant) -> list[list[Call]]:
    """The plant's night as SQL: its transactions in order."""

    def watch(connection: Any, _record: object) -> None:
        connection.cursor_factory = Recorder

    event.listen(engine(), "connect", watch)
    engine().dispose()
    with context.use(tenant):
        run_night(NIGHT)
        db.session.remove()
    event.remove(engine(), "connect", watch)
    engine().dispose()
    return [night for night in Recorder.nights if night]


def prepare(plants: int, customers: int) -> tuple[Tenant, list[Tenant]]:
    """The plant to be recorded, and its copies; every one reads, two of three households have put money in."""
    template = ground.plant("template")
    with context.use(template):
        ground.fill(customers, ["2026-10"])
        with transaction():
            db.session.execute(text("UPDATE customer SET credit_balance = 2000, auto_deduct = true WHERE id % 3 <> 0"))
        db.session.remove()
    return template, [copy_plant(template, f"copy{n}") for n in range(plants)]


def _play(nights_sql: list[list[Call]], source: Tenant, connection: Any, tenant: Tenant) -> None:
    for calls in nights_sql:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(entry(tenant))
            for statement, params, rows in calls:
                if rows is not None:
                    with cursor.copy(statement) as copy:
                        for row in rows:
                            copy.write_row(row)
                    continue
                if "advisory" in statement:  # each plant has its own locks
                    params = {name: tenant.id if value == source.id else value for name, value in params.items()}
                cursor.execute(statement, params)
                if cursor.description:
                    cursor.fetchall()


def by_celery(app: Flask, workers: int) -> tuple[float, float]:
    """Seconds of the night from its sending to the last step done, and the largest process then, MB."""
    with platform() as session:  # no night but this one
        session.execute(text("UPDATE platform.plant SET planned_until = DATE '2099-01-01'"))
    nights.plan_by_hand(NIGHT, now())
    env = os.environ | {key: app.config[key] for key in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")}
    command = ["-m", "celery", "-A", "worker.celery", "worker", "-Q", "people,night", f"--concurrency={workers}"]
    process = subprocess.Popen(
        [sys.executable, *command, "-l", "error"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        app.extensions["celery"].control.inspect(timeout=30).ping()
        start = time.perf_counter()
        app.extensions["celery"].send_task("worker.tasks.start_nights", queue="night")
        left, moved = _open_steps(), start
        while left:
            time.sleep(0.1)
            before, left = left, _open_steps()
            moved = time.perf_counter() if left != before else moved
            if time.perf_counter() > moved + 60:
                raise SystemExit(f"the night stands still with {left} steps open")
        return time.perf_counter() - start, _largest(process.pid)
    finally:
        process.terminate()
        process.wait()


def _open_steps() -> int:
    with platform() as session:
        return session.scalar(text("SELECT count(*) FROM platform.plant_job WHERE state <> 'done'")) or 0


def _largest(pid: int) -> float:
    """MB of the largest process among `pid` and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = [Path(f"/proc/{one}/status").read_text() for one in (pid, *children)]
    return max(int(text.split("VmRSS:")[1].split()[0]) for text in status) / 1024


def billed(postgres: Postgres, tenants: list[Tenant]) -> set[tuple[Any, ...]]:
    """(bills, yuan) of every plant: one and the same where all is well."""
    admin = create_engine(postgres.admin_url)
    with admin.connect() as connection:
        found = {tuple(connection.execute(text(COUNT.format(quoted(t.schema)))).one()) for t in tenants}
    admin.dispose()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plants", type=int, default=1000)
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with ground.ground() as (app, postgres):
        template, tenants = prepare(options.plants, options.customers)
        ground.settle_disk(postgres, "")
        before = _put_by(postgres)
        recorded = record(template)
        play = partial(_play, recorded, template)
        sql_s = ground.side_by_side(postgres.url, tenants, options.workers, play)
        sums = billed(postgres, tenants)
        _put_back(postgres, before)
        provisioning.drop_plant(template.slug)
        total_s, worker_mb = by_celery(app, options.workers)
        assert billed(postgres, tenants) == sums, "the two nights billed differently"
        assert len(sums) == 1, "some plant was billed differently"
    print(
        json.dumps(
            {
                "plants": options.plants,
                "customers": options.customers,
                "total_s": round(total_s, 1),
                "sql_s": round(sql_s, 1),
                "ratio_to_sql": round(total_s / sql_s, 2),
                "bills_per_s": round(options.plants * options.customers / total_s),
                "worker_mb": round(worker_mb),
            }
        )
    )


def _put_by(postgres: Postgres) -> Path:
    """A copy of the data, taken while the server rests."""
    kept = postgres.data_dir.with_name("kept")
    engine().dispose()
    postgres.stop()
    shutil.copytree(postgres.data_dir, kept)
    postgres.start()
    return kept


def _put_back(postgres: Postgres, kept: Path) -> None:
    engine().dispose()
    postgres.stop()
    shutil.rmtree(postgres.data_dir)
    kept.rename(postgres.data_dir)
    own(postgres.data_dir)
    postgres.start()
