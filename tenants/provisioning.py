"""Opening a plant: registry row, role, schema and tables in one transaction; a failed one leaves nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tenants import migrate, roles
from tenants.context import Tenant
from tenants.models import Plant, PlantJob, PlantMonth, SupportAccess
from tenants.session import engine, quoted, touched

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RESERVED = frozenset(
    [
        "admin",
        "api",
        "app",
        "assets",
        "console",
        "demo",
        "docs",
        "help",
        "localhost",
        "login",
        "mail",
        "news",
        "ops",
        "platform",
        "postgres",
        "public",
        "root",
        "static",
        "status",
        "support",
        "test",
        "www",
    ]
)


DATABASE_PART = 26  # characters of the database's name in a role's, so that the longest slug fits into PostgreSQL's 63


class PlantError(ValueError):
    """The plant cannot be opened or changed like this; the message says why and what to do, `field` where."""

    def __init__(self, message: str, *, field: str = "slug") -> None:
        super().__init__(message)
        self.field = field


def check_slug(slug: str) -> str:
    """A subdomain fit for a plant; raises PlantError."""
    if slug != slug.lower():
        raise PlantError(f"子域名「{slug}」请全部用小写字母")
    if not 3 <= len(slug) <= 30:
        raise PlantError("子域名应为 3 到 30 个字符")
    if slug.startswith(("pg-", "xn--")) or "--" in slug or not SLUG.fullmatch(slug):
        raise PlantError(f"子域名「{slug}」只能用小写字母、数字和单个短横线，以字母开头")
    if slug in RESERVED or slug == current_app.config["CONSOLE_HOST"]:
        raise PlantError(f"子域名「{slug}」留作系统自用，请换一个")
    return slug


def as_tenant(plant: Plant) -> Tenant:
    """The plant as the running code carries it."""
    return Tenant(
        id=plant.id,
        slug=plant.slug,
        name=plant.name,
        schema=plant.schema_name,
        role=plant.role_name,
        state=plant.state,
        timezone=plant.timezone,
        revision=plant.revision,
        notice=plant.state_reason,
    )


@dataclass(frozen=True, slots=True)
class Contents:
    """What a plant comes with: the revision its rows were of, how they get into the tables, and registry values."""

    revision: str
    fill: Callable[[Connection, Plant], None]
    values: Mapping[str, Any]


def create_plant(slug: str, *, name: str, county: str = "", contents: Contents | None = None) -> Tenant:
    """Open a plant with empty tables, or with `contents`. Raises PlantError where the slug is taken or unfit."""
    check_slug(slug)
    if not name.strip():
        raise PlantError("请填写水厂名称", field="name")
    schema = "plant_" + slug.replace("-", "_")
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        if session.scalar(select(Plant.id).where(Plant.slug == slug)):
            raise PlantError(f"子域名「{slug}」已被使用，请换一个")
        connection = session.connection()
        plant = Plant(
            slug=slug,
            name=name.strip(),
            county=county,
            schema_name=schema,
            role_name=f"{str(engine().url.database)[:DATABASE_PART]}_{schema}",
            revision=migrate.head("tenant"),
            created_at=datetime.now(UTC),
            **(contents.values if contents else {}),
        )
        session.add(plant)
        try:
            session.flush()
        except IntegrityError as error:  # two operators at once
            raise PlantError(f"子域名「{slug}」已被使用，请换一个") from error
        touched(connection, plant.id)
        _run(connection, *_create_schema(schema), f"SET LOCAL search_path = {quoted(schema)}")
        if contents:
            _run(connection, *migrate.script("tenant", None, contents.revision))
            contents.fill(connection, plant)
            _run(connection, *migrate.script("tenant", contents.revision))
        else:
            _run(connection, *migrate.script("tenant", None))
        if current_app.config["TENANT_ROLES"]:
            _run(connection, *roles.create_statements(plant.role_name, server_version=roles.server_version(connection)))
            _run(connection, *roles.grant_statements(schema, plant.role_name))
        return as_tenant(plant)


def _run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def _create_schema(schema: str) -> list[str]:
    """On Citus only this statement says that the schema is to live on whichever node has room."""
    create, switch = f"CREATE SCHEMA {quoted(schema)}", "SET LOCAL citus.enable_schema_based_sharding = {}"
    return [switch.format("on"), create, switch.format("off")] if current_app.config["DISTRIBUTED"] else [create]


def drop_plant(slug: str) -> None:
    """Remove a plant with everything in it, without an export (tenants.backup makes one)."""
    with Session(engine()) as session, session.begin():
        plant = session.scalar(select(Plant).where(Plant.slug == slug).with_for_update())
        if plant is None:
            raise PlantError(f"没有子域名为「{slug}」的水厂")
        remove(session, plant)


def remove(session: Session, plant: Plant) -> None:
    """Remove a plant with everything in it, in the caller's transaction."""
    connection = session.connection()
    _run(connection, f"DROP SCHEMA {quoted(plant.schema_name)} CASCADE")
    if current_app.config["TENANT_ROLES"]:
        _run(connection, f"DROP ROLE {quoted(plant.role_name)}")
    for kept in (PlantJob, PlantMonth, SupportAccess):
        session.execute(delete(kept).where(kept.plant_id == plant.id))
    session.delete(plant)
