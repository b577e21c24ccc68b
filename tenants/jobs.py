"""One row per plant, kind and business date: claimed, done or failed with the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tenants.context import Tenant
from tenants.models import Plant, PlantJob
from tenants.session import engine, platform


def bill_day(tenant: Tenant) -> int:
    """The plant's 账单日."""
    with platform() as session:
        return session.scalars(select(Plant.bill_day).where(Plant.id == tenant.id)).one()


def run_once(tenant: Tenant, kind: str, day: date, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do `work` unless it is done for this plant and day; returns its result, or the stored one.

    The job's row is locked while the work runs, so a second runner waits and then finds it done; a killed one
    lets go of it. The work itself must be idempotent: it may be committed before its row says so.
    """
    with platform() as session:
        session.execute(
            insert(PlantJob)
            .values(plant_id=tenant.id, kind=kind, business_date=day, state="queued", attempts=0)
            .on_conflict_do_nothing()
        )
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        job = session.scalars(
            select(PlantJob)
            .where(PlantJob.plant_id == tenant.id, PlantJob.kind == kind, PlantJob.business_date == day)
            .with_for_update()
        ).one()
        if job.state == "done":
            return job.result or {}
        job_id, started = job.id, datetime.now(UTC)  # the row itself is gone after a rollback
        try:
            result = work()
        except Exception as error:
            session.rollback()
            _note_failure(job_id, started, str(error))
            raise
        job.state, job.result, job.error = "done", result, None
        job.attempts += 1
        job.started_at, job.finished_at = started, datetime.now(UTC)
        return result


def _note_failure(job_id: int, started: datetime, error: str) -> None:
    with platform() as session:
        session.execute(
            update(PlantJob)
            .where(PlantJob.id == job_id)
            .values(
                state="failed",
                error=error[:2000],
                attempts=PlantJob.attempts + 1,
                started_at=started,
                finished_at=datetime.now(UTC),
            )
        )


def last_night(tenant: Tenant) -> list[PlantJob]:
    """The jobs of the plant's latest business date."""
    with platform() as session:
        latest = select(PlantJob.business_date).where(PlantJob.plant_id == tenant.id)
        return list(
            session.scalars(
                select(PlantJob)
                .where(
                    PlantJob.plant_id == tenant.id,
                    PlantJob.business_date == latest.order_by(PlantJob.business_date.desc()).limit(1).scalar_subquery(),
                )
                .order_by(PlantJob.id)
            )
        )
