"""Which standard is in force for whom, when."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from app.db import db
from app.tariffs.models import Quota, Tariff, TariffVersion, UseCategory
from app.tariffs.rules import Tariff as TariffRules
from app.tariffs.rules import parse
from tenants import context


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of a standard and the days it is in force: `since` ≤ day < `until` (None: still)."""

    version_id: int
    tariff_id: int
    name: str
    use_category_id: int
    applies_to: str
    is_default: bool
    since: date
    until: date | None
    rules: TariffRules


def categories() -> dict[int, str]:
    """id → 水表性质, in the order they were made."""
    return {row.id: row.name for row in db.session.scalars(select(UseCategory).order_by(UseCategory.id))}


def versions_in_force() -> list[InForce]:
    """Every version of every standard with its span of days."""
    rows = db.session.execute(
        select(TariffVersion, Tariff)
        .join(Tariff, Tariff.id == TariffVersion.tariff_id)
        .order_by(TariffVersion.tariff_id, TariffVersion.effective_from)
    ).all()
    following = {
        earlier.id: later.effective_from
        for (earlier, _), (later, _) in itertools.pairwise(rows)
        if earlier.tariff_id == later.tariff_id
    }
    return [
        InForce(
            version_id=version.id,
            tariff_id=tariff.id,
            name=tariff.name,
            use_category_id=tariff.use_category_id,
            applies_to=tariff.applies_to,
            is_default=tariff.is_default,
            since=version.effective_from,
            until=following.get(version.id),
            rules=_parsed(context.current().id, version.id, _Document(version.document)),
        )
        for version, tariff in rows
    ]


class _Document:
    """A tariff document as part of a cache key: equal by content."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Document) and self.document == other.document

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=2000)
def _parsed(_plant_id: int, _version_id: int, document: _Document) -> TariffRules:
    return parse(document.document)


def quota_ids() -> dict[str, int]:
    """定额编号 → id."""
    return {code: key for code, key in db.session.execute(select(Quota.code, Quota.id))}


def quota_codes() -> set[str]:
    """定额编号 that are taken."""
    return set(db.session.scalars(select(Quota.code)))
