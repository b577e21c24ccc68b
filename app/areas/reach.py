"""Whose households somebody sees: all of the plant, or only those of the 册 that he reads.

A household belongs to the book where it is now, and with it everything that ever was of it: readings, bills, payments.
So who is given a book has its past, and who gives it back, or whose customer moves to another book, sees no more of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask import has_request_context
from flask_login import current_user
from sqlalchemy import ColumnElement, select, true

from app.areas.models import Route
from app.db import db
from app.permissions import Permission, allowed
from app.staff.models import StaffUser

_eyes: ContextVar[tuple[int, str] | None] = ContextVar("eyes", default=None)
# The same as `within_reach` for statements in words: {column} is a book's key; `values` has what it asks for.
WITHIN = "(CAST(:only_reader AS bigint) IS NULL OR {column} IN (SELECT id FROM route WHERE reader_id = :only_reader))"
NO_BOOKS = ("还没有分给您的册", "请找站长或资料员，在「抄表范围」里把您抄的册分给您，这里就有了。")


def only_reader() -> int | None:
    """Whoever looks, where only his own books are to be seen; None: all are. Workers and commands see all."""
    who = _eyes.get()
    if who is None:
        if not has_request_context() or not current_user.is_authenticated:
            return None
        who = (current_user.id, current_user.role)
    person_id, role = who
    return None if allowed(role, Permission.VIEW_ALL_BOOKS) else person_id


@contextmanager
def eyes_of(person_id: int | None) -> Iterator[None]:
    """Look as this person does, also where nobody is logged in: a worker does what somebody has asked for."""
    role = db.session.scalar(select(StaffUser.role).where(StaffUser.id == person_id)) if person_id else None
    token = _eyes.set((person_id, role) if person_id and role else None)
    try:
        yield
    finally:
        _eyes.reset(token)


def within_reach(route_id: Any) -> ColumnElement[bool]:
    """Whether the book of this column is one that whoever looks may see."""
    reader = only_reader()
    if reader is None:
        return true()
    found: ColumnElement[bool] = route_id.in_(select(Route.id).where(Route.reader_id == reader))
    return found


def oneself(person_id: Any) -> ColumnElement[bool]:
    """Of the people who read: all, or only whoever looks."""
    reader = only_reader()
    return true() if reader is None else person_id == reader


def values() -> dict[str, int | None]:
    """What `WITHIN` asks for."""
    return {"only_reader": only_reader()}


def empty(otherwise: tuple[str, str]) -> tuple[str, str]:
    """What an empty list says: whom to ask, where somebody has no book yet."""
    reader = only_reader()
    if reader is None or db.session.scalar(select(select(Route.id).where(Route.reader_id == reader).exists())):
        return otherwise
    return NO_BOOKS
