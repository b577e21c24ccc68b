"""How a database transaction becomes a plant's: role and search_path for that transaction only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app, has_request_context
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, SessionTransaction, scoped_session, sessionmaker

from tenants import context


def quoted(identifier: str) -> str:
    """An identifier as SQL writes it."""
    return '"' + identifier.replace('"', '""') + '"'


PLANTS_PER_CONNECTION = 200  # the server's process remembers every table of every plant that it has seen: 0.5 MB each


def touched(connection: Connection, plant_id: int) -> None:
    """Count the plants that a connection has worked for; past the bound it is not used again."""
    seen: set[int] = connection.info.setdefault("plants", set())
    seen.add(plant_id)


IDLE = 5.0  # seconds after which a connection is asked whether the server still knows it: a trip that a busy one saves


def _given_back(dbapi_connection: Any, record: Any) -> None:
    if len(record.info.get("plants", ())) >= PLANTS_PER_CONNECTION:
        record.invalidate()
    record.info["idle_since"] = time.monotonic()


def look_after(engine: Engine) -> None:
    """Let connections go that have seen many plants, and those that a restart of the server has cut."""

    def taken(dbapi_connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", float("inf")) > IDLE:
            try:
                engine.dialect.do_ping(dbapi_connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError("the server has forgotten the connection") from error

    event.listen(engine.pool, "checkin", _given_back)
    event.listen(engine.pool, "checkout", taken)


ENTRY = "SELECT set_config("  # what `enter` says begins so; whoever counts or records statements passes it over


def literal(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def entry(tenant: context.Tenant, *, roles: bool = True, seconds: int = 0) -> str:
    """The statement that makes a transaction the plant's: role, search_path, `seconds` as the limit of its statements."""
    settings = {}
    if tenant.read_only:
        settings["transaction_read_only"] = "on"
    if seconds:
        settings["statement_timeout"] = f"{seconds}s"
    # pg_temp, unless named, comes first: a temporary table left on the connection would stand before the plant's own.
    settings["search_path"] = f"{quoted(tenant.schema)}, pg_temp"
    if roles:
        settings["role"] = tenant.role
    return ENTRY + ", set_config(".join(f"'{name}', {literal(value)}, true)" for name, value in settings.items())


def enter(connection: Connection, tenant: context.Tenant, *, roles: bool = True, seconds: int = 0) -> None:
    """Make the transaction that `connection` has open or is about to open the plant's; COMMIT and ROLLBACK both end it.

    `seconds`: the longest that one of its statements may take. One statement, sent together with BEGIN, for one way to
    the server: the login may call set_config(), the role that it takes may not.
    """
    statement = entry(tenant, roles=roles, seconds=seconds)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline(), driver.cursor() as cursor:
            cursor.execute(statement)
    except connection.dialect.loaded_dbapi.OperationalError:
        connection.exec_driver_sql(
            statement
        )  # the server is gone: SQLAlchemy finds it out, and raises as it always does
        raise
    touched(connection, tenant.id)


def install(factory: scoped_session[Any] | sessionmaker[Any]) -> None:
    """Every transaction begun by these sessions belongs to the plant in force, or does not begin."""

    @event.listens_for(factory, "after_begin")
    def _after_begin(_session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        if transaction.nested:
            return
        # A person waits; a worker's statement may take its time.
        seconds = current_app.config["STATEMENT_SECONDS"] if has_request_context() else 0
        enter(connection, context.current(), roles=current_app.config["TENANT_ROLES"], seconds=seconds)


def engine() -> Engine:
    """The app's one engine."""
    found: Any = current_app.extensions["sqlalchemy"]
    return found.engine  # type: ignore[no-any-return]


@contextmanager
def platform() -> Iterator[Session]:
    """One transaction on the registry, committed at the end of the block. Tables carry their schema's name."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def registry() -> Iterator[Session]:
    """A statement on the registry that is a transaction by itself: nothing is begun and nothing committed around it."""
    with Session(engine().execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False) as session:
        yield session


@contextmanager
def connection_for(tenant: context.Tenant) -> Iterator[Connection]:
    """One transaction of the plant on a bare connection, for set-based work outside a request."""
    with engine().begin() as connection:
        enter(connection, tenant, roles=current_app.config["TENANT_ROLES"])
        yield connection


def gather_statistics(tenant: context.Tenant, table: str) -> None:
    """ANALYZE one of the plant's tables, as its owner: the plant's role may not. Left out while another does it."""
    with engine().begin() as connection:
        connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {quoted(tenant.schema)}.{quoted(table)}")
