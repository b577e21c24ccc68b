"""Fixtures for plants, their registry and the operator at the console."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tenants import backup, passwords
from tenants.context import Tenant
from tenants.entry.store import redis
from tenants.models import Operator
from tenants.session import platform
from tests.conftest import PASSWORD, make_plant
from tests.queries import count_queries
from tests.tenants.lived import everything_there, live_a_little

__all__ = ["count_queries"]

BASE = "http://console.localhost"


def operator(app: Flask, username: str, name: str, role: str) -> FlaskClient:
    """An operator of that role, logged in."""
    values = {"password_hash": passwords.hashed(PASSWORD), "name": name, "role": role, "active": True}
    with platform() as session:
        there = session.scalar(select(Operator).where(Operator.username == username))
        if there is None:
            there = Operator(username=username, created_at=datetime.now(UTC))
            session.add(there)
        for key, value in (values | {"must_change_password": False}).items():
            setattr(there, key, value)
    for key in redis().scan_iter("login:console:*"):  # other tests have failed here, and it would ask for a 验证码
        redis().delete(key)
    client = app.test_client()
    data = {"username": username, "password": PASSWORD}
    assert client.post("/console/login", data=data, base_url=BASE).status_code == 302
    return client


@pytest.fixture
def console(app: Flask) -> FlaskClient:
    """The operator, logged in."""
    return operator(app, "opener", "周运营", "owner")


@pytest.fixture
def supporter(app: Flask) -> FlaskClient:
    """技术支持, logged in."""
    return operator(app, "supporter", "吴支持", "support")


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
