"""`flask plants …` (with app/cli_plants.py), `flask migrate` and `flask seed`: what an operator's scripts do."""

from __future__ import annotations

import secrets

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from app import cli_plants, periods
from app.cli_support import Refused, emit, in_plant, json_option, show, table
from app.db import db, transaction
from app.intake.onboarding import open_plant
from app.reports import plant_summary
from app.staff import service
from app.staff.models import StaffUser
from tenants import fleet, migrate
from tenants.models import Plant
from tenants.provisioning import PlantError
from tenants.session import engine, platform

plants_cli = AppGroup("plants", help="Open, list, look at, export, import and drop plants.")
for _command in cli_plants.COMMANDS:
    plants_cli.add_command(_command)


@plants_cli.command("create")
@click.argument("slug")
@click.option("--name", required=True, help="名称")
@click.option("--county", default="")
@click.option("--admin", default="admin", show_default=True, help="the manager's user name")
@click.option("--password", help="made up and printed where not given")
@json_option
def create(slug: str, name: str, county: str, admin: str, password: str | None, as_json: bool) -> None:
    """Open a plant; its manager can log in at once."""
    secret = password or secrets.token_urlsafe(9)
    try:
        tenant = open_plant(slug, name=name, county=county, admin=admin, password=secret, must_change=not password)
    except PlantError as error:
        raise Refused(str(error)) from error
    show({"slug": tenant.slug, "name": tenant.name, "admin": admin, "password": secret}, as_json)


@plants_cli.command("let-in")
@click.argument("slug")
@click.argument("username")
@json_option
def let_in(slug: str, username: str, as_json: bool) -> None:
    """For a plant whose only manager cannot come in: a new first password, the lock and the second step off."""
    with in_plant(slug), transaction():
        person = db.session.scalar(select(StaffUser).where(StaffUser.username == username))
        if person is None:
            raise Refused(f"「{slug}」没有用户名为「{username}」的员工。")
        service.switch_off_second_step(person)
        secret = service.reset_password(person)
    show({"slug": slug, "username": username, "password": secret}, as_json)


@plants_cli.command("list")
@json_option
def list_plants(as_json: bool) -> None:
    """All plants with state and revision."""
    with platform() as session:
        rows = session.scalars(select(Plant).order_by(Plant.slug)).all()
    found = [{"slug": p.slug, "name": p.name, "state": p.state, "revision": p.revision} for p in rows]
    emit(
        {"plants": found},
        as_json=as_json,
        human=lambda: table(["子域名", "名称", "状态", "版本"], [list(row.values()) for row in found]),
    )


@plants_cli.command("summary")
@click.argument("slug")
@click.option("--period", required=True, help="2026-10")
@json_option
def summary(slug: str, period: str, as_json: bool) -> None:
    """The plant's figures of a period."""
    try:
        periods.parse(period)
    except ValueError as error:
        raise Refused(str(error)) from error
    with in_plant(slug):
        show(plant_summary.as_json(plant_summary.plant_summary(period)), as_json)


@click.command("migrate")
@click.option("--only", metavar="SLUG", help="one plant")
@click.option("--canary", type=click.IntRange(1), help="so many plants, the smallest first")
@click.option("--workers", type=click.IntRange(1, 8), default=fleet.WORKERS, show_default=True, help="at the same time")
@click.option("--dry-run", is_flag=True, help="say what would be done")
@with_appcontext
def migrate_command(only: str | None, canary: int | None, workers: int, dry_run: bool) -> None:
    """Bring the platform and every plant to the newest tables; what is done stays done, run again to go on."""
    if not dry_run:
        migrate.migrate_platform(engine())
    plants = fleet.behind(only=only)[:canary]
    if dry_run:
        for revision, statements in fleet.statements(plants).items():
            count = sum(plant.revision == revision for plant in plants)
            click.echo(f"-- {count} 座水厂，从 {revision} 到 {migrate.head('tenant')}：")
            click.echo(";\n".join((*statements, "")))
        return
    failed = fleet.move(plants, workers=workers)
    for slug, reason in failed.items():
        click.echo(f"{slug}: {reason}", err=True)
    if plants:
        click.echo(f"{len(plants) - len(failed)} 座水厂已更新到 {migrate.head('tenant')}，{len(failed)} 座没有完成。")
    if failed:
        raise SystemExit(1)
