"""Many rows at once: COPY within the running transaction, into a table or a temporary one beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from psycopg import sql

from app import written
from app.db import after_commit, db
from tenants import context
from tenants.session import gather_statistics

MANY = 1_000  # rows that change what the planner should know of a table
FEW = 500  # rows that are not worth a COPY


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """COPY `rows` into one of the plant's tables; how many. Rows must be validated before: an error costs the transaction."""
    count = _copy(table, columns, rows)
    written.note(db.session.connection(), frozenset([table]))
    look_over(table, count)
    return count


def look_over(table: str, count: int) -> None:
    """Let the server look over, once this is committed, one of the plant's tables that got `count` rows, if they are many.

    A list opened before it does so by itself is planned for an empty table, and takes minutes.
    """
    if count >= MANY:
        tenant = context.current()
        after_commit(lambda: gather_statistics(tenant, table))


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
    """Put `rows` into a temporary table that lives until the transaction ends; `columns` is name → SQL type.

    One of this name that the transaction has made before goes. Few rows travel with the statement that makes the table.
    """
    first = list(islice(rows := iter(rows), FEW))
    if len(first) < FEW:
        return _stage_few(name, columns, first)
    rows = chain(first, rows)
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


def _stage_few(name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> int:
    drop, make = _statements_of_few(name, tuple(columns.items()))
    driver: Any = db.session.connection().connection.driver_connection
    with driver.cursor() as cursor:
        cursor.execute(drop)
        cursor.execute(make, [[row[n] for row in rows] for n in range(len(columns))])
    return len(rows)


@lru_cache(maxsize=64)
def _statements_of_few(name: str, columns: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """That drop the temporary table, and make it of one array a column. Binary arrays: nothing in them is escaped."""
    comma, place = sql.SQL(", "), sql.Identifier(name)
    names = [sql.Identifier(column) for column, _ in columns]
    kinds = [sql.SQL(kind) for _, kind in columns]
    arrays = [sql.SQL("CAST(%b AS {}[])").format(sql.SQL(kind.partition("(")[0])) for _, kind in columns]
    typed = [sql.SQL("CAST({0} AS {1}) AS {0}").format(*pair) for pair in zip(names, kinds, strict=True)]
    make = sql.SQL("CREATE TEMP TABLE {0} ON COMMIT DROP AS SELECT {1} FROM unnest({2}) AS {0} ({3})").format(
        place, comma.join(typed), comma.join(arrays), comma.join(names)
    )
    return sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(place).as_string(None), make.as_string(None)
