"""Finding customers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select

from app.customers.models import Customer
from app.db import db


def matches(text: str) -> ColumnElement[bool]:
    """户号, 户名, 电话, 地址 contain the text, or the name's pinyin initials begin with it ('zjz')."""
    parts = [Customer.holder.contains(text, autoescape=True), Customer.address.contains(text, autoescape=True)]
    if text.isascii():
        parts += [
            Customer.customer_no.contains(text, autoescape=True),
            Customer.phone.contains(text, autoescape=True),
            Customer.holder_initials.startswith(text.lower(), autoescape=True),
        ]
    return or_(*parts)


def id_of_number(customer_no: str) -> int | None:
    """Whose 户号 it is."""
    found: int | None = db.session.scalar(select(Customer.id).where(Customer.customer_no == customer_no))
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
