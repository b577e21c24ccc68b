"""Moving plants to the newest tables."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import inspect, select, text, update

from tenants import fleet, migrate, resolver
from tenants.context import Tenant
from tenants.models import Plant
from tenants.session import PLANTS_PER_CONNECTION, engine, platform, quoted, touched
from tests.conftest import Site, make_plant

HEAD = migrate.head("tenant")
BEFORE = migrate.tree("tenant").get_revision(HEAD).down_revision
STEP = ("ALTER TABLE note_of_test ADD COLUMN more text", "CREATE INDEX ix_note_of_test_more ON note_of_test (more)")


@pytest.fixture(autouse=True)
def one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step of the tree, for these tests, is one of our own."""
    real = migrate.script
    monkeypatch.setattr(
        migrate, "script", lambda tree, at: STEP if (tree, at) == ("tenant", BEFORE) else real(tree, at)
    )


def set_back(*tenants: Tenant) -> None:
    """Leave plants one step behind."""
    with engine().begin() as connection:
        for tenant in tenants:
            schema = quoted(tenant.schema)
            connection.execute(text(f"CREATE TABLE {schema}.note_of_test (id bigint PRIMARY KEY)"))
            connection.execute(update(Plant).where(Plant.id == tenant.id).values(revision=BEFORE))
    resolver.forget()


def revision(tenant: Tenant) -> str:
    with platform() as session:
        return session.scalars(select(Plant.revision).where(Plant.id == tenant.id)).one()


def is_moved(tenant: Tenant) -> bool:
    columns = inspect(engine()).get_columns("note_of_test", schema=tenant.schema)
    return revision(tenant) == HEAD and "more" in {column["name"] for column in columns}


def run(app: Flask, *words: str) -> tuple[int, str]:
    result = FlaskCliRunner(app).invoke(args=["migrate", *words])
    return result.exit_code, result.output


def test_all_plants_are_moved_and_a_broken_one_stops_nobody(app: Flask) -> None:
    plants = [make_plant() for _ in range(4)]
    set_back(*plants)
    broken = plants[1]
    with engine().begin() as connection:
        connection.execute(text(f"ALTER TABLE {quoted(broken.schema)}.note_of_test ADD COLUMN more text"))
    code, said = run(app)
    assert code == 1
    assert f"{broken.slug}: " in said
    assert "already exists" in said
    assert [is_moved(plant) for plant in plants] == [True, False, True, True]
    assert revision(broken) == BEFORE
    with engine().begin() as connection:
        connection.execute(text(f"ALTER TABLE {quoted(broken.schema)}.note_of_test DROP COLUMN more"))
    assert run(app)[0] == 0
    assert is_moved(broken)
    assert run(app) == (0, "")


def test_nothing_to_do_is_one_query(app: Flask, count_queries: Callable[[], AbstractContextManager[list[str]]]) -> None:
    for _ in range(3):
        make_plant()
    with count_queries() as seen:
        assert fleet.move(fleet.behind()) == {}
    assert len(seen) == 1


def test_a_few_first_one_alone_and_a_look_before(app: Flask) -> None:
    plants = [make_plant() for _ in range(3)]
    set_back(*plants)
    code, said = run(app, "--dry-run")
    assert (code, f"3 座水厂，从 {BEFORE} 到 {HEAD}" in said, STEP[0] in said) == (0, True, True)
    assert not any(revision(plant) == HEAD for plant in plants)
    run(app, "--canary", "1")
    assert sum(revision(plant) == HEAD for plant in plants) == 1
    last = next(plant for plant in reversed(plants) if revision(plant) != HEAD)
    run(app, "--only", last.slug)
    assert is_moved(last)
    assert sum(revision(plant) == HEAD for plant in plants) == 2
    assert run(app)[0] == 0
    assert all(is_moved(plant) for plant in plants)


def test_a_plant_in_use_is_waited_for_shortly_and_then_reported(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "100ms")
    held, free = make_plant(), make_plant()
    set_back(held, free)
    with engine().connect() as somebody:
        somebody.execute(text(f"LOCK TABLE {quoted(held.schema)}.note_of_test IN ACCESS SHARE MODE"))
        assert "lock timeout" in fleet.move(fleet.behind())[held.slug]
        somebody.rollback()
    assert is_moved(free)
    assert fleet.move(fleet.behind()) == {}
    assert is_moved(held)


def test_a_plant_that_somebody_else_moves_is_waited_for_shortly_too(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "100ms")
    held = make_plant()
    set_back(held)
    with platform() as somebody:
        somebody.scalars(select(Plant).where(Plant.id == held.id).with_for_update()).one()
        assert "lock timeout" in fleet.move(fleet.behind())[held.slug]
    assert fleet.move(fleet.behind()) == {}
    assert is_moved(held)


def test_two_runners_at_once_move_every_plant_once(app: Flask) -> None:
    plants = [make_plant() for _ in range(4)]
    set_back(*plants)
    left = fleet.behind()
    failed: list[dict[str, str]] = []

    def go() -> None:
        with app.app_context():
            failed.append(fleet.move(left))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [{}, {}]
    assert all(is_moved(plant) for plant in plants)


def test_a_plant_left_one_step_behind_is_served(site: Site, plant: Tenant) -> None:
    set_back(plant)
    assert site.get("/login").status_code == 200
    assert is_moved(plant)


def test_a_plant_that_cannot_be_moved_says_that_it_is_being_worked_on(site: Site, plant: Tenant) -> None:
    set_back(plant)
    with engine().begin() as connection:
        connection.execute(text(f"DROP TABLE {quoted(plant.schema)}.note_of_test"))
    answer = site.get("/login")
    assert (answer.status_code, "正在升级" in answer.text) == (503, True)


def test_a_plant_ahead_of_this_program_is_served_as_it_is(site: Site, plant: Tenant) -> None:
    with engine().begin() as connection:
        connection.execute(update(Plant).where(Plant.id == plant.id).values(revision="of-tomorrow"))
    resolver.forget()
    assert site.get("/login").status_code == 200
    assert plant.id not in {behind.id for behind in fleet.behind()}
    assert revision(plant) == "of-tomorrow"


def test_a_connection_that_has_seen_many_plants_is_not_used_again(app: Flask) -> None:
    engine().dispose()
    with engine().connect() as connection:
        first = connection.connection.driver_connection
        for plant_id in range(PLANTS_PER_CONNECTION - 1):
            touched(connection, plant_id)
    with engine().connect() as connection:
        assert connection.connection.driver_connection is first
        touched(connection, PLANTS_PER_CONNECTION)
    with engine().connect() as connection:
        assert connection.connection.driver_connection is not first
