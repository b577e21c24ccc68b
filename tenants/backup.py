"""One plant into a file, and back: under its own name, or under another beside the live one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from flask import current_app
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from tenants import migrate, plant_file, provisioning, resolver, session
from tenants.context import Tenant
from tenants.models import Plant, PlantJob
from tenants.plant_file import Manifest, Reader, Table
from tenants.provisioning import Contents, PlantError
from tenants.session import engine, platform, quoted

LOCK_TIMEOUT = "5s"  # for a plant that is to be dropped while somebody works there

# Generated columns are computed again. A counter belongs to the column that is an identity.
_COLUMNS = text("""
    SELECT c.relname AS table_name, a.attname AS name,
           CASE WHEN a.attidentity <> '' THEN pg_get_serial_sequence(CAST(c.oid AS regclass)::text, a.attname) END
               AS sequence
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE n.nspname = :schema AND c.relkind = 'r'
    ORDER BY c.relname, a.attnum
""")
_FOREIGN_KEYS = text("""
    SELECT c.relname AS table_name, k.conname AS name, pg_get_constraintdef(k.oid) AS definition
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND k.contype = 'f'
    ORDER BY c.relname, k.conname
""")


@dataclass(frozen=True, slots=True)
class _Columns:
    """A table as the catalogue knows it: its columns, and the sequences behind those that are identities."""

    names: list[str]
    sequences: dict[str, str]


def export_plant(slug: str, path: Path) -> Manifest:
    """Write the plant as it is at one moment, while people go on working there (with DISTRIBUTED: while they wait).

    Raises PlantError: no such plant, a file that is there already or cannot be written, a migration that runs.
    """
    at = datetime.now(UTC)
    with _snapshot() as moment:
        plant = _held(moment, slug)
        if current_app.config["DISTRIBUTED"]:
            _keep_still(moment.connection(), plant)
        manifest = _write(moment.connection(), plant, path, at)
    with platform() as registry:
        registry.execute(update(Plant).where(Plant.id == plant.id).values(exported_at=at))
    return manifest


def import_plant(path: Path, *, slug: str | None = None, suspended: bool = False) -> Tenant:
    """Open a plant with what the file holds, moved to the newest tables. Raises PlantError; then nothing is left.

    The file is checked from end to end before anything is written, and all that is written is one transaction. The
    plant's nights go on from where the export stood, unless it is `suspended`.
    """
    with plant_file.reading(path) as file:
        values = _registry_values(file.manifest, renamed=slug is not None)
        slug = slug or file.manifest.plant["slug"]
        if resolver.by_slug(slug):
            raise PlantError(f"已有子域名为「{slug}」的水厂：用 --as 换一个子域名导入，或先 flask plants drop {slug}。")
        if suspended:
            values["state"] = "suspended"
        contents = Contents(file.manifest.revision, partial(_fill, file), values)
        given = file.manifest.plant
        try:
            tenant = provisioning.create_plant(slug, name=given["name"], county=given["county"], contents=contents)
        except (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError) as error:
            raise PlantError(f"文件 {path} 里的数据自相矛盾，什么都没有导入：{_said(error)}") from error
    resolver.forget()
    return tenant


def drop_plant(slug: str, path: Path) -> Manifest:
    """Export the plant, read the file again and remove the plant, with nobody writing between. Raises PlantError."""
    try:
        with Session(engine(), expire_on_commit=False) as registry, registry.begin():
            connection = registry.connection()
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            plant = registry.scalar(select(Plant).where(Plant.slug == slug).with_for_update())
            if plant is None:
                raise _unknown(slug)
            _lock(connection, plant, "ACCESS EXCLUSIVE")
            manifest = _write(connection, plant, path, datetime.now(UTC))
            with plant_file.reading(path):
                provisioning.remove(registry, plant)
    except OperationalError as error:
        raise PlantError(f"水厂「{slug}」正有人在用，没有删除；请先停用，稍后再试。") from error
    resolver.forget()
    return manifest


def _lock(connection: Connection, plant: Plant, mode: str) -> None:
    tables = ", ".join(f"{quoted(plant.schema_name)}.{quoted(name)}" for name in _tables(connection, plant))
    connection.exec_driver_sql(f"LOCK TABLE {tables} IN {mode} MODE")


def _keep_still(connection: Connection, plant: Plant) -> None:
    """Let nobody write until the end: Citus reads each table as it is then, whatever the coordinator's snapshot."""
    try:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        _lock(connection, plant, "SHARE")
    except OperationalError as error:
        raise PlantError(f"水厂「{plant.slug}」正有人在用，没有导出；请稍后再试。") from error


@contextmanager
def _snapshot() -> Iterator[Session]:
    """One transaction that sees the database as it is now, whatever others do meanwhile."""
    still = engine().execution_options(isolation_level="REPEATABLE READ")
    with Session(still, expire_on_commit=False) as moment, moment.begin():
        yield moment


def _held(moment: Session, slug: str) -> Plant:
    """The plant's registry row, held against migration and removal; its nights and figures may still be noted."""
    try:
        plant = moment.scalar(select(Plant).where(Plant.slug == slug).with_for_update(read=True, key_share=True))
    except OperationalError as error:  # it was migrated between the look and the lock
        raise PlantError(f"水厂「{slug}」正在升级，请稍后再试。") from error
    if plant is None:
        raise _unknown(slug)
    return plant


def _unknown(slug: str) -> PlantError:
    return PlantError(f"没有子域名为「{slug}」的水厂，用 flask plants list 看有哪些。")


def _write(connection: Connection, plant: Plant, path: Path, at: datetime) -> Manifest:
    _enter(connection, plant)
    tables: dict[str, Table] = {}
    with plant_file.writing(path) as writer:
        for name, columns in _tables(connection, plant).items():
            rows, sha256 = writer.table(name, _copied_out(connection, name, columns))
            counters = {column: _counter(connection, sequence) for column, sequence in columns.sequences.items()}
            tables[name] = Table(columns.names, rows, sha256, counters)
        manifest = Manifest(at.isoformat(), plant.revision, _registry_row(connection, plant), tables)
        writer.manifest(manifest)
    return manifest


def _enter(connection: Connection, plant: Plant) -> None:
    """Names mean the plant's, dates are written and read one way. As the owner: a copy needs rights no plant has."""
    connection.exec_driver_sql(f"SET LOCAL search_path = {quoted(plant.schema_name)}")
    connection.exec_driver_sql("SET LOCAL datestyle = 'ISO, YMD'")
    session.touched(connection, plant.id)


def _registry_row(connection: Connection, plant: Plant) -> dict[str, Any]:
    """What the registry knows and a plant needs elsewhere. A night that is planned and not done is planned again there."""
    undone = select(func.min(PlantJob.business_date)).where(PlantJob.plant_id == plant.id, PlantJob.state != "done")
    first = connection.scalar(undone)
    until = first - timedelta(days=1) if first else plant.planned_until
    names = ("slug", "name", "county", "domain", "state", "timezone", "bill_day", "deduct_day", "households")
    return {name: getattr(plant, name) for name in names} | {"planned_until": until.isoformat() if until else None}


def _registry_values(manifest: Manifest, *, renamed: bool) -> dict[str, Any]:
    """The new row's values. The domain stays with the plant of the old name, or with whoever has it by now."""
    if not migrate.is_known("tenant", manifest.revision):
        raise PlantError(f"备份来自更新的程序（表结构 {manifest.revision}），请先升级程序，再导入。")
    given = manifest.plant
    try:
        ZoneInfo(given["timezone"])
        until = given["planned_until"]
        values = {name: given[name] for name in ("timezone", "bill_day", "deduct_day", "households", "domain")}
        values["planned_until"] = datetime.fromisoformat(until).date() if until else None
        values["state"] = "active" if given["state"] == "active" else "suspended"
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise PlantError("备份里的水厂资料读不懂，什么都没有导入。") from error
    with platform() as registry:
        if renamed or registry.scalar(select(Plant.id).where(Plant.domain == values["domain"])):
            values["domain"] = None
    return values


def _tables(connection: Connection, plant: Plant) -> dict[str, _Columns]:
    found: dict[str, _Columns] = {}
    for row in connection.execute(_COLUMNS, {"schema": plant.schema_name}):
        table = found.setdefault(row.table_name, _Columns([], {}))
        table.names.append(row.name)
        if row.sequence:
            table.sequences[row.name] = row.sequence
    return found


def _copied_out(connection: Connection, table: str, columns: _Columns) -> Iterator[bytes]:
    out = f"COPY {_list(table, columns.names)} TO STDOUT WITH (ENCODING 'UTF8')"
    with _cursor(connection) as cursor, cursor.copy(out) as copy:
        yield from map(bytes, copy)


def _fill(file: Reader, connection: Connection, plant: Plant) -> None:
    """Put the file's rows into the empty tables. Foreign keys are taken off and put on again: then order is no matter,
    and each is checked once for all rows.
    """
    _enter(connection, plant)
    tables, wanted = _tables(connection, plant), file.manifest.tables
    if {name: t.names for name, t in tables.items()} != {name: t.columns for name, t in wanted.items()}:
        raise PlantError(f"备份里的表和表结构 {file.manifest.revision} 不一致，什么都没有导入。")
    keys = connection.execute(_FOREIGN_KEYS, {"schema": plant.schema_name}).all()
    for key in keys:
        connection.exec_driver_sql(f"ALTER TABLE {quoted(key.table_name)} DROP CONSTRAINT {quoted(key.name)}")
    for name, columns in tables.items():
        into = f"COPY {_list(name, columns.names)} FROM STDIN WITH (ENCODING 'UTF8')"
        with _cursor(connection) as cursor, cursor.copy(into) as copy:
            for block in file.blocks(name):
                copy.write(block)
        for column, (last, given_out) in wanted[name].identities.items():
            _set_counter(connection, columns.sequences[column], last, given_out)
    for key in keys:
        connection.exec_driver_sql(
            f"ALTER TABLE {quoted(key.table_name)} ADD CONSTRAINT {quoted(key.name)} {key.definition}"
        )
    connection.exec_driver_sql(f"ANALYZE {', '.join(quoted(name) for name in tables)}")


def _counter(connection: Connection, sequence: str) -> tuple[int, bool]:
    """A sequence's last value and whether it was given out. It stands outside of transactions, and never goes back."""
    last, given_out = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608
    return int(last), bool(given_out)


def _set_counter(connection: Connection, sequence: str, last: int, given_out: bool) -> None:
    statement = text("SELECT setval(CAST(:sequence AS regclass), :last, :given_out)")
    connection.execute(statement, {"sequence": sequence, "last": last, "given_out": given_out})


def _cursor(connection: Connection) -> psycopg.Cursor[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor()


def _list(table: str, columns: list[str]) -> str:
    return f"{quoted(table)} ({', '.join(quoted(name) for name in columns)})"


def _said(error: Exception) -> str:
    """The database's sentence, without the row that it quotes: that may name a person."""
    cause = getattr(error, "orig", error)
    return str(cause.diag.message_primary) if isinstance(cause, psycopg.Error) else type(error).__name__
