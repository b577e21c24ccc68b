"""`flask doctor`: each thing that is wrong is found, with what to do; a sound installation is left in peace."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from redis import Redis as Client
from sqlalchemy import Engine, create_engine, text

from app.db import db, transaction
from app.doctor import database, people, queue, settings
from app.doctor.cli import doctor
from app.doctor.finding import Finding, Level
from app.extensions import redis
from app.observe import tally
from app.staff.models import StaffUser
from embedded.postgres import Postgres
from embedded.redis import Redis
from seeds import plants as seeds
from tenants import hardening, migrate, passwords
from tenants.context import Tenant
from tenants.session import engine, platform

ROOT = Path(__file__).parent.parent.parent
RANDOM = "9f2c4be1d07a83566e1f90b2c7d4a85be31f6620d9c87b4415aa7e03f2d861c9"
SOUND: dict[str, Any] = {
    "SECRET_KEY": RANDOM, "TLS": True, "BASE_DOMAIN": "shui.gov.cn", "TRUSTED_PROXIES": 1, "TENANT_ROLES": True,
    "METRICS_TOKEN": RANDOM[::-1], "EXPORT_DIR": "", "DATABASE_URL": f"postgresql+psycopg://q:{RANDOM}@10.0.0.3/q",
}  # fmt: skip


def by_check(found: Iterator[Finding]) -> dict[str, Finding]:
    return {one.check: one for one in found}


def of_settings(**changed: Any) -> dict[str, Finding]:
    return by_check(settings.check(SOUND | changed))


def test_sound_settings_are_left_in_peace(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert {one.level for one in of_settings(EXPORT_DIR=str(tmp_path)).values()} == {Level.GOOD}


@pytest.mark.parametrize(
    ("changed", "check", "level"),
    [
        ({"SECRET_KEY": "short"}, "secret_key", Level.BAD),
        ({"SECRET_KEY": "a" * 64}, "secret_key", Level.BAD),
        ({"SECRET_KEY": "changeme-" + RANDOM}, "secret_key", Level.BAD),
        ({"SECRET_KEY": RANDOM, "MISSING": ["SECRET_KEY"]}, "secret_key", Level.BAD),
        ({"TLS": False}, "tls", Level.BAD),
        ({"BASE_DOMAIN": "localhost"}, "base_domain", Level.BAD),
        ({"BASE_DOMAIN": "10.0.0.5"}, "base_domain", Level.BAD),
        ({"BASE_DOMAIN": "shui.example.com"}, "base_domain", Level.BAD),
        ({"TRUSTED_PROXIES": 0}, "trusted_proxies", Level.BAD),
        ({"TRUSTED_PROXIES": 5}, "trusted_proxies", Level.LOOK),
        ({"TENANT_ROLES": False}, "tenant_roles", Level.BAD),
        ({"METRICS_TOKEN": ""}, "metrics_token", Level.LOOK),
        ({"METRICS_TOKEN": "token"}, "metrics_token", Level.BAD),
        ({"EXPORT_DIR": ""}, "export_dir", Level.LOOK),
        ({"EXPORT_DIR": "/nowhere/at/all"}, "export_dir", Level.BAD),
        ({"DATABASE_URL": "postgresql+psycopg://q:secret@10.0.0.3/q"}, "database_password", Level.BAD),
        ({"DATABASE_URL": "postgresql+psycopg://q@10.0.0.3/q"}, "database_password", Level.BAD),
        ({"DEBUG": True}, "debug", Level.BAD),
    ],
)
def test_a_setting_that_is_wrong_is_named_with_what_to_do(changed: dict[str, Any], check: str, level: Level) -> None:
    found = of_settings(**changed)[check]
    assert found.level is level
    assert found.do
    for secret in changed.values():
        assert not isinstance(secret, str) or len(secret) < 20 or secret not in found.says + found.do


def test_a_folder_of_exports_that_everybody_reads_is_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert "chmod 700" in of_settings(EXPORT_DIR=str(tmp_path))["export_dir"].do


def of_database(connection_to: Engine) -> dict[str, Finding]:
    with connection_to.connect() as connection:
        return by_check(database.check(connection))


def test_a_server_made_by_us_is_as_it_should_be(app: Flask) -> None:
    found = of_database(engine())
    assert found.pop("fsync").level is Level.BAD  # tests' servers are fast, and say so
    assert {one.level for one in found.values()} == {Level.GOOD}, found


@pytest.fixture
def as_admin(servers: tuple[Postgres, Redis]) -> Iterator[Callable[[str], None]]:
    """Statements of the superuser in a database of the test's own."""
    url = servers[0].create_database("doctored")
    done: list[str] = []

    def run(statement: str) -> None:
        done.append(statement)
        with psycopg.connect(servers[0].admin_url.replace("+psycopg", "").rpartition("/")[0] + "/doctored") as admin:
            admin.execute(statement)  # type: ignore[call-overload] # our own words

    run.url = url  # type: ignore[attr-defined]
    yield run
    servers[0].drop_database("doctored")


def looked(run: Callable[[str], None]) -> dict[str, Finding]:
    made = create_engine(run.url)  # type: ignore[attr-defined]
    try:
        return of_database(made)
    finally:
        made.dispose()


@pytest.mark.parametrize("function", hardening.CLOSED)
def test_a_function_that_everybody_may_use_is_named(as_admin: Callable[[str], None], function: str) -> None:
    as_admin(f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC")
    found = looked(as_admin)["public_functions"]
    assert found.level is Level.BAD
    assert hardening.revoke(function) in found.do
    as_admin(found.do.partition("：")[2])  # what it says helps
    assert looked(as_admin)["public_functions"].level is Level.GOOD


def test_what_everybody_may_create_and_tables_that_are_missing_are_found(as_admin: Callable[[str], None]) -> None:
    as_admin("GRANT CREATE ON SCHEMA public TO PUBLIC")
    found = looked(as_admin)
    assert found["public_schema"].do.endswith(f"{hardening.NO_CREATE};")
    assert (found["migrations"].level, found["migrations"].do) == (Level.BAD, "执行 flask migrate。")


def test_a_superuser_and_one_who_may_make_no_roles_are_found(
    servers: tuple[Postgres, Redis], as_admin: Callable[[str], None]
) -> None:
    admin = create_engine(servers[0].admin_url)
    assert of_database(admin)["database_role"].level is Level.BAD
    admin.dispose()
    as_admin("CREATE ROLE weak LOGIN PASSWORD 'weak-for-a-test'")
    weak = create_engine(f"postgresql+psycopg://weak:weak-for-a-test@127.0.0.1:{servers[0].port}/doctored")
    try:
        assert of_database(weak)["create_role"].level is Level.BAD
        as_admin("ALTER ROLE weak CREATEROLE")
        assert "OWNER TO weak" in of_database(weak)["database_owner"].do
    finally:
        weak.dispose()
        as_admin("DROP ROLE weak")


def test_a_plant_that_is_behind_is_something_to_look_at(app: Flask, plant: Tenant) -> None:
    with platform() as session:
        session.execute(text("UPDATE platform.plant SET revision = '0001' WHERE id = :id"), {"id": plant.id})
    found = of_database(engine())["migrations"]
    with platform() as session:
        session.execute(
            text("UPDATE platform.plant SET revision = :head WHERE id = :id"),
            {"id": plant.id, "head": migrate.head("tenant")},
        )
    assert (found.level, found.do.startswith("执行 flask migrate")) == (Level.LOOK, True)


def test_redis_without_password_or_that_keeps_nothing_or_is_not_there(app: Flask, servers: Any) -> None:
    client = redis()
    kept = by_check(queue.check(servers[1].url, client))
    assert {kept[name].level for name in ("redis", "redis_password", "redis_kept")} == {Level.GOOD}
    open_ = by_check(queue.check("redis://10.0.0.4:6379/0", client))
    assert open_["redis_password"].level is Level.BAD
    assert by_check(queue.check("redis://127.0.0.1:6379/0", client))["redis_password"].level is Level.LOOK
    client.config_set("appendonly", "no")
    assert by_check(queue.check(servers[1].url, client))["redis_kept"].level is Level.BAD
    client.config_set("appendonly", "yes")
    wrong = Client.from_url(servers[1].url.replace("redis://:", "redis://:wrong"))
    assert "密码" in by_check(queue.check("redis://:wrong@h/0", wrong))["redis"].says
    gone = Client(host="127.0.0.1", port=1, socket_connect_timeout=1)
    assert by_check(queue.check("redis://h/0", gone))["redis"].level is Level.BAD


def test_a_worker_and_a_beat_that_are_there_are_seen(app: Flask, servers: Any) -> None:
    redis().delete(tally.LAST, tally.WORKERS)
    found = by_check(queue.check(servers[1].url, redis()))
    assert (found["worker"].level, found["beat"].level) == (Level.BAD, Level.BAD)
    tally.worker_seen("one@here")
    tally.task_ended("worker.tasks.start_nights", "success", 0.1)
    found = by_check(queue.check(servers[1].url, redis()))
    assert (found["worker"].level, found["beat"].level) == (Level.GOOD, Level.GOOD)
    redis().delete(tally.LAST, tally.WORKERS)


def of_people() -> dict[str, Finding]:
    with engine().connect() as connection:
        return by_check(people.check(connection))


def is_named(plant: Tenant) -> bool:
    """Whether somebody of this plant is found; other tests' plants may have the seeds' people."""
    with engine().connect() as connection:
        accounts = [one for one in people.staff(connection, []) if one.plant == plant.slug]
    return bool(people.with_known_password(accounts)[0])


def test_an_account_with_the_password_of_the_readme_is_named(app: Flask, plant: Tenant) -> None:
    assert people.KNOWN == (seeds.PASSWORD,)
    assert {name for name, *_ in (*seeds.STAFF, *seeds.READERS)} <= set(people.NAMES)
    assert not is_named(plant)
    with transaction():
        person = db.session.query(StaffUser).filter_by(username="admin").one()
        person.password_hash = passwords.hashed(seeds.PASSWORD)
    assert is_named(plant)
    assert of_people()["known_passwords"].level is Level.BAD
    with transaction():
        person.active = False
    assert not is_named(plant)  # nobody gets in with it


def test_a_plant_whose_tables_cannot_be_read_is_told_and_keeps_no_check_from_the_others(
    app: Flask, plant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "known_passwords" in of_people()
    monkeypatch.setattr(people, "_STAFF", text("SELECT 1 FROM staff_user_of_long_ago WHERE 'x' = ANY(:names)"))
    found = of_people()
    assert found["plants"].level is Level.BAD
    assert "known_passwords" in found


def test_the_command_fails_where_something_is_dangerous_and_says_it_as_json(app: Flask, plant: Tenant) -> None:
    done = app.test_cli_runner().invoke(doctor, ["--json"])
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert told["level"] == "bad"
    assert {"check", "level", "says", "do"} == set(told["findings"][0])
    checks = {one["check"]: one["level"] for one in told["findings"]}
    assert (checks["secret_key"], checks["tls"], checks["postgresql"]) == ("bad", "bad", "good")
    words = app.test_cli_runner().invoke(doctor)
    assert words.exit_code == 1
    assert "【危险】没有开 TLS" in words.output
    assert app.config["SECRET_KEY"] not in words.output + done.output


def test_a_database_that_is_away_is_one_of_the_findings() -> None:
    away = {
        "SECRET_KEY": RANDOM,
        "DATABASE_URL": "postgresql+psycopg://q@127.0.0.1:1/q",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "flask", "--app", "wsgi:app", "doctor"],
        env=away | {"PYTHONPATH": str(ROOT)}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "数据库没有应答" in done.stdout
    assert "Redis 没有应答" in done.stdout
    assert "Traceback" not in done.stderr
