"""What one who is not charged by meter will be charged: the standard that serves it, or what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from app import clock
from app.money import fmt_yuan
from app.tariffs import queries as tariffs
from app.tariffs.queries import InForce

PER = {"month": "每月", "household": "每户每月", "head": "每人每月", "area": "每单位面积每月", "hour": "每小时"}


@dataclass(frozen=True, slots=True)
class Serving:
    """In words: `charges` of the standard in force today; `missing` says what to do before it can be charged."""

    name: str
    charges: tuple[str, ...]
    missing: tuple[str, ...]


def serving(category_id: int, category: str, *, people: int, area: bool) -> Serving:
    """The standard for those without a meter of this 水表性质."""
    found = _in_force(category_id)
    if found is None:
        return Serving(
            "",
            (),
            (
                f"「{category}」还没有不抄表的收费标准，出账会停在这一户。请先在「水费收费标准」里新增一个不抄表的标准。",
            ),
        )
    charges = found.rules.charges
    bases = {charge.basis for charge in charges}
    missing = []
    if "head" in bases and not people:
        missing.append("按人口收费，请填写人口。")
    if "area" in bases and not area:
        missing.append("按面积收费，请填写面积。")
    words = tuple(
        f"{charge.item} {PER.get(charge.basis, '每立方米')} {fmt_yuan(charge.price) if charge.price is not None else '按档'}"
        for charge in charges
    )
    return Serving(found.name, words, tuple(missing))


def _in_force(category_id: int) -> InForce | None:
    """Its own standard, else the only one that there is for those without a meter, as a bill run takes them."""
    today = clock.today()
    offered = [one for one in tariffs.versions_in_force() if one.applies_to == "unmetered"]
    own = [one for one in offered if one.use_category_id == category_id and one.is_default]
    if not own and len({one.tariff_id for one in offered}) == 1:
        own = offered
    return next((one for one in own if one.since <= today and (one.until is None or today < one.until)), None)
