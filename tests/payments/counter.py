"""What tests of money need: a billed account, people at the counter, a day to stand on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app import clock
from app.billing.models import Bill, OpenItem
from app.billing.service import issue_bills
from app.customers.models import Customer
from app.db import db, transaction
from app.ledger import queries as ledger
from app.payments.models import Payment
from app.payments.service.take_payment import take_payment, top_up
from app.payments.verify import verify
from app.staff.models import StaffUser
from tests import factories as make

ISSUED = date(2026, 11, 1)  # so bills are due on 2026-11-25
_number = itertools.count(1)


@contextmanager
def on(day: str) -> Iterator[None]:
    """Noon of a day in the plant."""
    with clock.at(datetime.fromisoformat(f"{day}T04:00:00").replace(tzinfo=UTC)):
        yield


def staff(role: str = "cashier", **values: Any) -> int:
    """Somebody who works here; their id."""
    person = StaffUser(
        **(
            {"username": f"p{next(_number)}", "password_hash": "-", "name": "王芳", "role": role,
             "created_at": clock.now()} | values
        )
    )  # fmt: skip
    db.session.add(person)
    db.session.flush()
    return person.id


def billed(*volumes: int, **values: Any) -> tuple[int, list[int]]:
    """An account with bills of 2026-10, 2026-09 … backwards from the last volume; its id and its bills, oldest first.

    With the tiered standard 10 m³ cost 33.50 yuan, 5 m³ 15.75, 20 m³ 96.00.
    """
    with transaction():
        if not db.session.scalar(select(make.TariffVersion.id)):
            make.tariff()
        person = make.customer(**values)
        bound = make.binding(person)
        start, periods = 0, [f"2026-{11 - i:02d}" for i in range(len(volumes), 0, -1)]
        for period, volume in zip(periods, volumes, strict=True):
            make.reading(bound, start + volume, start=start, period=period)
            start += volume
    with transaction():
        for period in periods:
            issue_bills(period, on=ISSUED, by_id=None)
    return person.id, bills_of(person.id)


def bills_of(customer_id: int) -> list[int]:
    """Bills of the account, oldest first."""
    return list(db.session.scalars(select(Bill.id).where(Bill.customer_id == customer_id).order_by(Bill.id)))


def pay(customer_id: int, bill_ids: list[int], money: str, *, by_id: int | None = None, **values: Any) -> Payment:
    """Cash over the counter."""
    with transaction():
        return take_payment(
            customer_id,
            **(
                {"bill_ids": bill_ids, "method": "cash", "tendered": Decimal(money), "keep_change": False,
                 "by_id": by_id} | values
            ),
        )  # fmt: skip


def put_in(customer_id: int, money: str, *, by_id: int | None = None, method: str = "cash") -> Payment:
    """充值."""
    with transaction():
        return top_up(customer_id, amount=Decimal(money), method=method, by_id=by_id)


def owed(customer_id: int) -> list[tuple[int, Decimal, Decimal]]:
    """(bill, unpaid, late fee) of the account's open items."""
    rows = db.session.execute(
        select(OpenItem.bill_id, OpenItem.unpaid, OpenItem.late_fee)
        .where(OpenItem.customer_id == customer_id)
        .order_by(OpenItem.bill_id)
    )
    return [tuple(row) for row in rows]


def credit(customer_id: int) -> Decimal:
    """预存余额."""
    return db.session.scalars(select(Customer.credit_balance).where(Customer.id == customer_id)).one()


def books() -> dict[str, Decimal]:
    """The accounts that are not zero; the books are right."""
    assert verify() == []
    assert ledger.imbalance() == 0
    return {account: amount for account, amount in ledger.balances().items() if amount}
