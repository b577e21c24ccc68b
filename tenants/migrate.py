"""Two migration trees: the platform's, and the one every plant follows. The registry knows each plant's revision."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Connection, Engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from tenants import roles, session
from tenants.models import Plant
from tenants.session import quoted

LOCK_TIMEOUT = "3s"  # a migration would rather be tried again than keep a plant's people waiting
TREES = Path(__file__).parent.parent / "migrations"


@cache
def tree(name: str) -> ScriptDirectory:
    """The Alembic tree `platform` or `tenant`."""
    return ScriptDirectory(str(TREES / name))


def head(name: str) -> str:
    """The newest revision of a tree."""
    found = tree(name).get_current_head()
    assert found, f"migrations/{name} has no revision"
    return found


def behind(name: str, current: str | None) -> int:
    """How many revisions are still to be applied. One that we do not know is of a newer version than ours: none."""
    known = _newest_first(name)
    if current is None:
        return len(known)
    return known.index(current) if current in known else 0


@cache
def _newest_first(name: str) -> tuple[str, ...]:
    return tuple(script.revision for script in tree(name).walk_revisions())


def is_known(name: str, revision: str) -> bool:
    """Whether a revision is one of ours; one of a newer version is not."""
    return revision in _newest_first(name)


def _pending(name: str, current: str | None, until: str = "head") -> list[object]:
    if not tree(name).get_current_head():
        return []
    scripts = tree(name).iterate_revisions(until, current or "base")
    return [script.module for script in reversed(list(scripts))]


def apply(connection: Connection, name: str, current: str | None) -> None:
    """Run what lies between a revision and the head, in the open transaction and its search_path."""
    context = MigrationContext.configure(connection)
    with Operations.context(context):
        for module in _pending(name, current):
            module.upgrade()  # type: ignore[attr-defined]


@cache
def script(name: str, current: str | None, until: str = "head") -> tuple[str, ...]:
    """The statements from a revision (None: from nothing) to the head or to another one, rendered once per process.

    So a thousand plants are moved without Alembic between them, which keeps its state for one at a time.
    """
    buffer = io.StringIO()
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    context = MigrationContext.configure(dialect=dialect, opts={"as_sql": True, "output_buffer": buffer})
    with Operations.context(context):
        for module in _pending(name, current, until):
            module.upgrade()  # type: ignore[attr-defined]
    return tuple(part.strip() for part in buffer.getvalue().split(";\n") if part.strip())


def migrate_platform(engine: Engine) -> bool:
    """Bring schema `platform` to its head; True when something was done. Two at once: the second waits."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(71001)"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS platform"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS platform.revision (name text PRIMARY KEY)"))
        current = connection.execute(text("SELECT name FROM platform.revision")).scalar()
        if current == head("platform"):
            return False
        connection.execute(text("SET LOCAL search_path = platform"))
        apply(connection, "platform", current)
        connection.execute(text("DELETE FROM platform.revision"))
        connection.execute(text("INSERT INTO platform.revision VALUES (:r)"), {"r": head("platform")})
    return True


# One way to the server for what a migration begins with. The row of a second runner waits here for the first's end.
_TAKEN = text("""
    WITH said AS MATERIALIZED (
        SELECT set_config('lock_timeout', :patience, true), set_config('search_path', :path, true)
    ), found AS MATERIALIZED (
        SELECT id, revision FROM platform.plant, said WHERE id = :id FOR UPDATE OF plant
    )
    UPDATE platform.plant SET revision = :head FROM found WHERE plant.id = found.id RETURNING found.revision
""")


def migrate_plant(engine: Engine, plant: Plant, *, statements: Sequence[str] | None = None) -> None:
    """Bring one plant to the head of the tenant tree, in one transaction that does not wait long for locks.

    Two at once: the second waits for the first and finds nothing left. `statements`: instead of the tree's own.
    """
    values = {"patience": LOCK_TIMEOUT, "path": quoted(plant.schema_name), "id": plant.id, "head": head("tenant")}
    with engine.begin() as connection:
        session.touched(connection, plant.id)
        current = connection.scalar(_TAKEN, values)
        steps = [*(statements or script("tenant", current))]
        if current_app.config["TENANT_ROLES"] and any("CREATE TABLE" in step for step in steps):
            steps += roles.grant_statements(plant.schema_name, plant.role_name)
        _send(connection, steps)


def _send(connection: Connection, statements: Sequence[str]) -> None:
    """Run them one after the other on one way to the server. Raises what SQLAlchemy would."""
    driver: Any = connection.connection.driver_connection
    dialect, dbapi_error = connection.dialect, connection.dialect.loaded_dbapi.Error
    try:
        with driver.pipeline(), driver.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except dbapi_error as error:
        raise DBAPIError.instance(None, None, error, dbapi_error, dialect=dialect) from error
