"""退补水量: a bill's volume is corrected by another bill, for the difference alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app import audit, clock
from app.billing.models import Bill, OpenItem
from app.billing.rules import Standard, difference, measured_again, price
from app.billing.service.reverse_bills import standing
from app.billing.service.runs import RunTotals, batches, record_run
from app.db import db
from app.errors import DomainError
from app.ledger.service import post
from app.money import volume3
from app.tariffs import queries as tariffs
from app.tariffs.rules import TariffError, due_date


def issue_adjustment(bill_id: int, *, volume: Decimal, by_id: int | None, reason: str) -> Bill:
    """Bill the difference to what the bill would have been with `volume` m³, by the standard it was priced with.

    Earlier adjustments count. Later bills of the same tier window stay as they are. The account must be locked. An
    amount above zero becomes an open item; one below is the caller's to settle. DomainError where the bill does not
    stand, the volume is impossible, or nothing changes.
    """
    bill = _adjustable(bill_id, volume, reason)
    billed = [bill, *_earlier(bill_id)]
    change = volume - sum((one.volume for one in billed), Decimal(0))
    if not change:
        raise DomainError(f"这张水费单现在就是 {volume:f} m³，没有变化。", field="volume")
    document, amount = _priced_difference(bill, volume, billed)
    today = clock.today()
    totals = RunTotals(1, change, amount)
    made = Bill(
        run_id=record_run("adjustment", bill.period, totals, on=today, by_id=by_id, route_id=bill.route_id),
        kind="adjustment",
        period=bill.period,
        round=_round(bill),
        customer_id=bill.customer_id,
        binding_id=bill.binding_id,
        route_id=bill.route_id,
        use_category_id=bill.use_category_id,
        read_on=bill.read_on,
        volume=change,
        amount=amount,
        issued_on=today,
        due_on=_due(bill, today),
        adjusts_id=bill.id,
        document=document | {"reason": reason.strip()},
    )
    db.session.add(made)
    db.session.flush()
    if amount > 0:
        db.session.add(
            OpenItem(
                customer_id=made.customer_id, bill_id=made.id, period=made.period, due_on=made.due_on, unpaid=amount
            )
        )
    items: dict[str, Decimal] = {}
    for line in document["lines"]:
        items[line["item"]] = items.get(line["item"], Decimal(0)) + Decimal(line["amount"])
    post("adjustment", batches({made.route_id: items}, made.run_id), on=today, by_id=by_id)
    told = {"volume": [volume - change, volume], "amount": amount, "reason": reason.strip()}
    audit.record("adjusted", "bill", bill.id, told)
    db.session.flush()
    return made


def billed_volume(bill_id: int) -> Decimal:
    """m³ of a bill with its adjustments that stand."""
    bill = db.session.get_one(Bill, bill_id)
    return sum((one.volume for one in _earlier(bill_id)), bill.volume)


def _adjustable(bill_id: int, volume: Decimal, reason: str) -> Bill:
    if not reason.strip():
        raise DomainError("请填写退补原因。", field="reason")
    bill = db.session.get(Bill, bill_id)
    if bill is None or bill.kind != "regular":
        raise DomainError("请选择原来的那张水费单做退补水量。")
    if not standing(bill_id):
        raise DomainError("这张水费单已经撤销，不能退补水量；请更正止码后重新出账。")
    if bill.binding_id is None:
        raise DomainError("这一户不抄表，没有水量可以退补。")
    if volume < 0 or volume != volume3(volume):
        raise DomainError("更正后的水量应是不小于 0 的数，最多三位小数，请核对。", field="volume")
    return bill


def _earlier(bill_id: int) -> Sequence[Bill]:
    """The bill's adjustments that stand."""
    reversal = aliased(Bill)
    return db.session.scalars(
        select(Bill)
        .outerjoin(reversal, reversal.reverses_id == Bill.id)
        .where(Bill.adjusts_id == bill_id, reversal.id.is_(None))
        .order_by(Bill.id)
    ).all()


def _round(bill: Bill) -> int:
    """How many adjustments the customer, period and meter have had, reversed ones included."""
    query = select(func.count()).where(
        Bill.customer_id == bill.customer_id,
        Bill.period == bill.period,
        Bill.binding_id == bill.binding_id,
        Bill.kind == "adjustment",
    )
    return db.session.scalar(query) or 0


def _standards() -> dict[int, Standard]:
    return {s.version_id: Standard(s.version_id, s.rules) for s in tariffs.versions_in_force()}


def _priced_difference(bill: Bill, volume: Decimal, billed: Sequence[Bill]) -> tuple[dict[str, Any], Decimal]:
    try:
        corrected = price(measured_again(bill.document, volume), _standards())
    except TariffError as error:
        raise DomainError(f"按原来的收费标准算不出水费：{error.message}", field="volume") from error
    lines = difference(corrected.document["lines"], [line for one in billed for line in one.document["lines"]])
    amount = corrected.amount - sum((one.amount for one in billed), Decimal("0.00"))
    document = {key: bill.document[key] for key in ("tariffs", "late_fee") if key in bill.document} | {"lines": lines}
    counted = _counted(corrected.document, volume) - sum(
        (_counted(one.document, one.volume) for one in billed), Decimal(0)
    )
    if counted != volume - sum((one.volume for one in billed), Decimal(0)):  # relief took some off
        document["counted"] = str(counted)
    return document, amount


def _counted(document: dict[str, Any], volume: Decimal) -> Decimal:
    """m³ on the tiers."""
    return Decimal(document["counted"]) if "counted" in document else volume


def _due(bill: Bill, today: date) -> date:
    """A new due day by the rule of the standard; where there is none, the bill's own."""
    standard = _standards()[bill.document["tariffs"][-1]["version_id"]].tariff
    return due_date(standard.late_fee, today) if standard.late_fee else bill.due_on
