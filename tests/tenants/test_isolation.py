"""One plant's code reaches one plant's rows: by schema, by role, by cookie, by host."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from app.db import at_one_moment, db, transaction
from app.staff.models import StaffUser
from tenants import context, session
from tenants.context import NoTenant, Tenant
from tenants.jobs import is_passing
from tenants.session import connection_for, engine
from tests import factories as make
from tests.conftest import Site, make_plant


def test_no_plant_no_query(app: Flask) -> None:
    with pytest.raises(NoTenant):
        db.session.execute(text("SELECT 1"))
    db.session.rollback()


def test_the_plant_before_is_in_force_again_also_after_an_error(plant: Tenant, neighbour: Tenant) -> None:
    def fail_there() -> None:
        with context.use(neighbour):
            assert context.current() == neighbour
            raise ValueError("oops")

    with pytest.raises(ValueError, match="oops"):
        fail_there()
    assert context.current() == plant


def test_a_transaction_is_the_plant_s_role_and_schema_and_the_connection_forgets(plant: Tenant) -> None:
    who = text("SELECT current_user, current_setting('search_path')")
    assert tuple(db.session.execute(who).one()) == (
        plant.role,
        f'"{plant.schema}", pg_temp',
    )
    connection = db.session.connection()
    db.session.rollback()
    raw = connection.engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("SELECT current_user, current_setting('search_path')")
        assert cursor.fetchone() == ("qingqu", '"$user", public')
    finally:
        raw.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM {other}.customer",
        "INSERT INTO {other}.district (name) VALUES ('东街')",
        "SELECT * FROM platform.plant",
    ],
)
def test_sql_cannot_leave_the_plant(plant: Tenant, neighbour: Tenant, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement.format(other=neighbour.schema)))


def test_a_query_cannot_step_out_of_the_role(plant: Tenant) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text("SELECT set_config('role', 'qingqu', true)"))


@pytest.mark.parametrize(
    "table", ["bill", "payment", "settlement", "ledger_entry", "posting", "audit_entry", "billing_run"]
)
@pytest.mark.parametrize("statement", ["UPDATE {table} SET at = now()", "DELETE FROM {table}"])
def test_what_is_posted_cannot_be_changed(plant: Tenant, table: str, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|does not exist"):
        db.session.execute(text(statement.format(table=table)))


def test_a_thousand_turns_on_one_connection_leak_nothing(app: Flask, plant: Tenant, neighbour: Tenant) -> None:
    engine = db.engine
    connection_ids = set()
    for turn in range(1000):
        tenant = (plant, neighbour)[turn % 2]
        with context.use(tenant):
            row = db.session.execute(text("SELECT current_schema(), pg_backend_pid()")).one()
            connection_ids.add(row[1])
            assert row[0] == tenant.schema
            if turn % 7 == 0:
                with pytest.raises(ProgrammingError), db.session.begin_nested():
                    db.session.execute(text("SELECT * FROM nowhere"))
                assert db.session.execute(text("SELECT current_schema()")).scalar_one() == tenant.schema
            if turn % 3:
                db.session.commit()
            else:
                db.session.rollback()
    assert len(connection_ids) <= engine.pool.size()  # type: ignore[attr-defined]


def test_a_cookie_of_one_plant_is_worthless_at_another(app: Flask, client: Site, neighbour: Tenant) -> None:
    assert client.get("/me").status_code == 200
    cookie = client.client.get_cookie("qingqu", domain=client.base.removeprefix("http://"))
    assert cookie is not None
    there = Site(app, neighbour)
    there.client.set_cookie("qingqu", cookie.value, domain=there.base.removeprefix("http://"))
    assert there.get("/me").status_code == 302
    assert "/login" in there.get("/me").location


def test_the_same_ids_at_another_plant_are_not_there(app: Flask, client: Site, plant: Tenant) -> None:
    with transaction():
        person = make.customer()
    other = make_plant()
    there = Site(app, other)
    there.log_in()
    assert client.get(f"/customers/{person.id}").status_code == 200
    assert there.get(f"/customers/{person.id}").status_code == 404


def test_an_account_of_one_plant_cannot_log_in_at_another(app: Flask, plant: Tenant, neighbour: Tenant) -> None:
    from app.staff.service import create_staff

    with transaction():
        create_staff(username="only-here", password="a-long-password", name="王芳", role="cashier")
    assert Site(app, plant).log_in("only-here", "a-long-password").status_code == 302
    assert Site(app, neighbour).log_in("only-here", "a-long-password").status_code == 422
    with context.use(neighbour):
        assert db.session.scalar(select(StaffUser.id).where(StaffUser.username == "only-here")) is None
        db.session.rollback()


def test_what_is_read_at_one_moment_is_of_that_moment_and_cannot_write(plant: Tenant) -> None:
    count = text("SELECT count(*) FROM district")
    with at_one_moment():
        before = db.session.scalar(count)
        with connection_for(plant) as somebody:
            somebody.execute(text("INSERT INTO district (name) VALUES ('东街')"))
        assert db.session.scalar(count) == before
        with pytest.raises(DBAPIError, match="read-only transaction"):
            db.session.execute(text("DELETE FROM district"))
    assert db.session.scalar(count) == before + 1
    db.session.execute(text("DELETE FROM district"))  # the connection has forgotten it
    db.session.rollback()


def test_a_connection_that_the_server_has_cut_costs_one_retry(plant: Tenant) -> None:
    with engine().connect() as other:
        cut = db.session.scalar(text("SELECT pg_backend_pid()"))
        db.session.remove()  # given back a moment ago: nobody asks it first whether it is alive
        assert other.scalar(text("SELECT pg_terminate_backend(:cut, 5000)"), {"cut": cut})
        with pytest.raises(OperationalError) as error:
            db.session.execute(text("SELECT 1"))
        assert is_passing(error.value)
        db.session.remove()
        assert db.session.scalar(text("SELECT 1")) == 1


def test_a_connection_cut_while_it_was_idle_is_not_used_again(plant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "IDLE", 0.0)
    with engine().connect() as other:
        cut = db.session.scalar(text("SELECT pg_backend_pid()"))
        db.session.remove()
        assert other.scalar(text("SELECT pg_terminate_backend(:cut, 5000)"), {"cut": cut})
        assert db.session.scalar(text("SELECT pg_backend_pid()")) != cut
