"""收费标准 on their way in: by name and day, and never changed once they have billed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db import db
from app.errors import DomainError
from app.tariffs.models import Tariff, TariffVersion
from app.tariffs.service import import_tariff
from tenants.context import Tenant
from tests import factories
from tests.tariffs.billed import bill_by

SEEDS = Path(__file__).parent.parent.parent / "app" / "tariffs" / "library"
TIERED = factories.TIERED


def taken(document: dict[str, Any] | None = None, **changes: Any) -> TariffVersion:
    return import_tariff((document or TIERED) | changes, by_id=None)


def count(model: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_the_seed_standards_come_in_once_and_are_the_defaults(plant: Tenant) -> None:
    for _ in range(2):
        for file in SEEDS.glob("*.json"):
            taken(json.loads(file.read_text("utf-8")))
    assert (count(Tariff), count(TariffVersion)) == (5, 5)
    assert all(db.session.scalars(select(Tariff.is_default)))


def test_a_second_standard_of_the_same_use_is_not_the_default(plant: Tenant) -> None:
    taken()
    assert taken(name="居民合表").tariff.is_default is False


def test_another_day_is_another_version(plant: Tenant) -> None:
    first, second = taken(), taken(effective_from="2027-01-01")
    assert first.tariff_id == second.tariff_id
    assert count(TariffVersion) == 2


def test_other_content_replaces_a_version_that_has_not_billed(plant: Tenant) -> None:
    version = taken()
    assert taken(minimum="5").id == version.id
    assert version.document["minimum"] == "5"


def test_a_version_that_has_billed_stays_as_it_is(plant: Tenant) -> None:
    version = taken()
    bill_by(version)
    assert taken().id == version.id
    with pytest.raises(DomainError, match="已经出过账"):
        taken(minimum="5")
    assert "minimum" not in version.document


def test_an_unknown_category_is_named_with_those_there_are(plant: Tenant) -> None:
    with pytest.raises(DomainError, match="「洗澡用水」不存在，现有：居民生活用水"):
        taken(use_category="洗澡用水")


def test_one_name_means_one_use(plant: Tenant) -> None:
    taken()
    with pytest.raises(DomainError, match="请换一个名称"):
        taken(use_category="非居民用水")


def test_a_file_that_does_not_fit_is_refused_with_the_place(plant: Tenant) -> None:
    with pytest.raises(DomainError, match="tier_cycle") as refused:
        taken(tier_cycle="week")
    assert refused.value.field == "tier_cycle"
    assert count(Tariff) == 0
