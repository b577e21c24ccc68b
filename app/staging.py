"""Many rows at once: COPY within the running transaction, into a table or a temporary one beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import sql

from app.db import after_commit, db
from tenants import context
from tenants.session import gather_statistics

MANY = 1_000  # rows that change what the planner should know of a table


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """COPY `rows` into one of the plant's tables; how many. Rows must be validated before: an error costs the transaction.

    After many the server looks the table over at once: a list opened before it does so by itself is planned for an
    empty table, and takes minutes.
    """
    count = _copy(table, columns, rows)
    if count >= MANY:
        tenant = context.current()
        after_commit(lambda: gather_statistics(tenant, table))
    return count


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    db.session.flush()
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    driver: Any = db.session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        write = copy.write_row
        for row in rows:
            write(row)
            count += 1
    return count


def stage(name: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> int:
    """COPY `rows` into a temporary table that lives until the transaction ends; `columns` is name → SQL type."""
    driver: Any = db.session.connection().connection.driver_connection
    parts = [sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(t)) for c, t in columns.items()]
    with driver.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(name)))
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(name), sql.SQL(", ").join(parts))
        )
    count = _copy(name, list(columns), rows)
    with driver.cursor() as cursor:
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
    return count
