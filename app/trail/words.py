"""A line of the log as a person reads it: 「修改用户 07000123：户名 张三 → 李四」."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import select

from app import personal
from app.areas import queries as areas
from app.customers import queries as customers
from app.db import db
from app.metering.models import Meter
from app.permissions import ROLES, Permission
from app.staff import roles
from app.staff.models import StaffUser
from app.tariffs import queries as tariffs
from app.tariffs.document import load
from app.tariffs.models import Tariff
from app.tariffs.rules import TariffError
from app.tariffs.rules.wording import conditions, phrases
from app.trail import rules

GONE = "已删除的"
PERSONAL = {"phone": personal.phone, "mobile": personal.phone, "id_card": personal.id_card}


class Part(NamedTuple):
    """One field: its word, what it was (None where it only says what it is), and what it is."""

    label: str
    before: str | None
    now: str

    def __str__(self) -> str:
        return f"{self.label} {self.now}" if self.before is None else f"{self.label} {self.before} → {self.now}"


def _names() -> Mapping[str, Callable[[str], str]]:
    """By field: what a key of it is called. What is stored is asked once, and only for fields that are there."""
    routes = cache(areas.route_names)
    districts = cache(lambda: dict(areas.district_options()))
    categories = cache(lambda: {str(key): name for key, name in tariffs.categories().items()})
    quotas = cache(lambda: dict(customers.quota_options()))
    staff = cache(lambda: {str(key): name for key, name in db.session.execute(select(StaffUser.id, StaffUser.name))})
    meter = cache(lambda key: db.session.scalar(select(Meter.meter_no).where(Meter.id == int(key))) or GONE)
    person = lambda key: staff().get(key, GONE)  # noqa: E731
    return {
        "route_id": lambda key: routes().get(key, GONE),
        "district_id": lambda key: districts().get(key, GONE),
        "use_category_id": lambda key: categories().get(key, GONE),
        "quota_id": lambda key: quotas().get(key, GONE),
        "reader_id": person,
        "cashier_id": person,
        "approved_by_id": person,
        "master_meter_id": meter,
        "role": lambda key: ROLES[key][0] if key in ROLES else key,
    }


def _clauses(document: Any) -> list[str]:
    """What a standard says, a sentence each; none for what cannot be read (any more)."""
    if not document:
        return []
    try:
        tariff = load(document)
    except TariffError:
        return []
    charges = [f"{phrase.item} {term}" for phrase in phrases(tariff) for term in phrase.terms]
    return [*charges, *(f"{name} {words}" for name, words in conditions(tariff))]


def _documents(old: Any, new: Any) -> Part:
    """A standard before and after: the sentences that differ."""
    was, now = _clauses(old), _clauses(new)
    gone = [one for one in was if one not in now]
    come = [one for one in now if one not in was]
    if not gone and not come:
        return Part(rules.FIELDS["document"], None, "说明文字有改动")
    return Part(rules.FIELDS["document"], "；".join(gone) or None, "；".join(come) or "无")


def _mixed(parts: Any) -> str:
    ids = [int(part["tariff_id"]) for part in parts]
    names: dict[int, str] = dict(db.session.execute(select(Tariff.id, Tariff.name).where(Tariff.id.in_(ids))).all())
    return "、".join(f"{names.get(int(part['tariff_id']), GONE)} {part['share']}" for part in parts)


def _of_role(field: str) -> str | None:
    """收费员：冲红、减免、退款, of 'cashier.reverse'."""
    role, _, permission = field.partition(".")
    known = role in ROLES and permission in roles.WORDS
    return f"{ROLES[role][0]}：{roles.WORDS[Permission(permission)]}" if known else None


def reader() -> Callable[[Any], list[Part]]:
    """A function for one page: a line (entity, changes) → its fields in words."""
    names = _names()

    def said(field: str, value: Any) -> str:
        naming = names.get(field) or PERSONAL.get(field)
        if naming and value not in (None, ""):
            return naming(str(value))
        return _mixed(value) if field == "mix" and value else rules.said(field, value)

    def parts(row: Any) -> list[Part]:
        found = []
        for field in sorted(row.changes, key=rules.place):
            value = row.changes[field]
            label = _of_role(field) if row.entity == "role" else rules.label(row.entity, field)
            if label is None or field == "documents":
                continue
            if field == "document":
                found.append(_documents(*(value if rules.is_change(value) else (value, None))))
            elif rules.is_change(value):
                old = said(field, value[0])
                found.append(Part(label, None if field == "mix" else old, said(field, value[1])))
            else:
                found.append(Part(label, None, said(field, value)))
        return found

    return parts


def title(row: Any) -> str:
    """修改用户 07000123; `row.record` is what the thing is called, of a file the list in it."""
    record = row.record or row.changes.get("list") or ""
    return f"{rules.done(row.entity, row.action, row.changes)} {record}".rstrip()


def sentence(row: Any, parts: Callable[[Any], list[Part]]) -> str:
    """The whole line."""
    what = "，".join(map(str, parts(row)))
    return f"{title(row)}：{what}" if what else title(row)
