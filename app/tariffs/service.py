"""Standards on their way in: a tariff file becomes a version of a standard, and one that has billed stays as it is."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import select, text

from app import audit, clock
from app.db import db
from app.errors import DomainError
from app.tariffs.document import load
from app.tariffs.models import Tariff, TariffVersion, UseCategory
from app.tariffs.rules import TariffError


def has_billed(version: TariffVersion) -> bool:
    """Whether any bill was priced by it."""
    named = json.dumps({"tariffs": [{"version_id": version.id}]})
    # Bills come after tariffs: SQL, no import.
    found = db.session.scalar(
        text("SELECT EXISTS (SELECT FROM bill WHERE document @> CAST(:named AS jsonb))"), {"named": named}
    )
    return bool(found)


def import_tariff(document: dict[str, Any], *, by_id: int | None) -> TariffVersion:
    """Take a tariff file in, by its name: a new standard, a new version from its day, or nothing when it is known.

    A version of the same day with other content is replaced while nothing was billed by it. DomainError for a file that
    does not fit the format, an unknown 水表性质, a name that means another use, and a version that has billed.
    """
    try:
        rules = load(document)
    except TariffError as error:
        raise DomainError(f"收费标准文件不对：{error}", field=error.path) from None
    tariff = _standard(rules.name, _category(rules.use_category), rules.applies_to)
    version = next((v for v in tariff.versions if v.effective_from == rules.effective_from), None)
    if version is None:
        return _add_version(tariff, rules.effective_from, document, by_id)
    if version.document != document:
        _replace(tariff, version, document)
    return version


def _category(name: str) -> UseCategory:
    found = db.session.scalar(select(UseCategory).where(UseCategory.name == name))
    if found is None:
        names = "、".join(db.session.scalars(select(UseCategory.name).order_by(UseCategory.id)))
        raise DomainError(f"水表性质「{name}」不存在，现有：{names}。", field="use_category")
    return found


def _standard(name: str, category: UseCategory, applies_to: str) -> Tariff:
    tariff = db.session.scalar(select(Tariff).where(Tariff.name == name).with_for_update())
    if tariff is not None:
        if (tariff.use_category_id, tariff.applies_to) != (category.id, applies_to):
            raise DomainError(f"收费标准「{name}」已用于别的水表性质或收费方式，请换一个名称。", field="name")
        return tariff
    default = select(Tariff.id).where(
        Tariff.use_category_id == category.id, Tariff.applies_to == applies_to, Tariff.is_default
    )
    first = db.session.scalar(default) is None
    tariff = Tariff(name=name, use_category_id=category.id, applies_to=applies_to, is_default=first, versions=[])
    db.session.add(tariff)
    db.session.flush()
    audit.record("created", "tariff", tariff.id, {"name": name})
    return tariff


def _add_version(tariff: Tariff, effective_from: date, document: dict[str, Any], by_id: int | None) -> TariffVersion:
    version = TariffVersion(tariff=tariff, effective_from=effective_from, document=document, created_at=clock.now())
    db.session.add(version)
    db.session.flush()
    audit.record(
        "created",
        "tariff_version",
        version.id,
        {"name": tariff.name, "effective_from": effective_from, "by_id": by_id},
    )
    return version


def _replace(tariff: Tariff, version: TariffVersion, document: dict[str, Any]) -> None:
    if has_billed(version):
        raise DomainError(
            f"收费标准「{tariff.name}」{version.effective_from} 起的版本已经出过账，不能再改，请从新的日期起新增一个版本。",
            field="effective_from",
        )
    audit.record("changed", "tariff_version", version.id, {"document": [version.document, document]})
    version.document = document
    db.session.flush()
