"""A plant into a file and back: the same books, under the same name or another."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text, update

from app import clock
from app.billing.models import Bill
from app.customers.models import Customer
from app.db import db, transaction
from app.metering.models import Meter
from app.payments.models import Payment
from app.payments.service.take_payment import top_up
from app.payments.verify import verify
from app.staff.models import StaffUser
from tenants import backup, context, migrate, plant_file, provisioning, resolver
from tenants.context import Tenant
from tenants.models import Plant, PlantJob
from tenants.plant_file import Manifest
from tenants.session import engine, platform, quoted
from tests import factories as make
from tests.conftest import Site, make_plant
from tests.tenants.lived import NIGHT, NOON, books, counters, live_a_little, row_of, run, shape
from worker.nightly import run_night


def test_export_drop_import_gives_identical_books(app: Flask, neighbour: Tenant, tmp_path: Path) -> None:
    tenant = make_plant("往返水厂")
    live_a_little(tenant)
    with platform() as session:
        values = {
            "county": "皋兰县",
            "domain": "shui.example",
            "bill_day": 5,
            "deduct_day": 10,
            "timezone": "Asia/Urumqi",
        }
        session.execute(update(Plant).where(Plant.id == tenant.id).values(**values))
    before, drawn, was, beside = (
        books(tenant.schema),
        counters(tenant.schema),
        row_of(tenant.slug),
        books(neighbour.schema),
    )
    kinds = {"bill", "payment", "settlement", "posting", "audit_entry", "day_close", "setting", "staff_user"}
    assert kinds <= {table for table, rows in before.items() if rows}
    file = tmp_path / "shui.zip"
    code, said = run(app, "drop", tenant.slug, "--export", str(file))
    assert (code, "shui.zip" in said) == (0, True)
    assert resolver.by_slug(tenant.slug) is None
    assert inspect(engine()).get_table_names(schema=tenant.schema) == []
    assert run(app, "import", str(file))[0] == 0
    now = row_of(tenant.slug)
    assert books(now.schema_name) == before
    assert counters(now.schema_name) == drawn
    kept = ("name", "county", "domain", "state", "timezone", "bill_day", "deduct_day", "planned_until", "households")
    assert {name: getattr(now, name) for name in kept} == {name: getattr(was, name) for name in kept}
    assert books(neighbour.schema) == beside
    assert file.stat().st_mode & 0o077 == 0


def test_a_clone_beside_the_live_plant_keeps_identities_and_goes_its_own_way(
    app: Flask, lived: Tenant, saved: Path
) -> None:
    before, drawn = books(lived.schema), counters(lived.schema)
    code, said = run(app, "import", str(saved), "--as", "beside", "--json")
    clone = resolver.by_slug("beside")
    assert clone
    assert (code, json.loads(said)["slug"]) == (0, "beside")
    assert (books(clone.schema), counters(clone.schema)) == (before, drawn)
    assert shape(clone.schema) == shape(lived.schema)
    assert Site(app, clone).log_in("shouyin").status_code == 302
    with context.use(clone), clock.at(NOON):
        assert verify() == []
        with transaction():
            owing = db.session.scalars(select(Bill).order_by(Bill.id.desc())).first()
            assert owing
            last = db.session.scalar(select(func.max(Payment.id)))
            paid = top_up(owing.customer_id, amount=Decimal(5), method="cash", by_id=None)
            assert paid.id > (last or 0)
            make.customer()
        assert verify() == []
        db.session.remove()
    assert books(lived.schema) == before
    assert books(clone.schema)["payment"] != before["payment"]


def test_a_clone_cannot_read_or_change_what_its_role_may_not(lived: Tenant, saved: Path) -> None:
    clone = backup.import_plant(saved, slug="confined")
    with context.use(clone):
        for statement in ("UPDATE bill SET amount = 0", f"SELECT * FROM {lived.schema}.customer"):
            with pytest.raises(Exception, match="permission denied"):
                db.session.execute(text(statement))
            db.session.rollback()
        db.session.remove()


def test_nights_go_on_where_the_export_stood(lived: Tenant, tmp_path: Path) -> None:
    assert row_of(lived.slug).planned_until == NIGHT
    with platform() as session:
        jobs = PlantJob.plant_id == lived.id
        session.execute(update(PlantJob).where(jobs, PlantJob.kind == "reports").values(state="failed"))
    backup.export_plant(lived.slug, tmp_path / "undone.zip")
    with platform() as session:
        session.execute(update(PlantJob).where(jobs).values(state="done"))
    clone = backup.import_plant(tmp_path / "undone.zip", slug="undone")
    assert row_of("undone").planned_until == NIGHT - timedelta(days=1)
    before = books(clone.schema)
    with context.use(clone), clock.at(NOON):
        found = run_night(NIGHT)
        db.session.remove()
    assert found["bills"]["bills"] == len([row for row in before["bill"] if "regular" in row])
    after = books(clone.schema)
    for table in ("bill", "payment", "settlement", "ledger_entry", "posting", "open_item"):
        assert after[table] == before[table], table


def test_a_suspended_import_sleeps(app: Flask, saved: Path) -> None:
    assert run(app, "import", str(saved), "--as", "asleep", "--suspended")[0] == 0
    assert row_of("asleep").state == "suspended"


def test_an_export_of_an_older_revision_is_moved_to_the_newest(lived: Tenant, tmp_path: Path) -> None:
    """The tree from its first revision on: tables as they were then are filled and then moved."""
    old = provisioning.create_plant("oldtimer", name="老水厂", contents=None)
    with engine().begin() as connection:
        connection.execute(text(f"DROP SCHEMA {quoted(old.schema)} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {quoted(old.schema)}"))
        connection.execute(text(f"SET LOCAL search_path = {quoted(old.schema)}"))
        for statement in migrate.script("tenant", None, "0001"):
            connection.exec_driver_sql(statement)
        connection.execute(text("INSERT INTO district (name) VALUES ('东街')"))
        connection.execute(
            text("INSERT INTO meter (meter_no, bore, meter_type, maker, dial_modulus, initial_reading, state, note)"
                 " VALUES ('A1', '', '', '', 1000, 0, 'in_use', '')")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO suspension (meter_id, stopped_on, stop_reading, reason, at)"
                 " SELECT id, DATE '2026-01-01', 5, '外出', TIMESTAMPTZ '2026-01-01' FROM meter")
        )  # fmt: skip
        connection.execute(update(Plant).where(Plant.id == old.id).values(revision="0001"))
    manifest = backup.export_plant("oldtimer", tmp_path / "old.zip")
    assert manifest.revision == "0001"
    new = backup.import_plant(tmp_path / "old.zip", slug="newtimer")
    assert row_of("newtimer").revision == migrate.head("tenant")
    assert shape(new.schema) == shape(lived.schema)
    rows = books(new.schema)
    assert [row[1] for row in rows["district"]] == ["东街"]
    assert len(rows["suspension"]) == 1
    provisioning.drop_plant("oldtimer")


def test_an_export_shows_one_moment_while_others_write(
    lived: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two tables a payment comes in: the file has nothing of it, in no table."""
    before = books(lived.schema)
    real, seen = plant_file.Writer.table, []

    def table(self: plant_file.Writer, name: str, blocks: Any) -> tuple[int, str]:
        seen.append(name)
        if len(seen) == 2:
            with context.use(lived), clock.at(NOON), transaction():
                someone = db.session.scalars(select(Customer.id).order_by(Customer.id)).first()
                assert someone
                top_up(someone, amount=Decimal(7), method="cash", by_id=None)
        return real(self, name, blocks)

    with monkeypatch.context() as patch:
        patch.setattr(plant_file.Writer, "table", table)
        backup.export_plant(lived.slug, tmp_path / "moment.zip")
    clone = backup.import_plant(tmp_path / "moment.zip", slug="moment")
    assert books(clone.schema) == before
    assert books(lived.schema)["payment"] != before["payment"]
    with context.use(clone):
        assert verify() == []
        db.session.remove()


def test_a_migration_waits_for_an_export_and_a_night_does_not(
    lived: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = plant_file.Writer.manifest
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "100ms")
    said = []

    def manifest(self: plant_file.Writer, manifest: Manifest) -> None:
        with platform() as session:
            session.execute(text("SET LOCAL lock_timeout = '100ms'"))
            session.execute(update(Plant).where(Plant.id == lived.id).values(households=61))
        with pytest.raises(Exception, match="lock timeout"):
            migrate.migrate_plant(engine(), row_of(lived.slug), statements=("SELECT 1",))
        said.append("held")
        real(self, manifest)

    monkeypatch.setattr(plant_file.Writer, "manifest", manifest)
    backup.export_plant(lived.slug, tmp_path / "held.zip")
    assert said == ["held"]


def test_an_export_that_breaks_off_leaves_no_file_and_none_is_overwritten(
    app: Flask, lived: Tenant, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = saved.read_bytes()
    code, said = run(app, "export", lived.slug, str(saved))
    assert (code, "已经存在" in said, saved.read_bytes() == whole) == (2, True, True)
    code, said = run(app, "export", lived.slug, str(tmp_path / "no folder" / "x.zip"))
    assert (code, "写不成" in said) == (2, True)
    code, said = run(app, "export", "nobody-here", str(tmp_path / "x.zip"))
    assert (code, "没有子域名" in said) == (2, True)
    monkeypatch.setattr(plant_file.Writer, "manifest", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backup.export_plant(lived.slug, tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("nothing_changes")
def test_a_plant_is_not_dropped_without_an_export_or_while_it_is_used(
    app: Flask, lived: Tenant, tmp_path: Path
) -> None:
    before = books(lived.schema)
    code, said = run(app, "drop", lived.slug)
    assert (code, "--export" in said) == (2, True)
    with engine().connect() as somebody:
        somebody.execute(text(f"SELECT 1 FROM {quoted(lived.schema)}.customer LIMIT 1"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(backup, "LOCK_TIMEOUT", "100ms")
            code, said = run(app, "drop", lived.slug, "--export", str(tmp_path / "x.zip"))
        assert (code, "正有人在用" in said) == (2, True)
        somebody.rollback()
    assert books(lived.schema) == before


def test_nobody_writes_between_the_export_and_the_drop(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_plant()
    real, said = plant_file.Writer.manifest, []

    def manifest(self: plant_file.Writer, manifest: Manifest) -> None:
        with engine().connect() as somebody:
            somebody.execute(text("SET LOCAL lock_timeout = '100ms'"))
            late = text(f"INSERT INTO {quoted(tenant.schema)}.district (name) VALUES ('晚了')")
            with pytest.raises(Exception, match="lock timeout"):
                somebody.execute(late)
        said.append("refused")
        real(self, manifest)

    monkeypatch.setattr(plant_file.Writer, "manifest", manifest)
    assert run(app, "drop", tenant.slug, "--export", str(tmp_path / "last.zip"))[0] == 0
    assert said == ["refused"]


def test_a_plant_with_nights_is_dropped_without_export_only_when_told_twice(app: Flask) -> None:
    tenant = make_plant()
    with context.use(tenant):
        run_night(NIGHT)
        db.session.remove()
    assert run(app, "drop", tenant.slug, "--yes-without-export")[0] == 0
    assert resolver.by_slug(tenant.slug) is None
    assert run(app, "drop", tenant.slug, "--yes-without-export")[0] == 2


def test_every_password_and_meter_comes_along(saved: Path, lived: Tenant) -> None:
    clone = backup.import_plant(saved, slug="along")
    found = []
    for tenant in (lived, clone):
        with context.use(tenant):
            hashes = db.session.scalars(select(StaffUser.password_hash).order_by(StaffUser.id)).all()
            found.append((hashes, db.session.scalar(select(func.count(Meter.id)))))
            db.session.remove()
    assert found[0] == found[1]
    assert found[0][1] == 61
    assert replace(clone, id=0).schema == "plant_along"
