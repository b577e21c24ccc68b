"""退补水量: the corrected volume is billed, and what was billed too much comes off what is owed, then goes to 预存."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from app import clock
from app.billing.models import Bill, OpenItem
from app.billing.service import issue_adjustment
from app.db import db
from app.errors import DomainError
from app.payments.models import Payment
from app.payments.rules import ZERO, Settled
from app.payments.service import accounts, late_fees
from app.payments.service.take_payment import post_payment


def adjust_volume(bill_id: int, *, volume: Decimal, by_id: int | None, reason: str) -> Bill:
    """Correct the volume (m³) of an issued bill; returns the adjusting bill, of the difference by the bill's standard.

    More is owed as a bill of its own. Less settles the bill's own open rest first (and those of its earlier
    adjustments), what is left becomes prepayment: a movement of kind `credit`, of nobody's drawer. DomainError as
    in issue_adjustment.
    """
    customer_id = db.session.scalar(select(Bill.customer_id).where(Bill.id == bill_id))
    if customer_id is None:
        raise DomainError("没有这张水费单，请重新查询。")
    accounts.lock_customer(customer_id)
    late_fees.charge_up_to(customer_id, on=clock.today())
    made = issue_adjustment(bill_id, volume=volume, by_id=by_id, reason=reason)
    if made.amount < 0:
        _give_back(made, by_id=by_id)
    return made


def _give_back(made: Bill, *, by_id: int | None) -> Payment:
    """Settle the negative bill: against its family's open items, the rest to the prepayment."""
    customer = accounts.lock_customer(made.customer_id)
    family = select(Bill.id).where((Bill.id == made.adjusts_id) | (Bill.adjusts_id == made.adjusts_id))
    left, settled = -made.amount, [Settled(made.id, made.amount, ZERO)]
    for bill_id, unpaid in db.session.execute(
        select(OpenItem.bill_id, OpenItem.unpaid)
        .where(OpenItem.customer_id == customer.id, OpenItem.bill_id.in_(family), OpenItem.unpaid > 0)
        .order_by(OpenItem.bill_id)
    ):
        taken = min(left, unpaid)
        left -= taken
        if taken:
            settled.append(Settled(bill_id, taken, ZERO))
    payment = accounts.add_payment(
        customer,
        kind="credit",
        method="none",
        business_date=clock.today(),
        settled=sum((one.amount for one in settled), ZERO),
        credit_delta=left,
        note=made.document["reason"],
    )
    accounts.settle(payment, settled)
    post_payment(payment, by_id=by_id)
    accounts.tell("credited", payment, reason=payment.note)
    return payment
