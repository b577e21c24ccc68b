"""Counting what a page asks of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tenants.session import ENTRY, engine


@pytest.fixture
def count_queries(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """`with count_queries() as seen:` — the statements sent meanwhile, settings left out."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if not statement.startswith((ENTRY, "SET LOCAL")):
                seen.append(statement)

        event.listen(engine(), "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine(), "before_cursor_execute", note)

    return counting
