"""Looks over the shoulder of every request of every test: nothing that the log is for changes without a line in it.

Each statement of a request is read for the tables and columns it writes. When its transaction is committed, the lines of
the log in the same transaction must speak of them: of the thing, and of every column that was changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from flask import has_request_context, request
from sqlalchemy import Engine, event

from app import staging

# Table → what its lines in the log may be about.
TOLD: dict[str, tuple[str, ...]] = {
    "customer": ("customer",),
    "meter": ("meter", "customer"),  # a register brings the meters of its customers
    "meter_binding": ("meter", "meter_binding", "customer"),
    "suspension": ("meter",),
    "use_category_change": ("meter_binding", "meter"),  # 换表 takes along what is announced
    "reading": ("reading",),
    "district": ("district",),
    "route": ("route",),
    "quota": ("quota",),
    "tariff": ("tariff",),
    "tariff_version": ("tariff_version", "tariff"),
    "use_category": ("use_category",),
    "payment": ("payment", "bill", "customer"),
    "bill": ("billing_run", "bill"),
    "billing_run": ("billing_run", "bill"),
    "day_close": ("day_close",),
    "staff_user": ("staff_user",),
    "setting": ("setting", "role"),
}
# Columns that follow from others, or that say what the line itself says: who and when.
UNTOLD = {
    "customer": {"credit_balance", "holder_initials"},  # payments say it; what the name says
    "reading": {"recorded_by", "recorded_at", "start_reading", "reader_id", "route_id"},
    "staff_user": {
        "last_login_at",
        "password_hash",
        "must_change_password",
        "totp_secret",
        "totp_step",
        "recovery_codes",
    },
    "meter_binding": {"unbound_on", "end_reading"},  # 解绑 says them of the meter
    "suspension": {"resumed_on", "resume_reading"},  # 恢复 too
}
COUNTERS = "INSERT INTO setting (key, value) VALUES (%(key)s, '1')"  # of receipts: payments have their numbers

_INSERT = re.compile(r"\bINSERT INTO (\w+)")
_DELETE = re.compile(r"\bDELETE FROM (\w+)")
_UPDATE = re.compile(
    r"\bUPDATE (\w+)(?:\s+(?:AS\s+)?\w+)?\s+SET\s+(.*?)(?:\bFROM\b|\bWHERE\b|\bRETURNING\b|$)", re.DOTALL
)
_COLUMN = re.compile(r"(?:^|,)\s*(\w+)\s*=")
_EXEMPT_SETTINGS = ("receipt:", "summary_marks")


class Wrote(NamedTuple):
    """What one transaction has written, and the lines that it has left: entity → fields."""

    inserted: set[str]
    updated: dict[str, set[str]]
    told: dict[str, set[str]]

    @classmethod
    def nothing(cls) -> Wrote:
        """At its beginning."""
        return cls(set(), {}, {})


def _note_lines(found: Wrote, parameters: Any) -> None:
    """Of an INSERT INTO audit_entry: one row or several, by name or flattened (entity__0)."""
    for row in parameters if isinstance(parameters, list) else [parameters]:
        for name, value in row.items():
            if name.startswith("entity") and not name.startswith("entity_id"):
                changes = row.get(name.replace("entity", "changes", 1))
                found.told.setdefault(value, set()).update(getattr(changes, "obj", changes) or ())


def note(found: Wrote, statement: str, parameters: Any) -> None:
    """What a statement writes."""
    for table in _INSERT.findall(statement):
        if table == "audit_entry":
            _note_lines(found, parameters)
        elif table == "setting" and str(_key(parameters)).startswith(_EXEMPT_SETTINGS):
            continue
        else:
            found.inserted.add(table)
    found.inserted.update(_DELETE.findall(statement))
    for table, assignments in _UPDATE.findall(statement):
        found.updated.setdefault(table, set()).update(_COLUMN.findall(assignments))


def _key(parameters: Any) -> object:
    return parameters.get("key", "") if isinstance(parameters, dict) else ""


def untold(found: Wrote) -> list[str]:
    """What the lines do not speak of."""
    missing = []
    for table in sorted(found.inserted & set(TOLD)):
        if not any(entity in found.told for entity in TOLD[table]):
            missing.append(f"{table}: no line")
    for table, columns in sorted(found.updated.items()):
        wanted = columns - UNTOLD.get(table, set())
        if table not in TOLD or not wanted:
            continue
        said = set().union(*(found.told.get(entity, set()) for entity in TOLD[table]))
        if not wanted <= said:
            missing.append(f"{table}: {', '.join(sorted(wanted - said))} not told")
    return missing


class Watch:
    """The hooks: what each open transaction of a request has written, and what was committed untold."""

    def __init__(self) -> None:
        self.missing: list[str] = []
        self._open: dict[int, Wrote] = {}
        self._copied = staging._copy
        self.hooks = {
            "after_cursor_execute": self.executed, "commit": self.committed, "rollback": self.undone, "begin": self.undone,
        }  # fmt: skip

    def _wrote(self, connection: Any) -> Wrote:
        return self._open.setdefault(id(connection.connection.driver_connection), Wrote.nothing())

    def executed(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> None:
        """A statement that has changed something, as far as its count says."""
        if has_request_context() and cursor.rowcount != 0:
            note(self._wrote(connection), statement, parameters)

    def copy(self, table: str, columns: Any, rows: Any) -> int:
        """COPY, which SQLAlchemy does not see."""
        count = self._copied(table, columns, rows)
        if has_request_context() and count:
            self._wrote(staging.db.session.connection()).inserted.add(table)
        return count

    def committed(self, connection: Any) -> None:
        """The end of a transaction that stays."""
        found = self._open.pop(id(connection.connection.driver_connection), None)
        if found and has_request_context() and request.blueprint != "console":  # its log is the operator's
            self.missing.extend(f"{request.method} {request.path}: {what}" for what in untold(found))

    def undone(self, connection: Any) -> None:
        """The beginning of one, or the end of one that does not stay."""
        if not connection.invalidated:
            self._open.pop(id(connection.connection.driver_connection), None)


@contextmanager
def watching() -> Iterator[list[str]]:
    """Collects what requests change without telling."""
    watch, patch = Watch(), pytest.MonkeyPatch()
    patch.setattr(staging, "_copy", watch.copy)
    for name, hook in watch.hooks.items():
        event.listen(Engine, name, hook)
    try:
        yield watch.missing
    finally:
        patch.undo()
        for name, hook in watch.hooks.items():
            event.remove(Engine, name, hook)
