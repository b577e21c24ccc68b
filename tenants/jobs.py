"""One plant's nights: its open steps in order, each done once, noted as running, done or failed with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, TextClause, func, select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tenants.context import Tenant
from tenants.models import PlantJob
from tenants.nights import KINDS
from tenants.session import engine, platform

NIGHT_LOCK = 71005  # first key of the plants' advisory locks on their nights
ATTEMPTS = 8  # of a step that the database breaks off, before it counts as failed

Result = dict[str, Any]
Step = Callable[[date], Result]


def work_off(tenant: Tenant, steps: Mapping[str, Step], *, until: date | None = None) -> dict[date, dict[str, Result]]:
    """Do the plant's open steps, oldest night first; returns what each gave.

    One worker at a time: a second one finds the plant taken and leaves with nothing. A step that fails is noted and
    raised, and those after it stay open. A step must be idempotent: it may be committed before it is noted as done.
    """
    found: dict[date, dict[str, Result]] = {}
    with _alone(tenant) as mine:
        left = _open_steps(tenant, until) if mine else []
        if left:
            _note(_RUNNING, id=left[0].id)
        for place, job in enumerate(left, 1):
            result = _do(job, steps[job.kind])
            after = left[place].id if place < len(left) else 0
            _note(_DONE, id=job.id, next=after, result=json.dumps(result))
            found.setdefault(job.business_date, {})[job.kind] = result
    return found


@contextmanager
def _alone(tenant: Tenant) -> Iterator[bool]:
    """Whether nobody else works off this plant's nights. A killed worker's connection ends, and with it the lock."""
    with engine().begin() as connection:
        yield bool(connection.scalar(select(func.pg_try_advisory_xact_lock(NIGHT_LOCK, tenant.id))))


def _open_steps(tenant: Tenant, until: date | None) -> list[PlantJob]:
    conditions = [PlantJob.plant_id == tenant.id, PlantJob.state != "done"]
    return _steps(*conditions, *([PlantJob.business_date <= until] if until else []))


def _do(job: PlantJob, step: Step) -> Result:
    try:
        return step(job.business_date)
    except Exception as error:
        again = is_passing(error) and job.attempts + 1 < ATTEMPTS
        with suppress(SQLAlchemyError):  # the database may be gone; then the row says "running" and nobody holds it
            _note(_BROKEN, id=job.id, state="queued" if again else "failed", error=str(error)[:2000])
        raise


# Notes do not wait for the disk: one that is lost is made again, for the step finds its work done.
_SOON = "WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
_RUNNING = text(f"""
    {_SOON} UPDATE platform.plant_job
    SET state = 'running', attempts = attempts + 1, started_at = :at, finished_at = NULL FROM soon WHERE id = :id
""")  # noqa: S608
_BROKEN = text(f"""
    {_SOON} UPDATE platform.plant_job SET state = :state, error = :error, finished_at = :at FROM soon WHERE id = :id
""")  # noqa: S608
# One step is done and the next one runs.
_DONE = text(f"""
    {_SOON} UPDATE platform.plant_job
    SET state = CASE id WHEN :id THEN 'done' ELSE 'running' END,
        result = CASE id WHEN :id THEN CAST(:result AS jsonb) ELSE result END,
        error = CASE id WHEN :id THEN NULL ELSE error END,
        finished_at = CASE id WHEN :id THEN CAST(:at AS timestamptz) END,
        started_at = CASE id WHEN :id THEN started_at ELSE :at END,
        attempts = CASE id WHEN :id THEN attempts ELSE attempts + 1 END
    FROM soon WHERE id IN (:id, :next)
""")  # noqa: S608


def _note(statement: TextClause, **values: Any) -> None:
    with engine().connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(
            statement, {"at": datetime.now(UTC), **values}
        )


def is_passing(error: BaseException) -> bool:
    """Whether the same may succeed a moment later: the database is restarting, or two transactions got in each other's way."""
    if not isinstance(error, DBAPIError):
        return False
    code = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or code[:2] in ("", "08", "40", "53", "55", "57")


def retry(plant_id: int, day: date) -> bool:
    """Let the failed steps of a plant's night be tried again; False where none has failed. The caller tells a worker."""
    with platform() as session:
        done = session.execute(
            update(PlantJob)
            .where(PlantJob.plant_id == plant_id, PlantJob.business_date == day, PlantJob.state == "failed")
            .values(state="queued", attempts=0, queued_at=datetime.now(UTC))
        )
        return bool(done.rowcount)  # type: ignore[attr-defined]


def of_night(tenant: Tenant, day: date) -> list[PlantJob]:
    """The steps of the plant's night of a business date, in order."""
    return _steps(PlantJob.plant_id == tenant.id, PlantJob.business_date == day)


def last_night(tenant: Tenant) -> list[PlantJob]:
    """The steps of the plant's latest night, in order; of the one that failed, where those after it wait for it."""
    mine = PlantJob.plant_id == tenant.id
    failed = select(func.min(PlantJob.business_date)).where(mine, PlantJob.state == "failed").scalar_subquery()
    latest = select(func.max(PlantJob.business_date)).where(mine).scalar_subquery()
    return _steps(mine, PlantJob.business_date == func.coalesce(failed, latest))


def _steps(*conditions: ColumnElement[bool]) -> list[PlantJob]:
    with platform() as session:
        found = session.scalars(select(PlantJob).where(*conditions))
        return sorted(found, key=lambda job: (job.business_date, KINDS.index(job.kind)))
