"""Moving all plants to the newest tables: in parallel, resumable, a few first where one likes; a failing one stops nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from tenants import context, migrate, resolver
from tenants.models import Plant
from tenants.session import engine, platform

WORKERS = 2
TRIES = 3  # of a plant whose people hold a lock that the migration needs

Told = Callable[[str, str | None], None]  # slug, and what went wrong


def behind(*, only: str | None = None) -> list[Plant]:
    """Plants that are not at the head, the small ones first: one query, whatever the fleet's size."""
    query = select(Plant).where(Plant.revision != migrate.head("tenant"))
    if only:
        query = query.where(Plant.slug == only)
    with platform() as session:
        found = session.scalars(query.order_by(Plant.households, Plant.id)).all()
    return [plant for plant in found if migrate.behind("tenant", plant.revision)]


def statements(plants: Sequence[Plant]) -> dict[str, tuple[str, ...]]:
    """What would be run, by the revision that plants are at."""
    return {revision: migrate.script("tenant", revision) for revision in sorted({p.revision for p in plants})}


def move(plants: Sequence[Plant], *, workers: int = WORKERS, told: Told = lambda _slug, _error: None) -> dict[str, str]:
    """Bring the plants to the head; returns {slug: reason} of those that could not be moved. Run again: goes on."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def one(plant: Plant) -> tuple[str, str | None]:
        with app.app_context():
            error = _moved(plant)
        told(plant.slug, error)
        return plant.slug, error

    with ThreadPoolExecutor(workers) as pool:
        return {slug: error for slug, error in pool.map(one, plants) if error}


def _moved(plant: Plant) -> str | None:
    for attempt in range(1, TRIES + 1):
        try:
            migrate.migrate_plant(engine(), plant)
        except OperationalError as error:
            if attempt == TRIES:
                return _reason(error)
        except SQLAlchemyError as error:
            return _reason(error)
        else:
            return None
    return None


def _reason(error: SQLAlchemyError) -> str:
    return str(error.__cause__ or error).strip().split("\n")[0]


def bring_up(tenant: context.Tenant) -> context.Tenant:
    """The plant at the head: one that was left behind is moved at its first request. Raises what the database says."""
    if not migrate.behind("tenant", tenant.revision):
        return tenant
    with platform() as session:
        plant = session.get_one(Plant, tenant.id)
    migrate.migrate_plant(engine(), plant)
    resolver.forget()
    return resolver.by_slug(tenant.slug) or tenant
