"""Where a role per plant cannot be had, and where there are many nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.db import db, transaction
from tenants import backup, context, plant_file, provisioning
from tenants.context import Tenant
from tenants.provisioning import PlantError
from tenants.session import engine
from tests import factories as make
from tests.conftest import Site, make_plant


def test_without_roles_the_search_path_alone_separates_plants(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TENANT_ROLES", False)
    plants = [make_plant(name) for name in ("甲村水厂", "乙村水厂")]
    for tenant, holder in zip(plants, ("甲村赵四", "乙村王五"), strict=True):
        with context.use(tenant):
            with transaction():
                make.customer(holder=holder)
            assert db.session.scalar(text("SELECT current_user")) == engine().url.username
            db.session.remove()
    with engine().connect() as connection:
        roles = {"roles": [tenant.role for tenant in plants]}
        assert connection.scalar(text("SELECT count(*) FROM pg_roles WHERE rolname = ANY (:roles)"), roles) == 0
    for tenant, mine, other in ((plants[0], "甲村赵四", "乙村王五"), (plants[1], "乙村王五", "甲村赵四")) * 2:
        site = Site(app, tenant)
        site.log_in()
        page = site.get("/customers").text
        assert mine in page
        assert other not in page
    for tenant in plants:
        provisioning.drop_plant(tenant.slug)


def test_only_a_new_plant_s_schema_is_told_to_live_on_any_node(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "DISTRIBUTED", "citus")
    with engine().begin() as connection:  # a name with a dot needs no Citus to be set
        connection.execute(text("SET LOCAL citus.enable_schema_based_sharding = on"))
    seen: list[str] = []
    monkeypatch.setattr(provisioning, "_create_schema", noting(provisioning._create_schema, seen))
    tenant = make_plant()
    schema = f'CREATE SCHEMA "{tenant.schema}"'
    switch = "SET LOCAL citus.enable_schema_based_sharding = "
    assert seen == [switch + "on", schema, switch + "off"]


def noting(real: Callable[[str], list[str]], seen: list[str]) -> Callable[[str], list[str]]:
    """The real one, its statements noted."""

    def create(schema: str) -> list[str]:
        seen.extend(real(schema))
        return real(schema)

    return create


def test_where_there_are_many_nodes_nobody_writes_while_a_plant_is_exported(
    app: Flask, plant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node shows what was committed a moment ago, however old the coordinator's snapshot is."""
    monkeypatch.setitem(app.config, "DISTRIBUTED", "citus")
    real, refused = plant_file.Writer.table, []

    def impatient_customer() -> None:
        with transaction():
            db.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            make.customer()

    def table(self: plant_file.Writer, name: str, blocks: Any) -> tuple[int, str]:
        with pytest.raises(OperationalError, match="lock timeout"):
            impatient_customer()
        refused.append(name)
        return real(self, name, blocks)

    monkeypatch.setattr(plant_file.Writer, "table", table)
    backup.export_plant(plant.slug, tmp_path / "still.zip")
    assert len(refused) == len(db.metadata.tables)
    with transaction():
        make.customer()
    monkeypatch.setattr(backup, "LOCK_TIMEOUT", "50ms")
    db.session.execute(text("LOCK TABLE customer IN ROW EXCLUSIVE MODE"))
    with pytest.raises(PlantError, match="正有人在用，没有导出"):
        backup.export_plant(plant.slug, tmp_path / "used.zip")


def test_another_way_to_distribute_is_refused() -> None:
    with pytest.raises(RuntimeError, match="DISTRIBUTED"):
        create_app(SECRET_KEY="x" * 32, DATABASE_URL="postgresql+psycopg://", REDIS_URL="redis://", DISTRIBUTED="yes")
