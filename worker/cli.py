"""`flask nightly`: the night by hand, the same way that beat goes."""

from __future__ import annotations

from datetime import date, datetime

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from app.cli_support import Refused, emit, json_option, table
from app.db import db
from app.errors import DomainError
from tenants import context, resolver
from tenants.models import Plant
from tenants.session import platform
from worker.nightly import run_night


@click.command("nightly")
@click.option("--date", "night", required=True, type=click.DateTime(["%Y-%m-%d"]), help="business date")
@click.option("--plant", "slug", help="one plant; all active ones without it")
@json_option
@with_appcontext
def nightly(night: datetime, slug: str | None, as_json: bool) -> None:
    """Bill, deduct and build the reports' caches of a night; again: nothing more happens."""
    with platform() as session:
        query = select(Plant.slug).where(Plant.state == "active").order_by(Plant.id)
        slugs = list(session.scalars(query.where(Plant.slug == slug) if slug else query))
    if slug and not slugs:
        raise Refused(f"没有子域名为「{slug}」的水厂，或它已停用；用 flask plants list 看有哪些。")
    done = {one: _one(one, night.date()) for one in slugs}
    rows = [[one, step, result] for one, steps in done.items() for step, result in steps.items()]
    emit(
        {"date": str(night.date()), "plants": done},
        as_json=as_json,
        human=lambda: table(["水厂", "步骤", "结果"], rows),
    )
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
        except Exception as error:  # one plant stops nobody else
            return {"error": f"{type(error).__name__}: {error}".split("\n")[0]}
        finally:
            db.session.remove()
