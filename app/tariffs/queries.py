"""Which standard is in force for whom, when."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import select, text

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


@dataclass(frozen=True, slots=True)
class Served:
    """Who is charged by a standard: meters and customers of its 水表性质, meters that share it (混合用水)."""

    category: str
    meters: int
    customers: int
    mixed: int

    def __bool__(self) -> bool:
        return bool(self.meters or self.customers or self.mixed)

    def __str__(self) -> str:
        said = []
        if self.meters:
            said.append(f"「{self.category}」的 {self.meters} 块水表（{self.customers} 户）")
        elif self.customers:
            said.append(f"不抄表的 {self.customers} 户")
        if self.mixed:
            said.append(f"{self.mixed} 块混合用水的水表")
        return "、".join(said)


# Meters, customers and bills come after tariffs: SQL, no import.
_BY_METER = text("""
    SELECT count(*), count(DISTINCT b.customer_id) FROM meter_binding b JOIN customer c ON c.id = b.customer_id
    WHERE b.unbound_on IS NULL AND b.mix IS NULL AND c.charged_by_meter AND b.use_category_id = :category_id
""")
_WITHOUT_METER = text("""
    SELECT 0, count(*) FROM customer c
    WHERE NOT c.charged_by_meter AND c.state = 'active' AND (c.use_category_id = :category_id OR :alone)
""")
_MIXED = text("""
    SELECT count(*) FROM meter_binding WHERE unbound_on IS NULL AND mix @> CAST(:part AS jsonb)
""")
# A bill was issued after its standard was made, or by the day from which that counts, and charges what was read from
# that day on. So runs are looked through one by one, each along the index of its period, until one such bill is found:
# for a version that bills it is among the first, and for one to come there is hardly a run to look through.
_BILLED = text("""
    WITH v AS MATERIALIZED (
        SELECT id, effective_from, created_at,
               jsonb_build_object('tariffs', jsonb_build_array(jsonb_build_object('version_id', id))) AS named
        FROM tariff_version WHERE tariff_id = :tariff_id
    )
    SELECT v.id FROM v CROSS JOIN LATERAL (
        SELECT FROM billing_run r
        CROSS JOIN LATERAL (
            SELECT FROM bill b
            WHERE b.period = r.period AND b.run_id = r.id AND (b.read_on IS NULL OR b.read_on >= v.effective_from)
              AND b.document @> v.named
            ORDER BY b.route_id LIMIT 1
        ) hit
        WHERE r.at >= v.created_at - interval '1 day'
           OR r.issued_on >= least(v.effective_from, CAST(v.created_at AS date))
        ORDER BY r.id LIMIT 1
    ) found
""")


def served_by(tariff: Tariff) -> Served:
    """Whom it charges now. A default standard serves its 水表性质; one for 不抄表 that is the only one, everybody."""
    meters = customers = 0
    what: dict[str, Any] = {"category_id": tariff.use_category_id}
    if tariff.is_default and tariff.applies_to == "metered":
        meters, customers = db.session.execute(_BY_METER, what).one()
    elif tariff.is_default:
        others = select(Tariff.id).where(Tariff.applies_to == tariff.applies_to, Tariff.id != tariff.id)
        what["alone"] = db.session.scalar(others.limit(1)) is None
        meters, customers = db.session.execute(_WITHOUT_METER, what).one()
    mixed = db.session.scalar(_MIXED, {"part": json.dumps([{"tariff_id": tariff.id}])}) or 0
    return Served(tariff.use_category.name, meters, customers, mixed)


def billed_versions(tariff_id: int) -> set[int]:
    """Those versions of a standard that a bill was priced by."""
    return set(db.session.scalars(_BILLED, {"tariff_id": tariff_id}))


def customers_with_quota(quota_id: int) -> int:
    """How many customers a quota belongs to."""
    return db.session.scalar(text("SELECT count(*) FROM customer WHERE quota_id = :id"), {"id": quota_id}) or 0


def rules_of(version: TariffVersion) -> TariffRules:
    """What a version says."""
    return _parsed(context.current().id, version.id, _Document(version.document))
