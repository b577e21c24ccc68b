"""Fixtures for plants, their registry and the operator at the console."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from tenants import passwords
from tenants.models import Operator
from tenants.session import platform
from tests.conftest import PASSWORD
from tests.queries import count_queries

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
