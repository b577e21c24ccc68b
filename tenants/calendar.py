"""The plant's calendar in the registry: on which days of a month its nights bill and deduct."""

from __future__ import annotations

from sqlalchemy import select, update

from tenants.models import Plant
from tenants.session import platform

DAYS = ("bill_day", "deduct_day")


def read(plant_id: int) -> dict[str, int]:
    """账单日 (1–31; a shorter month's last day) and 自动扣费日 (the same; 0: every night)."""
    with platform() as session:
        found = session.execute(select(Plant.bill_day, Plant.deduct_day).where(Plant.id == plant_id)).one()
    return dict(zip(DAYS, found, strict=True))


def change(plant_id: int, days: dict[str, int]) -> None:
    """Set some of the days. From the next night that is planned they hold."""
    if days:
        with platform() as session:
            session.execute(update(Plant).where(Plant.id == plant_id).values(days))
