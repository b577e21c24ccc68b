"""How a database transaction becomes a plant's: role and search_path for that transaction only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session, SessionTransaction, scoped_session, sessionmaker

from tenants import context


def quoted(identifier: str) -> str:
    """An identifier as SQL writes it."""
    return '"' + identifier.replace('"', '""') + '"'


def enter(connection: Connection, tenant: context.Tenant, *, roles: bool = True) -> None:
    """Make the open transaction of `connection` the plant's; COMMIT and ROLLBACK both end it."""
    if roles:
        connection.exec_driver_sql(f"SET LOCAL ROLE {quoted(tenant.role)}")
    connection.exec_driver_sql(f"SET LOCAL search_path = {quoted(tenant.schema)}")


def install(factory: scoped_session[Any] | sessionmaker[Any]) -> None:
    """Every transaction begun by these sessions belongs to the plant in force, or does not begin."""

    @event.listens_for(factory, "after_begin")
    def _after_begin(_session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        if not transaction.nested:
            enter(connection, context.current(), roles=current_app.config["TENANT_ROLES"])


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
def connection_for(tenant: context.Tenant) -> Iterator[Connection]:
    """One transaction of the plant on a bare connection, for set-based work outside a request."""
    with engine().begin() as connection:
        enter(connection, tenant, roles=current_app.config["TENANT_ROLES"])
        yield connection
