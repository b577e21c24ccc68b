"""What the workers do. Every task may be delivered twice and does its work once."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from app import clock
from tenants.models import Plant
from tenants.session import platform
from worker.base import PlatformTask, TenantTask
from worker.celery import app
from worker.nightly import run_night


@app.task(base=TenantTask, name="worker.tasks.run_plant_night", queue="night", max_retries=5)
def run_plant_night(night: str) -> None:
    """One plant's night, as a task."""
    run_night(date.fromisoformat(night))


@app.task(base=PlatformTask, name="worker.tasks.start_nights", queue="night")
def start_nights(night: str | None = None) -> int:
    """Send every active plant its night; returns how many."""
    day = night or clock.today().isoformat()
    with platform() as session:
        slugs = session.scalars(select(Plant.slug).where(Plant.state == "active").order_by(Plant.id)).all()
    for slug in slugs:
        run_plant_night.apply_async((slug, day))
    return len(slugs)
