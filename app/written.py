"""Which tables a statement reads or writes, by its text: so that what is remembered is forgotten for a reason only.

No trigger writes behind our back (tests/house), so that the statements say it all. A name too many costs a little work,
a name too few would show old sums: whatever occurs as a word counts as read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, event

from app.db import Base

_WORD = re.compile(r"\w+")
_WRITTEN = re.compile(r"\b(?:INSERT\s+INTO|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|UPDATE)\s+(?:ONLY\s+)?\"?(\w+)", re.I)
_committing: ContextVar[frozenset[str]] = ContextVar("committing", default=frozenset())
_reading: ContextVar[set[str] | None] = ContextVar("reading", default=None)


@cache
def _tables() -> frozenset[str]:
    return frozenset(Base.metadata.tables)


@lru_cache(maxsize=1024)
def read_by(statement: str) -> frozenset[str]:
    """The plant's tables that the statement speaks of."""
    return _tables().intersection(_WORD.findall(statement))


@lru_cache(maxsize=1024)
def written_by(statement: str) -> frozenset[str]:
    """The plant's tables that the statement changes. No table follows the words of a lock (FOR UPDATE OF …)."""
    return _tables().intersection(_WRITTEN.findall(statement))


def note(connection: Connection, tables: frozenset[str]) -> None:
    """The open transaction has written these (for COPY, which no cursor of SQLAlchemy's sees)."""
    connection.info["written"] = connection.info.get("written", frozenset()) | tables


def take_committed() -> frozenset[str]:
    """What the transactions committed here since the last call have written."""
    found = _committing.get()
    _committing.set(frozenset())
    return found


@contextmanager
def read_inside() -> Iterator[set[str]]:
    """The tables that are read in the block."""
    found: set[str] = set()
    token = _reading.set(found)
    try:
        yield found
    finally:
        _reading.reset(token)


@event.listens_for(Engine, "before_cursor_execute")
def _look(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    written = written_by(statement)
    if written:
        note(connection, written)
    reading = _reading.get()
    if reading is not None:
        reading |= read_by(statement)


@event.listens_for(Engine, "begin")
@event.listens_for(Engine, "rollback")
def _nothing_yet(connection: Connection) -> None:
    if not connection.invalidated:  # one that the server has cut takes its notes along
        connection.info.pop("written", None)


@event.listens_for(Engine, "commit")
def _about_to(connection: Connection) -> None:
    written = connection.info.pop("written", None)
    if written:
        _committing.set(_committing.get() | written)
