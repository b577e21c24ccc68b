"""Who changed what, field by field. Append-only by the plant role's privileges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import has_request_context, request
from flask_login import current_user
from sqlalchemy import Index, insert
from sqlalchemy.orm import Mapped

from app import clock
from app.db import Base, Key, Ref, db


class AuditEntry(Base):
    """操作日志."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "entity", "entity_id"), Index(None, "at"))

    id: Mapped[Key]
    at: Mapped[datetime]
    by_id: Mapped[Ref | None]
    by_name: Mapped[str]
    address: Mapped[str]  # where from
    action: Mapped[str]  # created, changed, deleted, printed …
    entity: Mapped[str]
    entity_id: Mapped[Ref | None]
    changes: Mapped[dict[str, Any]]  # {"holder": ["旧", "新"]}


def _plain(value: object) -> object:
    return str(value) if isinstance(value, (Decimal, date)) else value


def _lines(action: str, entity: str, changes: Mapping[int | None, Mapping[str, object]]) -> list[dict[str, Any]]:
    """Rows of the log in the name of whoever is logged in, by entity_id."""
    person = current_user if has_request_context() and current_user.is_authenticated else None
    said = {
        "at": clock.now(),
        "by_id": person.id or None if person else None,  # a visitor's 0 is nobody's number
        "by_name": person.name if person else "系统",
        "address": (request.remote_addr or "") if has_request_context() else "",
        "action": action,
        "entity": entity,
    }
    return [
        said
        | {
            "entity_id": key,
            "changes": {
                k: _plain(v) if not isinstance(v, (list, tuple)) else [_plain(x) for x in v] for k, v in fields.items()
            },
        }
        for key, fields in changes.items()
    ]


def record(action: str, entity: str, entity_id: int | None, changes: Mapping[str, object] | None = None) -> None:
    """Add one line to the log of the running transaction, in the name of whoever is logged in."""
    db.session.add(AuditEntry(**_lines(action, entity, {entity_id: changes or {}})[0]))


def record_all(action: str, entity: str, changes: Mapping[int | None, Mapping[str, object]]) -> None:
    """The same for many of a kind, by entity_id, in a handful of statements."""
    if changes:
        db.session.execute(insert(AuditEntry), _lines(action, entity, changes))


def assign(entity: Any, values: Mapping[str, object], *, name: str) -> dict[str, list[object]]:
    """Set the values on the object and log what really changed; returns it as {field: [old, new]}."""
    changes = {k: [getattr(entity, k), v] for k, v in values.items() if getattr(entity, k) != v}
    for field, (_, new) in changes.items():
        setattr(entity, field, new)
    if changes:
        record("changed", name, entity.id, changes)
    return changes
