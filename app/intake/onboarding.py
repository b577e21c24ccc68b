"""A plant on its first day: its manager, and what every plant starts with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.db import db, transaction
from app.errors import DomainError
from app.intake import service as intake
from app.intake.registry import IMPORTERS
from app.jobs import enqueue
from app.staff import service
from app.tariffs import library
from app.tariffs.models import UseCategory
from app.tariffs.service import import_tariff
from tenants import context, provisioning
from tenants.context import Tenant
from tenants.provisioning import PlantError

USE_CATEGORIES = ("居民生活用水", "非居民用水", "特种行业用水", "农业灌溉用水")
IMPORT = "worker.imports.run_import"


def move_in(*, admin: str, password: str, must_change: bool = False) -> None:
    """What every plant starts with, stored in the one in force: its 水表性质 and its manager."""
    db.session.add_all(UseCategory(name=category) for category in USE_CATEGORIES)
    service.create_staff(username=admin, password=password, name="站长", role="manager", must_change=must_change)


def open_plant(
    slug: str,
    *,
    name: str,
    admin: str,
    password: str,
    county: str = "",
    must_change: bool = False,
    standards: Iterable[str] = (),
    register: tuple[str, bytes] | None = None,
) -> Tenant:
    """Open a plant that its manager can log in to, with tariff files of the library and its customers.

    `register`: name and content of their workbook; one of many rows is left to the worker. Raises
    provisioning.PlantError; a failed one leaves nothing.
    """
    tenant = provisioning.create_plant(slug, name=name, county=county)
    try:
        with context.use(tenant), transaction():
            move_in(admin=admin, password=password, must_change=must_change)
            for key in standards:
                import_tariff(library.document(key), by_id=None)
            if register:
                _bring_in(*register)
    except BaseException:
        provisioning.drop_plant(slug)
        raise
    return tenant


def _bring_in(filename: str, content: bytes) -> None:
    """Import the register's good rows; the wrong ones wait in the plant's 导入 to be downloaded. PlantError where
    it is no register, or no row of it is good."""
    options: dict[str, Any] = {option.name: "" for option in IMPORTERS["customers"].options}
    try:
        job = intake.create_job(kind="customers", filename=filename, content=content, options=options, by_id=None)
        if intake.is_large(job):
            job.state = "running"
            enqueue(IMPORT, job.id)
            return
        intake.run_import(job.id)
        if not (job.result or {}).get("ok"):
            raise DomainError("表里没有一行可以导入，请先用模板核对。")
        intake.start(job.id)
        intake.run_import(job.id)
    except DomainError as error:
        raise PlantError(f"用户档案没有导入：{error.message}", field="workbook") from error
