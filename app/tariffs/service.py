"""Standards and quotas as they are made, changed and deleted. A version that has billed stays as it is."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from app import audit, clock
from app.db import db, lock
from app.errors import DomainError
from app.tariffs import queries
from app.tariffs.document import load
from app.tariffs.models import Quota, Tariff, TariffVersion, UseCategory
from app.tariffs.rules import Tariff as TariffRules
from app.tariffs.rules import TariffError

BILLING = 71002  # the advisory lock of app.billing, which stands to the right


def has_billed(version: TariffVersion) -> bool:
    """Whether any bill was priced by it; so it stays until the transaction ends."""
    return version.id in _billed(version.tariff_id)


def _billed(tariff_id: int) -> set[int]:
    """Versions that have billed. Waits for a run under way, and lets none begin before the transaction ends."""
    lock(BILLING)
    return queries.billed_versions(tariff_id)


def create_standard(document: dict[str, Any], *, by_id: int | None) -> TariffVersion:
    """A new standard with its first version. DomainError as `import_tariff`, and where the name is taken."""
    if db.session.scalar(select(Tariff.id).where(Tariff.name == document.get("name"))):
        raise DomainError(f"收费标准「{document['name']}」已经有了，请换一个名称，或者修改那一个。", field="name")
    return import_tariff(document, by_id=by_id)


def change_version(version: TariffVersion, document: dict[str, Any], *, by_id: int | None) -> TariffVersion:
    """Store what was edited: in place where it has not billed, else as a new version from the document's day.

    DomainError where that day is taken by another version, or a new version would not begin after the old one.
    """
    rules = _loaded(document)
    tariff = version.tariff
    new = has_billed(version)
    if new and rules.effective_from <= version.effective_from:
        raise DomainError(
            f"{version.effective_from} 起的版本已经出过账，新版本的生效日期要在这一天以后。", field="effective_from"
        )
    if any(v.effective_from == rules.effective_from and (new or v is not version) for v in tariff.versions):
        raise DomainError(
            f"{rules.effective_from} 起已有一个版本，请换一天，或者去修改那个版本。", field="effective_from"
        )
    _rename(tariff, rules.name)
    if new:
        return _add_version(tariff, rules.effective_from, document, by_id)
    audit.assign(version, {"effective_from": rules.effective_from, "document": document}, name="tariff_version")
    db.session.flush()
    return version


def _rename(tariff: Tariff, name: str) -> None:
    if name == tariff.name:
        return
    if db.session.scalar(select(Tariff.id).where(Tariff.name == name)):
        raise DomainError(f"收费标准「{name}」已经有了，请换一个名称。", field="name")
    audit.assign(tariff, {"name": name}, name="tariff")


def delete_version(version: TariffVersion) -> None:
    """Take back a version that is not in force yet. DomainError for others, and for the only one of its standard."""
    tariff, since = version.tariff, version.effective_from
    if has_billed(version):
        raise DomainError(f"「{tariff.name}」{since} 起的版本已经出过账，不能删除。")
    if since <= clock.today():
        raise DomainError(
            f"「{tariff.name}」{since} 起的版本已经生效，不能删除，请修改它，或从新的日期起新增一个版本。"
        )
    if len(tariff.versions) == 1:
        raise DomainError(f"「{tariff.name}」只有这一个版本，请到列表里删除整个收费标准。")
    audit.record("deleted", "tariff_version", version.id, {"name": tariff.name, "document": [version.document, None]})
    tariff.versions.remove(version)
    db.session.flush()


def delete_standard(tariff: Tariff) -> None:
    """Delete a standard that nobody uses. DomainError says by whom it is used, or that it has billed."""
    served = queries.served_by(tariff)
    if served:
        raise DomainError(
            f"「{tariff.name}」正在使用，不能删除：{served}按它收费。请先把另一个收费标准设为默认，或变更它们的水表性质。"
        )
    billed = _billed(tariff.id)
    if billed:
        days = "、".join(str(v.effective_from) for v in tariff.versions if v.id in billed)
        raise DomainError(
            f"「{tariff.name}」不能删除：{days} 起的版本已经出过账，账单还要照它查。不用它，就不设为默认。"
        )
    audit.record(
        "deleted", "tariff", tariff.id, {"name": tariff.name, "documents": [v.document for v in tariff.versions]}
    )
    was_default = tariff.is_default
    db.session.delete(tariff)
    db.session.flush()
    if was_default:
        _next_default(tariff)


def _next_default(gone: Tariff) -> None:
    same = (Tariff.use_category_id == gone.use_category_id, Tariff.applies_to == gone.applies_to)
    heir = db.session.scalar(select(Tariff).where(*same).order_by(Tariff.id).limit(1))
    if heir is not None:
        audit.assign(heir, {"is_default": True}, name="tariff")
        db.session.flush()


def make_default(tariff: Tariff) -> None:
    """From the next billing on it serves its 水表性质. DomainError where no version of it is in force yet."""
    if all(v.effective_from > clock.today() for v in tariff.versions):
        raise DomainError(f"「{tariff.name}」还没有生效的版本，不能设为默认。")
    before = db.session.scalar(
        select(Tariff)
        .where(Tariff.use_category_id == tariff.use_category_id, Tariff.applies_to == tariff.applies_to)
        .where(Tariff.is_default, Tariff.id != tariff.id)
        .with_for_update()
    )
    if before is not None:
        audit.assign(before, {"is_default": False}, name="tariff")
        db.session.flush()
    audit.assign(tariff, {"is_default": True}, name="tariff")
    db.session.flush()


def create_quota(values: dict[str, Any]) -> Quota:
    """A new 定额. DomainError where its code is taken."""
    _free_code(values["code"], None)
    quota = Quota(**values)
    db.session.add(quota)
    db.session.flush()
    audit.record("created", "quota", quota.id, audit.facts(quota))
    return quota


def change_quota(quota: Quota, values: dict[str, Any]) -> None:
    """Change a 定额 from the next billing on. DomainError where its code is another's."""
    _free_code(values["code"], quota.id)
    audit.assign(quota, values, name="quota")
    db.session.flush()


def _free_code(code: str, own_id: int | None) -> None:
    taken = db.session.scalar(select(Quota).where(Quota.code == code))
    if taken is not None and taken.id != own_id:
        raise DomainError(f"编码「{code}」已经用于「{taken.name}」，请换一个。", field="code")


def delete_quota(quota: Quota) -> None:
    """Delete a 定额 that nobody has. DomainError says how many have it."""
    count = queries.customers_with_quota(quota.id)
    if count:
        raise DomainError(f"定额「{quota.name}」有 {count} 户用户在用，不能删除。请先到用户档案给他们换一个定额。")
    audit.record("deleted", "quota", quota.id, audit.facts(quota))
    db.session.delete(quota)
    db.session.flush()


def import_tariff(document: dict[str, Any], *, by_id: int | None) -> TariffVersion:
    """Take a tariff file in, by its name: a new standard, a new version from its day, or nothing when it is known.

    A version of the same day with other content is replaced while nothing was billed by it. DomainError for a file that
    does not fit the format, an unknown 水表性质, a name that means another use, and a version that has billed.
    """
    rules = _loaded(document)
    tariff = _standard(rules.name, _category(rules.use_category), rules.applies_to)
    version = next((v for v in tariff.versions if v.effective_from == rules.effective_from), None)
    if version is None:
        return _add_version(tariff, rules.effective_from, document, by_id)
    if version.document != document:
        _replace(tariff, version, document)
    return version


def _loaded(document: dict[str, Any]) -> TariffRules:
    try:
        return load(document)
    except TariffError as error:
        raise DomainError(f"收费标准文件不对：{error}", field=error.path) from None


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
    audit.record("created", "tariff", tariff.id, audit.facts(tariff))
    return tariff


def _add_version(tariff: Tariff, effective_from: date, document: dict[str, Any], by_id: int | None) -> TariffVersion:
    version = TariffVersion(tariff=tariff, effective_from=effective_from, document=document, created_at=clock.now())
    db.session.add(version)
    db.session.flush()
    audit.record(
        "created",
        "tariff_version",
        version.id,
        {"name": tariff.name, "effective_from": effective_from, "document": [None, document]},
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
