"""What may run behind a transaction pooler, and unchanged on Citus, read off our SQL (docs/operations.md).

Each rule was seen to fail or to differ there. An exception stands in its list with the reason beside it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.db import Base
from embedded.postgres import HARDENING
from tenants.context import Tenant
from tenants.session import engine
from tests.house.test_layers import ROOT, modules, name_of

SQL = re.compile(r"\s*(\{\} )?(WITH|INSERT|UPDATE|DELETE|SELECT|CREATE|MERGE|SET|ALTER|DROP|TRUNCATE|LOCK)\s")
WRITES = re.compile(r"\b(INSERT INTO|UPDATE \S+( \w+)? SET|DELETE FROM)\b")
CLOCKS = r"now\(\)|current_date|current_time|current_timestamp|localtime|clock_timestamp|statement_timestamp|timeofday"
TABLES = frozenset(Base.metadata.tables)
WITH_IDENTITY = frozenset(t.name for t in Base.metadata.tables.values() if any(c.identity for c in t.columns))
FILES = [*modules("app", "worker", "tenants"), *sorted(ROOT.glob("migrations/*/versions/*.py"))]

# module → why
RECURSIVE = {
    "app.billing.staging": "chains of 换表, beside temporary tables: Citus refuses it, so a bill run needs a way of its own",
    "app.metering.service.keep": "a loop of master meters is looked for in the plant's own table alone; not tried on Citus",
}


@cache
def statements(file: Path) -> tuple[str, ...]:
    """SQL in a file: text that begins like SQL; what is put into it is `{}`."""
    tree = ast.parse(file.read_text("utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found = (said(node) for node in ast.walk(tree) if id(node) not in inner | prose)
    return tuple(re.sub(r"\s+", " ", one) for one in found if SQL.match(one))


def said(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
    return ""


def all_sql() -> Iterator[tuple[str, str]]:
    for file in FILES:
        yield from ((name_of(file), statement) for statement in statements(file))


def test_the_sql_is_found() -> None:
    found = list(all_sql())
    assert len(found) > 120
    assert sum(bool(WRITES.search(statement)) for _, statement in found) > 30


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        ("one statement at a time", r";\s*\S"),
        ("no MERGE", r"\bMERGE INTO\b"),
        ("no triggers: they run on the shard, without search_path", r"\bCREATE( OR REPLACE)? (\w+ )?(TRIGGER|FUNCTION)\b"),
        ("no deferrable constraints", r"\bDEFERR"),
        ("no clock in ON CONFLICT … SET: take `excluded` or a parameter", rf"\bON CONFLICT\b.*\bSET\b.*({CLOCKS})"),
        ("locks end with the transaction", r"pg_(try_)?advisory_(unlock|lock)"),
        ("settings end with the transaction", r"^ ?SET (?!LOCAL|TRANSACTION)|set_config\([^)]*, ?false ?\)"),
        ("temporary tables end with the transaction", r"CREATE (TEMP|TEMPORARY) TABLE (?!.*ON COMMIT DROP)"),
        ("nothing waits on a session", r"^ ?(LISTEN|UNLISTEN|PREPARE|DEALLOCATE)\b|\bWITH HOLD\b"),
        ("a plant's tables carry no schema: one query, one plant", r"\b(FROM|JOIN|INTO|UPDATE) \{\}\.(?!.*DELETE FROM platform)"),
    ],
)  # fmt: skip
def test_no_statement_breaks_the_rule(rule: str, pattern: str) -> None:
    broken = [(where, sql[:200]) for where, sql in all_sql() if re.search(pattern, sql, re.IGNORECASE)]
    assert broken == [], rule


def test_what_is_written_takes_its_time_as_a_parameter() -> None:
    """STABLE functions over many shards: each node has a clock of its own, and Citus refuses most of it."""
    stable = re.compile(rf"\b({CLOCKS})|\bto_char\(", re.IGNORECASE)
    assert [(where, sql) for where, sql in all_sql() if WRITES.search(sql) and stable.search(sql)] == []
    asked = re.compile(r"\bfunc\.(now|current_\w+|clock_timestamp|localtimestamp)\b|server_default=.*now")
    of_plants = [file for file in FILES if not name_of(file).startswith("tenants.")]  # the registry is never spread
    assert [name_of(file) for file in of_plants if asked.search(file.read_text("utf-8"))] == []


def test_rows_from_joined_tables_are_staged_before_they_get_their_ids() -> None:
    broken = []
    for where, sql in all_sql():
        target = re.search(r"INSERT INTO (\w+)", sql)
        if not target or target[1] not in WITH_IDENTITY or "MATERIALIZED" in sql:
            continue
        sources = set(re.findall(r"(?:FROM|JOIN) (\w+)", sql)) & TABLES
        if sources:
            broken.append((where, target[1], sources))
    assert broken == []


def test_recursion_is_where_it_is_known_to_be() -> None:
    assert {where for where, sql in all_sql() if "WITH RECURSIVE" in sql} == set(RECURSIVE)


def test_no_query_joins_the_registry_with_a_plant() -> None:
    named = re.compile(rf"(?:FROM|JOIN|INTO|UPDATE) (?:{'|'.join(sorted(TABLES))})\b")
    assert [(where, sql) for where, sql in all_sql() if "platform." in sql and named.search(sql)] == []


@pytest.mark.parametrize("file", ["docs/operations.md", "compose.yaml"])
def test_a_server_of_ones_own_is_hardened_as_ours_is(file: str) -> None:
    told = (ROOT / file).read_text("utf-8")
    assert "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO" in told
    ours = {name for statement in HARDENING for name in re.findall(r"pg_catalog\.\w+\([\w, ]*\)", statement)}
    assert len(ours) > 10
    assert {function for function in ours if function not in told} == set()


def test_the_tables_themselves_keep_the_rules(app: Flask, plant: Tenant) -> None:
    values = {"schema": plant.schema}
    with engine().connect() as connection:
        for rule, query in {
            "no triggers": """SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                              WHERE c.relnamespace = CAST(:schema AS regnamespace) AND NOT tgisinternal""",
            "nothing deferrable": """SELECT conname FROM pg_constraint
                                     WHERE connamespace = CAST(:schema AS regnamespace) AND condeferrable""",
            "a primary key everywhere": """SELECT relname FROM pg_class c
                WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind = 'r' AND NOT EXISTS (
                    SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p')""",
            "foreign keys stay in the plant": """SELECT conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid
                WHERE connamespace = CAST(:schema AS regnamespace) AND contype = 'f'
                  AND c.relnamespace <> CAST(:schema AS regnamespace)""",
            "an id is a bigint identity": """SELECT table_name FROM information_schema.columns
                WHERE table_schema = :schema AND column_name = 'id' AND NOT (data_type = 'bigint' AND is_identity = 'YES')""",
            "no sequence but an identity's": """SELECT c.relname FROM pg_class c
                WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind = 'S' AND NOT EXISTS (
                    SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'i')""",
        }.items():
            assert connection.execute(text(query), values).all() == [], rule
