"""The cursor every statement goes through: one statement at a time, whatever a string was put together from."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor


class OneStatement(Cursor[Any]):
    """Sends by the extended protocol, which refuses `…; RESET ROLE; …`.

    psycopg sends a query without parameters by the simple protocol, which takes several statements in one string. It has
    no switch for that, so this overrides the one method that chooses (tests/tenants/test_injection.py sees it fall).
    """

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)
