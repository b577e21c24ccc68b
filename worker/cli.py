"""`flask nightly`: the night by hand, the same way that beat goes."""

from __future__ import annotations

from datetime import date, datetime

import click
from app.cli_support import emit
from flask.cli import with_appcontext
from sqlalchemy import select

from app.db import db
from app.errors import DomainError
from tenants import context, resolver
from tenants.models import Plant
from tenants.session import platform
from worker.nightly import run_night


@click.command("nightly")
@click.option("--date", "night", required=True, type=click.DateTime(["%Y-%m-%d"]), help="business date")
@click.option("--plant", "slug", help="one plant; all active ones without it")
@click.option("--json", "as_json", is_flag=True)
@with_appcontext
def nightly(night: datetime, slug: str | None, as_json: bool) -> None:
    """Bill, deduct and build the reports' caches of a night; again: nothing more happens."""
    with platform() as session:
        query = select(Plant.slug).where(Plant.state == "active").order_by(Plant.id)
        slugs = list(session.scalars(query.where(Plant.slug == slug) if slug else query))
    if slug and not slugs:
        raise click.UsageError(f"没有叫「{slug}」的水厂，或它已停用")
    done = {one: _one(one, night.date()) for one in slugs}
    emit({"date": str(night.date()), "plants": done}, as_json)
    if any("error" in result for result in done.values()):
        raise SystemExit(1)


def _one(slug: str, night: date) -> dict[str, object]:
    tenant = resolver.by_slug(slug)
    assert tenant
    with context.use(tenant):
        try:
            return dict(run_night(night))
        except DomainError as error:
            return {"error": error.message}
        finally:
            db.session.remove()
