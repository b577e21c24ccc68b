"""SQL smuggled in on purpose: a view that pastes what it is sent into its statement, and what that view cannot do.

What the role and the protocol hold is shown with attack strings in three places of a statement: in a text, in the list of
columns, and after the number of a row. A view that runs a whole statement of somebody else's (`RESET ROLE`) cannot be
held by a role; nothing of ours takes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.db import db, transaction
from app.permissions import public
from embedded.postgres import Postgres
from embedded.redis import Redis
from tenants import context
from tenants.context import Tenant
from tenants.roles import POSTED_TABLES
from tenants.session import engine
from tests import factories as make
from tests.conftest import Site
from tests.payments import counter

hole = Blueprint("hole", __name__, url_prefix="/hole")
PLACES = {
    "text": "SELECT holder FROM customer WHERE holder = '{q}'",
    "columns": "SELECT {q} FROM customer",
    "number": "SELECT holder FROM customer WHERE id = {q}",
}
WHO = "SELECT current_user, session_user, current_setting('search_path')"


@hole.get("/<place>")
@public
def leaking(place: str) -> ResponseReturnValue:
    """Paste, run, and tell all that came back, and who runs the next statement of this transaction."""
    connection = db.session.connection()
    try:
        found = connection.exec_driver_sql(PLACES[place].format(q=request.args["q"]).replace("%", "%%"))
        rows = [[str(value) for value in row] for row in found] if found.returns_rows else []
    except DBAPIError as error:
        db.session.rollback()
        return jsonify(refused=str(error.orig), sqlstate=error.orig.sqlstate)  # type: ignore[union-attr]
    who = [str(value) for value in connection.exec_driver_sql(WHO).one()]
    db.session.commit()
    return jsonify(rows=rows, who=who)


@pytest.fixture(scope="module")
def leaky(app: Flask, servers: tuple[Postgres, Redis]) -> Iterator[Flask]:
    """The app with that view, on the servers of the run."""
    postgres, redis = servers
    made = create_app(
        SECRET_KEY="only-for-tests-0123456789", DATABASE_URL=postgres.url, REDIS_URL=redis.url, TESTING=True,
        STATEMENT_SECONDS=1,
    )  # fmt: skip
    made.register_blueprint(hole)
    yield made
    with made.app_context():
        engine().dispose()


@pytest.fixture
def books(plant: Tenant, neighbour: Tenant) -> dict[str, Any]:
    """Something to steal next door, and posted rows of one's own; what they are before the attack."""
    with context.use(neighbour):
        with transaction():
            make.customer(holder="邻村赵四")
        db.session.remove()
    customer, bills = counter.billed(10)
    counter.pay(customer, bills, "33.50")
    return posted()


def posted() -> dict[str, Any]:
    """Every posted row."""
    db.session.rollback()
    found = {table: sorted(map(str, db.session.execute(text(f"SELECT * FROM {table}")))) for table in POSTED_TABLES}
    db.session.rollback()
    return found


# Alone in the columns' place each is `(…)`; in the other two it is what a UNION selects.
SUBQUERIES = (
    "SELECT holder FROM {other}.customer",
    "SELECT name FROM platform.plant",
    "SELECT password_hash FROM platform.operator",
    "SELECT name FROM platform.revision",
    "SELECT rolpassword FROM pg_catalog.pg_authid",
    "SELECT passwd FROM pg_catalog.pg_shadow",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT CAST(lo_import('/etc/passwd') AS text)",
    "SELECT CAST(lo_create(0) AS text)",
    "SELECT CAST(lo_from_bytea(0, 'x') AS text)",
    "SELECT CAST(dblink('dbname=qingqu', 'SELECT 1') AS text)",
    "SELECT set_config('role', 'none', true)",
    "SELECT set_config('role', '{login}', false)",
    "SELECT set_config('search_path', '{other}', true)",
    "SELECT set_config('session_authorization', '{login}', true)",
    "SELECT CAST(query_to_xml('RESET ROLE', true, true, '') AS text)",
    "SELECT CAST(query_to_xml('SELECT * FROM {other}.customer', true, true, '') AS text)",
    "SELECT CAST(schema_to_xml('{other}', true, true, '') AS text)",
    "SELECT CAST(pg_advisory_lock(1) AS text)",
    "SELECT CAST(pg_try_advisory_lock(1, 2) AS text)",
    "SELECT CAST(nextval('{other}.customer_id_seq') AS text)",
    "SELECT CAST(setval('customer_id_seq', 1) AS text)",
    "SELECT CAST(count(*) AS text) FROM {other}.bill",
    "SELECT CAST(pg_terminate_backend(pid) AS text) FROM pg_stat_activity WHERE usename = '{login}'",
    "SELECT CAST(pg_reload_conf() AS text)",
    "WITH gone AS (DELETE FROM bill RETURNING id) SELECT CAST(id AS text) FROM gone",
)
STACKED = (
    "RESET ROLE",
    "SET ROLE NONE",
    "SET LOCAL ROLE {login}",
    "SET SESSION AUTHORIZATION {login}",
    "SET search_path = {other}",
    "RESET ROLE; SELECT password_hash FROM platform.operator",
    "COMMIT; SELECT holder FROM {other}.customer",
    "UPDATE bill SET amount = 0",
    "DELETE FROM payment",
    "TRUNCATE posting",
    "DROP TABLE ledger_entry",
    "ALTER TABLE bill DISABLE TRIGGER ALL",
    "GRANT UPDATE ON bill TO PUBLIC",
    "DO $$ BEGIN EXECUTE 'RESET ROLE'; END $$",
    "CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "COPY customer TO PROGRAM 'cat'",
    "COPY customer FROM '/etc/passwd'",
    "UPDATE pg_settings SET setting = 'none' WHERE name = 'role'",
)
WAYS = {
    "text": ("' UNION ALL {attack} -- ", "x'; {attack}; -- "),
    "number": ("0 UNION ALL {attack}", "0; {attack}"),
    "columns": ("({attack} LIMIT 1)", "1; {attack}; SELECT 1"),
}


def attack(leaky: Flask, plant: Tenant, neighbour: Tenant, place: str, way: str, what: str) -> dict[str, Any]:
    """What the view tells; a transaction that came through is still the plant's own."""
    sql = what.format(other=neighbour.schema, login=engine().url.username)
    told: dict[str, Any] = Site(leaky, plant).get(f"/hole/{place}", query_string={"q": way.format(attack=sql)}).json
    assert "refused" in told or told["who"] == [plant.role, engine().url.username, f'"{plant.schema}", pg_temp']
    return told


def test_the_view_is_a_hole(leaky: Flask, plant: Tenant, neighbour: Tenant, books: dict[str, Any]) -> None:
    for place, (way, _) in WAYS.items():
        told = attack(leaky, plant, neighbour, place, way, "SELECT 'smuggled ' || current_user")
        assert [f"smuggled {plant.role}"] in told["rows"], place


@pytest.mark.parametrize("place", PLACES)
def test_a_smuggled_query_reads_nothing_outside_its_plant(
    leaky: Flask, plant: Tenant, neighbour: Tenant, books: dict[str, Any], place: str
) -> None:
    for what in SUBQUERIES:
        told = attack(leaky, plant, neighbour, place, WAYS[place][0], what)
        assert "refused" in told, f"{what}: {told}"
        why = ("permission denied", "must be", "does not exist", "not allowed", "at the top level", 'at or near "WITH"')
        assert any(reason in told["refused"] for reason in why), f"{what}: {told}"
        assert "邻村" not in str(told)
    assert posted() == books


@pytest.mark.parametrize("place", PLACES)
def test_a_second_statement_is_not_taken(
    leaky: Flask, plant: Tenant, neighbour: Tenant, books: dict[str, Any], place: str
) -> None:
    for what in ("SELECT 1", *STACKED):
        told = attack(leaky, plant, neighbour, place, WAYS[place][1], what)
        assert "cannot insert multiple commands" in told.get("refused", ""), f"{what}: {told}"
    assert posted() == books


def test_a_temporary_table_that_stays_behind_stands_before_nobody_s_own(
    leaky: Flask, plant: Tenant, neighbour: Tenant, books: dict[str, Any]
) -> None:
    with leaky.app_context():
        engine().dispose()
    told = attack(
        leaky, plant, neighbour, "columns", "{attack}", "'邻村' AS holder INTO TEMP customer FROM pg_class --"
    )
    assert "refused" not in told
    for turn in (neighbour, plant):
        found = Site(leaky, turn).get("/hole/text", query_string={"q": "x' OR '1' = '1"}).json
        assert found["who"][0] == turn.role
        assert found["rows"]
        assert ["邻村"] not in found["rows"]


def test_no_change_of_a_row_runs_on_into_posted_rows(plant: Tenant) -> None:
    """A foreign key's CASCADE works with the owner's rights, not the role's."""
    running_on = db.session.execute(
        text("""SELECT conrelid::regclass, conname FROM pg_constraint
                WHERE contype = 'f' AND connamespace = CAST(:schema AS regnamespace)
                  AND (confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r'))
                  AND conrelid = ANY (CAST(:posted AS regclass[]))"""),
        {"schema": plant.schema, "posted": list(POSTED_TABLES)},
    ).all()
    assert running_on == []


def test_a_person_s_statement_is_ended_and_a_worker_s_is_not(
    leaky: Flask, plant: Tenant, neighbour: Tenant, books: dict[str, Any]
) -> None:
    told = attack(leaky, plant, neighbour, "columns", WAYS["columns"][0], "SELECT CAST(pg_sleep(30) AS text)")
    assert "statement timeout" in told["refused"]
    assert db.session.scalar(text("SHOW statement_timeout")) == "0"
