"""Who changed what, field by field. Append-only by the plant role's privileges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from flask import has_request_context, request
from flask_login import current_user
from sqlalchemy import Index, insert, inspect
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


class Actor(NamedTuple):
    """Who does it, and from which address."""

    id: int | None
    name: str
    address: str


NOBODY = Actor(None, "系统", "")
UNTOLD = {"id", "holder_initials"}  # keys, and what follows from others
SECRET = ("hash", "secret", "codes", "totp", "token", "step")  # a column so called is never told
_acting: ContextVar[Actor] = ContextVar("acting", default=NOBODY)


@contextmanager
def in_the_name_of(actor: Actor) -> Iterator[None]:
    """Outside a request, as in a worker: the lines of the block are this person's, who asked for the work."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def actor() -> Actor:
    """Whoever is logged in, or whom a worker works for; else nobody."""
    if not has_request_context():
        return _acting.get()
    address = request.remote_addr or ""
    if not current_user.is_authenticated:
        return NOBODY._replace(address=address)
    return Actor(current_user.id or None, current_user.name, address)  # a visitor's 0 is nobody's number


def facts(row: Base, *others: str) -> dict[str, object]:
    """What a row says, for the line of its making or its end: its columns that are not empty, without `others`."""
    told = (column.key for column in inspect(type(row)).column_attrs if column.key not in UNTOLD.union(others))
    names = [name for name in told if not any(word in name for word in SECRET)]
    return {name: value for name in names if (value := getattr(row, name)) not in (None, "")}


def _plain(value: object) -> object:
    return str(value) if isinstance(value, (Decimal, date)) else value


def _lines(action: str, entity: str, changes: Mapping[int | None, Mapping[str, object]]) -> list[dict[str, Any]]:
    """Rows of the log in the name of whoever acts, by entity_id."""
    by = actor()
    said = {
        "at": clock.now(),
        "by_id": by.id,
        "by_name": by.name,
        "address": by.address,
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
    """Add one line to the log of the running transaction, in the name of whoever acts."""
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
