"""Every plant's export by the calendar: into EXPORT_DIR, once in EXPORT_DAYS, the last EXPORT_KEEP kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import ColumnElement, func, or_, select

from tenants import backup
from tenants.context import Tenant
from tenants.models import Plant
from tenants.session import engine, platform

EXPORT_LOCK = 71006  # first key of the plants' advisory locks on their exports


def due(at: datetime, *, limit: int) -> list[str]:
    """Plants whose last export is too old, the oldest first; none where no folder is set."""
    if not current_app.config["EXPORT_DIR"]:
        return []
    query = select(Plant.slug).where(Plant.state != "archived", _too_old(at))
    with platform() as session:
        return list(session.scalars(query.order_by(Plant.exported_at.nulls_first(), Plant.id).limit(limit)))


def make(tenant: Tenant, at: datetime) -> Path | None:
    """Write the plant's export and remove the oldest; None where that is done already or being done."""
    folder = Path(current_app.config["EXPORT_DIR"]) / f"{tenant.slug}.{tenant.id}"
    with engine().begin() as connection:  # a killed worker's lock goes with its connection
        alone = connection.scalar(select(func.pg_try_advisory_xact_lock(EXPORT_LOCK, tenant.id)))
        if not alone or not connection.scalar(select(Plant.id).where(Plant.id == tenant.id, _too_old(at))):
            return None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.glob("*.part"):
            left.unlink()
        path = folder / f"{tenant.slug}-{at:%Y%m%dT%H%M%SZ}.zip"
        backup.export_plant(tenant.slug, path)
        kept = current_app.config["EXPORT_KEEP"]
        for old in sorted(folder.glob("*.zip"), key=lambda file: file.name[-20:])[:-kept]:
            old.unlink()
    return path


def _too_old(at: datetime) -> ColumnElement[bool]:
    oldest = at - timedelta(days=current_app.config["EXPORT_DAYS"])
    return or_(Plant.exported_at.is_(None), Plant.exported_at <= oldest)
