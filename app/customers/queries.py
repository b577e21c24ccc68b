"""Finding customers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, or_, select, text, true

from app.areas.reach import only_reader, within_reach
from app.audit import AuditEntry
from app.customers.models import Customer
from app.customers.rules import following_number
from app.db import db
from app.personal import phone_like
from app.tariffs.models import Quota


def matches(text: str) -> ColumnElement[bool]:
    """户号, 户名, 电话, 地址 contain the text, or the name's pinyin initials begin with it ('zjz'); 电话 as it may be seen."""
    parts = [Customer.holder.contains(text, autoescape=True), Customer.address.contains(text, autoescape=True)]
    if text.isascii():
        parts += [
            Customer.customer_no.contains(text, autoescape=True),
            phone_like(Customer.phone, text),
            Customer.holder_initials.startswith(text.lower(), autoescape=True),
        ]
    return or_(*parts)


def seen(customer_id: Any) -> ColumnElement[bool]:
    """Whether the customer of this column is one that whoever looks may see: for statements without Customer."""
    if only_reader() is None:
        return true()
    found: ColumnElement[bool] = customer_id.in_(select(Customer.id).where(within_reach(Customer.route_id)))
    return found


def id_of_number(customer_no: str) -> int | None:
    """Whose 户号 it is."""
    mine = within_reach(Customer.route_id)
    found: int | None = db.session.scalar(select(Customer.id).where(Customer.customer_no == customer_no, mine))
    return found


def holders_by_no(numbers: Sequence[str]) -> dict[str, str]:
    """户号 → 户名 of those that exist; one query however many."""
    rows = db.session.execute(
        select(Customer.customer_no, Customer.holder).where(Customer.customer_no == func.any(list(numbers)))
    )
    return {no: holder for no, holder in rows}


def ids_by_no(numbers: Sequence[str]) -> dict[str, int]:
    """户号 → id of those that exist; one query however many."""
    rows = db.session.execute(
        select(Customer.customer_no, Customer.id).where(Customer.customer_no == func.any(list(numbers)))
    )
    return {no: key for no, key in rows}


class History(NamedTuple):
    """What hangs on a customer: meters bound now ('A、B'), yuan owed without late fee, and how many records there are."""

    meters: str
    owed: Decimal
    bills: int
    payments: int
    readings: int
    bindings: int

    @property
    def any(self) -> bool:
        """Whether anything would be lost with the customer."""
        return bool(self.bills or self.payments or self.readings or self.bindings)


# Meters, bills and payments come after customers: SQL, no import.
_HISTORY = text("""
    SELECT (SELECT coalesce(string_agg(m.meter_no, '、' ORDER BY b.id), '')
            FROM meter_binding b JOIN meter m ON m.id = b.meter_id
            WHERE b.customer_id = :id AND b.unbound_on IS NULL),
           (SELECT coalesce(sum(unpaid), 0) FROM open_item WHERE customer_id = :id),
           (SELECT count(*) FROM bill WHERE customer_id = :id),
           (SELECT count(*) FROM payment WHERE customer_id = :id),
           (SELECT count(*) FROM meter_binding b JOIN reading r ON r.binding_id = b.id WHERE b.customer_id = :id),
           (SELECT count(*) FROM meter_binding WHERE customer_id = :id)
""")


def history(customer_id: int) -> History:
    """What hangs on the customer; one query."""
    return History(*db.session.execute(_HISTORY, {"id": customer_id}).one())


def next_number() -> str:
    """The first free 户号 after the greatest one that is all digits."""
    number = Customer.customer_no
    digits = select(number).where(number.regexp_match("^[0-9]+$")).order_by(func.length(number).desc(), number.desc())
    return following_number(db.session.scalar(digits.limit(1)))


def next_place(route_id: int) -> int:
    """册内序号 after the last one of the book."""
    last: int | None = db.session.scalar(select(func.max(Customer.route_seq)).where(Customer.route_id == route_id))
    return (last or 0) + 1


def quota_options() -> list[tuple[str, str]]:
    """(id, 'D001 城镇居民（立方米/人）') of every 定额, for a select."""
    rows = db.session.execute(select(Quota.id, Quota.code, Quota.name, Quota.unit).order_by(Quota.code))
    return [(str(key), f"{code} {name}（{unit}）") for key, code, name, unit in rows]


def last_editor(customer_id: int) -> str:
    """Who changed the customer last; '' for nobody."""
    query = (
        select(AuditEntry.by_name)
        .where(AuditEntry.entity == "customer", AuditEntry.entity_id == customer_id)
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    return db.session.scalar(query) or ""


def count_active() -> int:
    """How many customers the plant serves."""
    return db.session.scalar(select(func.count()).where(Customer.state == "active")) or 0
