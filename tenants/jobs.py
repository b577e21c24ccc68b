"""One plant's nights: its open steps in order, each done once, noted as running, done or failed with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, text, update
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
        for job in _open_steps(tenant, until) if mine else ():
            found.setdefault(job.business_date, {})[job.kind] = _do(job, steps[job.kind])
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
    attempts = job.attempts + 1
    _note(job, state="running", attempts=attempts, started_at=datetime.now(UTC), finished_at=None)
    try:
        result = step(job.business_date)
    except Exception as error:
        broken_off = is_passing(error) and attempts < ATTEMPTS
        with suppress(SQLAlchemyError):  # the database may be gone; then the row says "running" and nobody holds it
            state = "queued" if broken_off else "failed"
            _note(job, state=state, error=str(error)[:2000], finished_at=datetime.now(UTC))
        raise
    _note(job, state="done", result=result, error=None, finished_at=datetime.now(UTC))
    return result


def is_passing(error: BaseException) -> bool:
    """Whether the same may succeed a moment later: the database is restarting, or two transactions got in each other's way."""
    if not isinstance(error, DBAPIError):
        return False
    code = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or code[:2] in ("", "08", "40", "53", "55", "57")


def _note(job: PlantJob, **values: Any) -> None:
    """Not waiting for the disk: a note that is lost is made again, for the step finds its work done."""
    with engine().begin() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        connection.execute(update(PlantJob).where(PlantJob.id == job.id).values(values))


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
