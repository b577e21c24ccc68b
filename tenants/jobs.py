"""One plant's nights: its open steps in order, each done once, noted as running, done or failed with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, TextClause, func, select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from tenants.context import Tenant
from tenants.models import PlantJob
from tenants.nights import KINDS
from tenants.session import engine, platform, registry

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
    with _alone(tenant) as session, _Notes(session) as notes:
        for job in _open_steps(session, tenant, until) if session else ():
            notes.begin(job)
            result = _do(job, steps[job.kind])
            notes.done(job, result)
            found.setdefault(job.business_date, {})[job.kind] = result
    return found


@contextmanager
def _alone(tenant: Tenant) -> Iterator[Session | None]:
    """A transaction in which nobody else works off this plant's nights; None where somebody does.

    A killed worker's connection ends, and with it the lock.
    """
    with Session(engine(), expire_on_commit=False) as session:
        mine = session.scalar(select(func.pg_try_advisory_xact_lock(NIGHT_LOCK, tenant.id)))
        try:
            yield session if mine else None
        finally:
            with suppress(SQLAlchemyError):  # the database may be gone: then the steps find their work done
                session.commit()


def _open_steps(session: Session, tenant: Tenant, until: date | None) -> list[PlantJob]:
    conditions = [PlantJob.plant_id == tenant.id, PlantJob.state != "done"]
    return _steps(session, *conditions, *([PlantJob.business_date <= until] if until else []))


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
    {_SOON} UPDATE platform.plant_job
    SET attempts = attempts + CAST(state <> 'running' AS integer), state = :state, error = :error,
        started_at = coalesce(started_at, :at), finished_at = :at
    FROM soon WHERE id = :id
""")  # noqa: S608
_DONE = text(f"""
    {_SOON} UPDATE platform.plant_job job
    SET attempts = attempts + CAST(state <> 'running' AS integer), state = 'done', result = done.result, error = NULL,
        started_at = done.began, finished_at = done.ended
    FROM soon, unnest(CAST(:ids AS integer[]), CAST(:results AS jsonb[]), CAST(:began AS timestamptz[]),
                      CAST(:ended AS timestamptz[])) AS done (id, result, began, ended)
    WHERE job.id = done.id
""")  # noqa: S608
NOTES_EVERY = timedelta(seconds=1)
LONG = "bills"  # in a large plant; whoever watches wants to see it run


class _Notes:
    """What is known of a plant's steps, written down once a second: most plants' nights take less."""

    def __init__(self, session: Session | None) -> None:
        self._session = session  # commits when the night is over: what is to be seen before goes another way
        self._done: list[tuple[int, str, datetime, datetime]] = []
        self._began = self._written = datetime.now(UTC)

    def __enter__(self) -> _Notes:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._done and self._session:
            with suppress(SQLAlchemyError):  # the database may be gone: then the steps find their work done
                self._session.execute(_DONE, self._to_write())

    def begin(self, job: PlantJob) -> None:
        """A step runs from now on."""
        self._began = datetime.now(UTC)
        if self._began - self._written > NOTES_EVERY or job.kind == LONG:
            if self._done:
                _note(_DONE, **self._to_write())
            _note(_RUNNING, id=job.id)
            self._written = self._began

    def done(self, job: PlantJob, result: Result) -> None:
        """It has ended well."""
        self._done.append((job.id, json.dumps(result), self._began, datetime.now(UTC)))

    def _to_write(self) -> dict[str, list[Any]]:
        names = ("ids", "results", "began", "ended")
        columns = {name: list(column) for name, column in zip(names, zip(*self._done, strict=True), strict=True)}
        self._done.clear()
        return columns


def _note(statement: TextClause, **values: Any) -> None:
    with registry() as session:
        session.execute(statement, {"at": datetime.now(UTC), **values})


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
    with registry() as session:
        return _steps(session, PlantJob.plant_id == tenant.id, PlantJob.business_date == day)


def last_night(tenant: Tenant) -> list[PlantJob]:
    """The steps of the plant's latest night, in order; of the one that failed, where those after it wait for it."""
    mine = PlantJob.plant_id == tenant.id
    failed = select(func.min(PlantJob.business_date)).where(mine, PlantJob.state == "failed").scalar_subquery()
    latest = select(func.max(PlantJob.business_date)).where(mine).scalar_subquery()
    with registry() as session:
        return _steps(session, mine, PlantJob.business_date == func.coalesce(failed, latest))


def _steps(session: Session, *conditions: ColumnElement[bool]) -> list[PlantJob]:
    found = session.scalars(select(PlantJob).where(*conditions))
    return sorted(found, key=lambda job: (job.business_date, KINDS.index(job.kind)))
