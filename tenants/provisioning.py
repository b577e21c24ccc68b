"""Opening a plant: registry row, role, schema and tables in one transaction; a failed one leaves nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tenants import migrate, roles
from tenants.context import Tenant
from tenants.models import Plant
from tenants.session import engine, quoted

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


class PlantError(ValueError):
    """The plant cannot be opened like this; the message says why and what to do."""


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
    )


def create_plant(slug: str, *, name: str, county: str = "") -> Tenant:
    """Open a plant with empty tables. Raises PlantError where the slug is taken or unfit."""
    check_slug(slug)
    if not name.strip():
        raise PlantError("请填写水厂名称")
    schema = "plant_" + slug.replace("-", "_")
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        if session.scalar(select(Plant.id).where(Plant.slug == slug)):
            raise PlantError(f"子域名「{slug}」已被使用，请换一个")
        connection = session.connection()
        role = f"{engine().url.database}_{schema}"[:63]
        plant = Plant(
            slug=slug,
            name=name.strip(),
            county=county,
            schema_name=schema,
            role_name=role,
            revision=migrate.head("tenant"),
            created_at=datetime.now(UTC),
        )
        session.add(plant)
        try:
            session.flush()
        except IntegrityError as error:  # two operators at once
            raise PlantError(f"子域名「{slug}」已被使用，请换一个") from error
        statements = [
            *_create_schema(schema),
            f"SET LOCAL search_path = {quoted(schema)}",
            *migrate.script("tenant", None),
            *(
                roles.create_statements(role, server_version=roles.server_version(connection))
                if current_app.config["TENANT_ROLES"]
                else []
            ),
            *(roles.grant_statements(schema, role) if current_app.config["TENANT_ROLES"] else []),
        ]
        for statement in statements:
            connection.exec_driver_sql(statement)
        return as_tenant(plant)


def _create_schema(schema: str) -> list[str]:
    """On Citus only this statement says that the schema is to live on whichever node has room."""
    create, switch = f"CREATE SCHEMA {quoted(schema)}", "SET LOCAL citus.enable_schema_based_sharding = {}"
    return [switch.format("on"), create, switch.format("off")] if current_app.config["DISTRIBUTED"] else [create]


def drop_plant(slug: str) -> None:
    """Remove a plant with everything in it. Its export is the caller's duty."""
    with Session(engine()) as session, session.begin():
        plant = session.scalars(select(Plant).where(Plant.slug == slug).with_for_update()).one()
        connection = session.connection()
        connection.exec_driver_sql(f"DROP SCHEMA {quoted(plant.schema_name)} CASCADE")
        if current_app.config["TENANT_ROLES"]:
            connection.exec_driver_sql(f"DROP ROLE {quoted(plant.role_name)}")
        session.delete(plant)
