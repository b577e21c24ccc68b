"""Makers of what a test needs, with believable defaults. They flush; the test commits."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from app import clock
from app.areas.models import District, Route
from app.customers.models import Customer
from app.db import db
from app.metering.models import Meter, MeterBinding
from app.permissions import ROLES, Permission
from app.readings.models import Reading
from app.staff.roles import change_roles
from app.tariffs.models import Quota, Tariff, TariffVersion, UseCategory

_number = itertools.count(1)
RESIDENTIAL, AGRICULTURAL = "居民生活用水", "农业灌溉用水"

LATE_FEE = {"due_day": 25, "grace_days": 0, "daily_rate": "0.0005", "base": "unpaid", "cap": "1", "minimum": "0"}
TIERED: dict[str, Any] = {
    "name": "居民一户一表",
    "use_category": RESIDENTIAL,
    "applies_to": "metered",
    "effective_from": "2026-01-01",
    "tier_cycle": "month",
    "charges": [
        {
            "item": "水费",
            "basis": "volume",
            "tier_mode": "graduated",
            "tiers": [
                {"up_to": "8", "price": "2.00"},
                {"up_to": "13", "price": "3.00"},
                {"up_to": None, "price": "6.00"},
            ],
        },
        {"item": "污水处理费", "basis": "volume", "price": "0.95"},
        {"item": "水资源税", "basis": "volume", "price": "0.20"},
    ],
    "late_fee": LATE_FEE,
}


def give_all_books(reader_id: int) -> None:
    """抄表范围: every book of the plant to one reader."""
    db.session.execute(update(Route).values(reader_id=reader_id))


def may_also(role: str, *permissions: Permission) -> None:
    """Let a role do more than is usual, at the plant in force."""
    usual = {name: may for name, (_, may) in ROLES.items()}
    change_roles(usual | {role: usual[role] | set(permissions)})


def category_id(name: str = RESIDENTIAL) -> int:
    """The use category of a name."""
    return db.session.scalars(select(UseCategory.id).where(UseCategory.name == name)).one()


def tariff(document: dict[str, Any] | None = None, **changes: Any) -> TariffVersion:
    """A standard from a tariff file (the tiered one for residents), default for its category."""
    given = (document or TIERED) | changes
    standard = db.session.scalar(select(Tariff).where(Tariff.name == given["name"]))
    if standard is None:
        standard = Tariff(
            name=given["name"],
            use_category_id=category_id(given["use_category"]),
            applies_to=given.get("applies_to", "metered"),
            is_default=True,
        )
        db.session.add(standard)
        db.session.flush()
    version = TariffVersion(
        tariff_id=standard.id,
        effective_from=date.fromisoformat(given["effective_from"]),
        document=given,
        created_at=clock.now(),
    )
    db.session.add(version)
    db.session.flush()
    return version


def quota(**values: Any) -> Quota:
    """A 定额: 0.08 m³ a person and day, as m³ a month."""
    made = Quota(
        **(
            {"code": f"DE{next(_number)}", "use_category_id": category_id(), "name": "农村居民", "unit": "立方米/人",
             "value": Decimal("2.4"), "cycle": "月"}
            | values
        )
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def route(name: str = "东街一册", district: str = "东街") -> Route:
    """A book, made where it is not there yet."""
    area = db.session.scalar(select(District).where(District.name == district))
    if area is None:
        area = District(name=district)
        db.session.add(area)
        db.session.flush()
    book = db.session.scalar(select(Route).where(Route.district_id == area.id, Route.name == name))
    if book is None:
        book = Route(district_id=area.id, name=name)
        db.session.add(book)
        db.session.flush()
    return book


def customer(**values: Any) -> Customer:
    """An account in 东街一册 who is charged by meter."""
    number = next(_number)
    given = {
        "customer_no": f"{number:08d}",
        "holder": "刘文海",
        "holder_initials": "lwh",
        "phone": "13800001234",
        "use_category_id": category_id(),
        "people": 4,
        "credit_balance": Decimal(0),
    } | values
    given.setdefault("route_id", route().id)
    person = Customer(**given)
    db.session.add(person)
    db.session.flush()
    return person


def meter(**values: Any) -> Meter:
    """A meter nobody has."""
    made = Meter(**({"meter_no": f"SQ{next(_number):08d}", "dial_modulus": Decimal(100000)} | values))
    db.session.add(made)
    db.session.flush()
    return made


def binding(person: Customer | None = None, *, start: int = 0, **values: Any) -> MeterBinding:
    """A meter bound to a customer."""
    person = person or customer()
    made = MeterBinding(
        **(
            {
                "meter_id": values.get("meter_id") or meter(initial_reading=Decimal(start)).id,
                "customer_id": person.id,
                "use_category_id": person.use_category_id,
                "bound_on": date(2025, 1, 1),
                "start_reading": Decimal(start),
            }
            | values
        )
    )
    db.session.add(made)
    db.session.flush()
    return made


def reading(
    bound: MeterBinding, end: int | str | None, *, start: int | str = 0, period: str = "2026-10", **values: Any
) -> Reading:
    """An accepted reading; `end` None: 未抄."""
    person = db.session.get_one(Customer, bound.customer_id)
    value = None if end is None else Decimal(end)
    made = Reading(
        **(
            {
                "binding_id": bound.id,
                "customer_id": person.id,
                "route_id": person.route_id,
                "period": period,
                "start_reading": Decimal(start),
                "end_reading": value,
                "volume": None if value is None else value - Decimal(start),
                "read_on": date.fromisoformat(f"{period}-10"),
                "kind": "unread" if value is None else "actual",
                "recorded_at": clock.now(),
            }
            | values
        )
    )
    db.session.add(made)
    db.session.flush()
    return made


def used(volume: int, *, period: str = "2026-10", **values: Any) -> Customer:
    """An account with a meter that was read once: `volume` m³."""
    person = customer(**values)
    reading(binding(person), volume, period=period)
    return person
