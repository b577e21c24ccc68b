"""违约金: the night keeps on the open items what app.payments.queries.accrued says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, select, update

from app.billing.models import Bill, OpenItem
from app.customers.models import Customer
from app.db import db
from app.ledger.service import open_books
from app.payments.queries import accrued


def accrue(*, on: date) -> int:
    """Keep the late fees as of the day on the open items of all accounts; again: nothing more.

    Returns how many items are late.
    """
    open_books()
    late = select(OpenItem.customer_id).where(*_late(on))
    locked = db.session.scalars(  # in the order that everybody locks accounts in
        select(Customer.id).where(Customer.id.in_(late)).order_by(Customer.id).with_for_update(key_share=True)
    ).all()
    return accrue_locked(locked, on=on) if locked else 0


def accrue_locked(customer_ids: Sequence[int], *, on: date) -> int:
    """The same for accounts that the caller has locked."""
    done = db.session.execute(
        update(OpenItem)
        .where(Bill.id == OpenItem.bill_id, OpenItem.customer_id == func.any(list(customer_ids)), *_late(on))
        .values(late_fee=accrued(on), accrued_to=on)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def charge_up_to(customer_id: int, *, on: date) -> None:
    """Accrue on a locked account, in whole cents: what is charged on a day has its fraction decided then."""
    db.session.execute(
        update(OpenItem)
        .where(Bill.id == OpenItem.bill_id, OpenItem.customer_id == customer_id)
        .values(
            late_fee=func.round(accrued(on), 2),
            accrued_to=case((and_(*_late(on)), on), else_=OpenItem.accrued_to),
        )
        .execution_options(synchronize_session=False)
    )


def _late(on: date) -> list[ColumnElement[bool]]:
    return [OpenItem.due_on < on, func.coalesce(OpenItem.accrued_to, OpenItem.due_on) < on]
