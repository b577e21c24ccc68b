"""Nights as the registry keeps them, for the boards that show them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from tenants.context import Tenant
from tenants.models import PlantJob
from tenants.nights import KINDS
from tenants.session import platform

DONE: dict[str, dict[str, Any]] = {
    "resume": {"resumed": 0},
    "bills": {"bills": 2450, "amount": "78900.00"},
    "late_fees": {"late": 0},
    "auto_deduct": {"customers": 30, "amount": "910.50"},
    "reports": {"sums": 41},
}
NO_TARIFF = "「农业灌溉用水」有 3 户没有可用的收费标准，请先到「水费收费标准」新增，再出账。"


def put(plant: Tenant, day: date, state: str = "done", *, at: str = "bills", error: str | None = NO_TARIFF) -> None:
    """A night in which the steps before `at` are done, `at` is in `state`, and the later ones wait (or are done too)."""
    kinds = list(KINDS)
    begin = datetime(day.year, day.month, day.day, 16, 30, tzinfo=UTC) - timedelta(days=1)  # half past midnight there
    with platform() as session:
        for rank, kind in enumerate(kinds):
            now = "done" if state == "done" or rank < kinds.index(at) else state if kind == at else "queued"
            started = begin + timedelta(seconds=10 * rank)
            session.add(
                PlantJob(
                    plant_id=plant.id,
                    business_date=day,
                    kind=kind,
                    state=now,
                    attempts=0 if now == "queued" else 3 if now == "failed" else 1,
                    queued_at=begin,
                    started_at=None if now == "queued" else started,
                    finished_at=started + timedelta(seconds=8) if now in ("done", "failed") else None,
                    result=DONE[kind] if now == "done" else None,
                    error=error if now == "failed" else None,
                )
            )


def states(plant: Tenant, day: date) -> dict[str, str]:
    """Kind → state, as stored."""
    with platform() as session:
        query = select(PlantJob.kind, PlantJob.state).where(
            PlantJob.plant_id == plant.id, PlantJob.business_date == day
        )
        return dict(session.execute(query).all())
