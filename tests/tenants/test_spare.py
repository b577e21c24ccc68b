"""A test's plant is as good as new: tests/spare.py empties those that only had rows changed, and no others."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from app.customers.models import Customer
from app.db import db, transaction
from tenants import context
from tenants.context import Tenant
from tenants.session import engine, quoted
from tests import factories as make
from tests.conftest import PASSWORD, make_plant
from tests.spare import Spares


@pytest.fixture
def spares(app: Flask, plant: Tenant) -> Spares:
    return app.extensions["spares"]


def test_what_was_in_it_is_gone_and_keys_begin_again(spares: Spares) -> None:
    used = make_plant()
    with context.use(used):
        with transaction():
            make.customer(), make.customer()
        db.session.remove()
    assert spares.give_back(used)
    again = spares.take(f"{used.slug}b", name="又一座", admin="admin", password=PASSWORD)
    assert again
    assert (again.schema, again.role) == (used.schema, used.role)
    assert again.id > used.id
    with context.use(again):
        assert db.session.query(Customer).count() == 0
        with transaction():
            assert make.customer().id == 1
        db.session.remove()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE {schema}.customer ADD CONSTRAINT odd CHECK (true)",
        "ALTER TABLE {schema}.customer ADD COLUMN odd text",
        "DROP TABLE {schema}.quota CASCADE",
        "CREATE FUNCTION {schema}.odd() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "GRANT DELETE ON {schema}.posting TO {role}",
        "DROP SCHEMA {schema} CASCADE",
    ],
)
def test_one_whose_tables_or_rights_are_others_is_left_alone(spares: Spares, change: str) -> None:
    used = make_plant()
    with engine().begin() as connection:
        connection.execute(text(change.format(schema=quoted(used.schema), role=quoted(used.role))))
    assert not spares.give_back(used)


def test_one_that_somebody_holds_is_left_alone(spares: Spares) -> None:
    used = make_plant()
    with engine().begin() as somebody:
        somebody.execute(text(f"LOCK TABLE {quoted(used.schema)}.customer"))
        assert not spares.give_back(used)
