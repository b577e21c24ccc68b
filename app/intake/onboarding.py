"""A plant on its first day: its manager, and what every plant starts with."""

from __future__ import annotations

from app.db import db, transaction
from app.staff import service
from app.tariffs.models import UseCategory
from tenants import context, provisioning
from tenants.context import Tenant

USE_CATEGORIES = ("居民生活用水", "非居民用水", "特种行业用水", "农业灌溉用水")


def open_plant(
    slug: str, *, name: str, admin: str, password: str, county: str = "", must_change: bool = False
) -> Tenant:
    """Open a plant that its manager can log in to. Raises provisioning.PlantError; a failed one leaves nothing."""
    tenant = provisioning.create_plant(slug, name=name, county=county)
    try:
        with context.use(tenant), transaction():
            db.session.add_all(UseCategory(name=category) for category in USE_CATEGORIES)
            service.create_staff(
                username=admin, password=password, name="站长", role="manager", must_change=must_change
            )
    except BaseException:
        provisioning.drop_plant(slug)
        raise
    return tenant
