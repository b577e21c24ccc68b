"""违约金: the night keeps on the open items what app.payments.queries.accrued says."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, update

from app.billing.models import Bill, OpenItem
from app.db import db
from app.payments.queries import accrued


def accrue(*, on: date, customer_id: int | None = None) -> int:
    """Keep the late fees as of the day on the open items (of one customer, or of all); again: nothing more.

    Returns how many items are late.
    """
    condition = [
        Bill.id == OpenItem.bill_id,
        OpenItem.due_on < on,
        func.coalesce(OpenItem.accrued_to, OpenItem.due_on) < on,
    ]
    if customer_id is not None:
        condition.append(OpenItem.customer_id == customer_id)
    done = db.session.execute(
        update(OpenItem)
        .where(*condition)
        .values(late_fee=accrued(on), accrued_to=on)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
