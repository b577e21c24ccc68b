"""技术支持: an operator looks into a plant, read-only, for a reason and a time.

The console makes a ticket; the plant's site takes it, once and soon, for an access that ends by itself. The access is
a row of the registry, so that ending it, or disabling the operator, holds in every process at the next request.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from tenants import operator_log
from tenants.models import Operator, Plant, SupportAccess
from tenants.operator_log import By
from tenants.provisioning import PlantError
from tenants.session import platform

SESSION_KEY = "support"
MINUTES = (30, 60, 120)
TICKET_LIFETIME = timedelta(minutes=2)


class Access(NamedTuple):
    """Who looks, why, and until when."""

    id: int
    operator_id: int
    operator: str
    reason: str
    until: datetime


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def issue(plant_id: int, *, reason: str, minutes: int, by: By) -> str:
    """A ticket for the plant's site; the registry keeps its hash. PlantError where the plant does not work."""
    assert minutes in MINUTES
    assert by.id is not None
    ticket = secrets.token_urlsafe(32)
    with platform() as session:
        plant = session.get(Plant, plant_id)
        if plant is None or plant.state != "active":
            raise PlantError("水厂没有在用，进不去；请先恢复。", field="reason")
        access = SupportAccess(
            ticket=_hash(ticket),
            operator_id=by.id,
            plant_id=plant.id,
            reason=reason,
            minutes=minutes,
            issued_at=session.scalar(select(func.now())),
        )
        session.add(access)
        operator_log.note(session, by, "support", plant, f"{reason}（{minutes} 分钟，只读）")
    return ticket


def enter(ticket: str, plant_id: int, *, address: str) -> Access | None:
    """Use up a ticket of this plant; None for one that is unknown, used, too old, or whose operator is disabled."""
    with platform() as session:
        found = session.scalar(
            update(SupportAccess)
            .where(SupportAccess.ticket == _hash(ticket), SupportAccess.plant_id == plant_id)
            .where(SupportAccess.until.is_(None), SupportAccess.issued_at > func.now() - TICKET_LIFETIME)
            .values(until=func.now() + SupportAccess.minutes * timedelta(minutes=1))
            .returning(SupportAccess.id)
        )
        access = _one(session, SupportAccess.id == found) if found else None
        if access:
            operator_log.note(session, _by(access, address), "looked", session.get(Plant, plant_id), access.reason)
        return access


def in_force(access_id: object, plant_id: int) -> Access | None:
    """The access of a session, as long as it lasts."""
    if not isinstance(access_id, int):
        return None
    with platform() as session:
        return _one(session, SupportAccess.id == access_id, SupportAccess.plant_id == plant_id, _OPEN)


def end(access_id: int, *, address: str) -> None:
    """Let it end now; nothing happens where it has."""
    with platform() as session:
        access = _one(session, SupportAccess.id == access_id, _OPEN)
        if access is None:
            return
        row = session.get_one(SupportAccess, access_id)
        row.until = session.scalar(select(func.now()))
        operator_log.note(session, _by(access, address), "ended", session.get(Plant, row.plant_id))


def note_export(access: Access, plant_id: int, what: str, *, address: str) -> None:
    """The operator has taken a file out of the plant."""
    with platform() as session:
        operator_log.note(session, _by(access, address), "exported", session.get(Plant, plant_id), what)


def claim_ended(plant_id: int) -> Sequence[Access]:
    """Accesses that are over and that the plant's log has not been told of; they now count as told."""
    over = and_(SupportAccess.plant_id == plant_id, SupportAccess.ended_at.is_(None), SupportAccess.until <= func.now())
    with platform() as session:
        told = update(SupportAccess).where(over).values(ended_at=func.now()).returning(SupportAccess.id)
        ids = session.scalars(told).all()
        return [Access(*row) for row in session.execute(_ACCESS.where(SupportAccess.id.in_(ids)))] if ids else []


_OPEN: ColumnElement[bool] = and_(SupportAccess.until > func.now(), Operator.active)
_ACCESS: Any = select(
    SupportAccess.id, SupportAccess.operator_id, Operator.name, SupportAccess.reason, SupportAccess.until
).join(Operator, Operator.id == SupportAccess.operator_id)


def _one(session: Session, *conditions: ColumnElement[bool]) -> Access | None:
    row = session.execute(_ACCESS.where(Operator.active, *conditions)).one_or_none()
    return Access(*row) if row else None


def _by(access: Access, address: str) -> By:
    return By(access.operator_id, access.operator, address)
