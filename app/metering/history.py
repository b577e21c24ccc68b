"""What happened to one meter: whose it was, when it stood still, as what it was charged, and who did it when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select
from sqlalchemy.orm import aliased

from app.areas.reach import only_reader, within_reach
from app.audit import AuditEntry
from app.customers.models import Customer
from app.db import db
from app.metering.models import MeterBinding, Suspension, UseCategoryChange
from app.metering.queries import category_today
from app.staff.models import StaffUser
from app.tariffs.models import UseCategory

LOGGED = 30  # lines of the log that a meter's page shows


def category_history(binding_id: int) -> Sequence[Any]:
    """Every 水表性质变更 of a binding, the youngest first: from when, from what to what, why, who, when."""
    old, new = aliased(UseCategory), aliased(UseCategory)
    return db.session.execute(
        select(
            UseCategoryChange.effective_from,
            old.name.label("old"),
            new.name.label("new"),
            UseCategoryChange.reason,
            StaffUser.name.label("by"),
            UseCategoryChange.at,
        )
        .join(old, old.id == UseCategoryChange.old_id)
        .join(new, new.id == UseCategoryChange.new_id)
        .outerjoin(StaffUser, StaffUser.id == UseCategoryChange.by_id)
        .where(UseCategoryChange.binding_id == binding_id)
        .order_by(UseCategoryChange.effective_from.desc(), UseCategoryChange.id.desc())
    ).all()


def bindings_of(meter_id: int) -> Sequence[Row[Any]]:
    """Whose the meter is and was, the youngest first."""
    return db.session.execute(
        select(
            MeterBinding.id,
            MeterBinding.customer_id,
            Customer.customer_no,
            Customer.holder,
            category_today().label("category"),
            MeterBinding.bound_on,
            MeterBinding.start_reading,
            MeterBinding.unbound_on,
            MeterBinding.end_reading,
        )
        .join(Customer, Customer.id == MeterBinding.customer_id)
        .where(MeterBinding.meter_id == meter_id, within_reach(Customer.route_id))
        .order_by(MeterBinding.unbound_on.desc().nulls_first(), MeterBinding.id.desc())
    ).all()


class Stop(NamedTuple):
    """A 停表 and its 恢复, with who did either and when."""

    row: Suspension
    stopped_by: str
    stopped_at: datetime
    resumed_by: str
    resumed_at: datetime | None


def stops_of(meter_id: int, log: Sequence[AuditEntry]) -> list[Stop]:
    """Every 停表 of the meter, the youngest first. Who resumed it stands in the log alone."""
    rows = db.session.execute(
        select(Suspension, StaffUser.name)
        .outerjoin(StaffUser, StaffUser.id == Suspension.by_id)
        .where(Suspension.meter_id == meter_id)
        .order_by(Suspension.id.desc())
    )
    resumed = {entry.changes.get("on"): entry for entry in log if entry.action == "resumed"}
    found = []
    for row, name in rows:
        entry = resumed.get(row.resumed_on.isoformat()) if row.resumed_on else None
        found.append(Stop(row, name or "系统", row.at, entry.by_name if entry else "", entry.at if entry else None))
    return found


def log_of(meter_id: int) -> Sequence[AuditEntry]:
    """The log of the meter, the youngest line first; of the time before only for those who see all books."""
    query = select(AuditEntry).where(AuditEntry.entity == "meter", AuditEntry.entity_id == meter_id)
    if only_reader() is not None:
        bound = select(MeterBinding.bound_on).where(
            MeterBinding.meter_id == meter_id, MeterBinding.unbound_on.is_(None)
        )
        query = query.where(func.date(AuditEntry.at) >= bound.scalar_subquery())
    return db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(LOGGED)).all()
