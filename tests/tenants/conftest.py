"""Fixtures for plants, their registry and the operator at the console."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from tenants import backup, passwords
from tenants.context import Tenant
from tenants.models import Operator
from tenants.session import platform
from tests.conftest import PASSWORD, make_plant
from tests.queries import count_queries
from tests.tenants.lived import everything_there, live_a_little

__all__ = ["count_queries"]

BASE = "http://console.localhost"


@pytest.fixture
def console(app: Flask) -> FlaskClient:
    """The operator, logged in."""
    with platform() as session:
        session.execute(delete(Operator).where(Operator.username == "opener"))
        session.add(
            Operator(
                username="opener",
                password_hash=passwords.hashed(PASSWORD),
                name="周运营",
                active=True,
                created_at=datetime.now(UTC),
            )
        )
    client = app.test_client()
    data = {"username": "opener", "password": PASSWORD}
    assert client.post("/console/login", data=data, base_url=BASE).status_code == 302
    return client


@pytest.fixture(scope="module")
def lived(app: Flask) -> Tenant:
    """A plant with a history: one for each file."""
    tenant = make_plant("活水厂")
    live_a_little(tenant)
    return tenant


@pytest.fixture(scope="module")
def saved(lived: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its export."""
    path = tmp_path_factory.mktemp("saved") / "plant.zip"
    backup.export_plant(lived.slug, path)
    return path


@pytest.fixture
def nothing_changes() -> Iterator[None]:
    """Whatever the test does, the server has the plants, schemas and roles that it had."""
    before = everything_there()
    yield
    assert everything_there() == before
