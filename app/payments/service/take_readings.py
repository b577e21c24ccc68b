"""Readings come in, are reviewed and corrected, with the money that moves by it: one way for screen and import.

An actual reading below the estimate before it gives back what was estimated too much (true_up); one that is billed
already is corrected by 退补水量.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, select

from app import audit
from app.billing.models import Bill
from app.billing.service import standing_bill
from app.db import db
from app.errors import DomainError
from app.ledger.service import open_books
from app.payments.service.adjust_volume import adjust_volume
from app.payments.service.true_up import level_estimates, true_up
from app.readings import queries, rules
from app.readings.models import Reading
from app.readings.queries import Standing
from app.readings.service import (
    Examined,
    NewReading,
    Recorded,
    examine,
    forget_sums,
    hold_off_billing,
    review_reading,
    store_examined,
)


def hold_books_and_bills() -> None:
    """Lock what readings may move, in the order that a billing run takes them; to be called before `examine`."""
    open_books()
    hold_off_billing()


def take_readings(rows: Sequence[NewReading], *, period: str, by_id: int | None) -> Recorded:
    """Record readings of a period. DomainError for the first that cannot be; then none is stored."""
    hold_books_and_bills()
    examined = examine(rows, period=period)
    for one in examined:
        if one.refused:
            raise DomainError(one.refused, field="end_reading")
    return store_readings(examined, period=period, by_id=by_id)


def store_readings(examined: Sequence[Examined], *, period: str, by_id: int | None, each_told: bool = True) -> Recorded:
    """Write readings that `examine` let pass (and tell of as `store_examined` does); true up the estimates before them."""
    recorded = store_examined(examined, period=period, by_id=by_id, each_told=each_told)
    touched = {
        one.standing.binding_id: one.below_estimate
        for one in examined
        if one.standing and (one.below_estimate or (one.standing.estimated and one.standing.reading_id))
    }
    if not touched:
        return recorded
    found = db.session.scalars(
        select(Reading)
        .where(Reading.period == period, Reading.binding_id == func.any(list(touched)))
        .order_by(Reading.customer_id, Reading.id)  # accounts are locked in this order
        .execution_options(populate_existing=True)
    ).all()
    for reading in found:
        if touched[reading.binding_id]:
            true_up(reading.id, by_id=by_id)
        else:
            level_estimates(reading, Decimal(0), by_id=by_id)
    held = sum(1 for one in examined if one.judgement.review == "held" and not one.below_estimate)
    return Recorded(recorded.readings, recorded.unread, held, recorded.estimated)


def decide_reading(
    reading_id: int, *, decision: str, by_id: int | None, end_reading: Decimal | None = None, note: str = ""
) -> Reading:
    """Review as `review_reading` does; one below the estimate before it gives back what was estimated too much."""
    reading, standing = _locked(reading_id)
    end = end_reading if decision == "correct" else reading.end_reading
    actual = decision == "correct" or (decision == "accept" and reading.kind == "actual")
    if actual and end is not None and standing.below_estimate(end):
        _check_dial(end, standing)
        audit.assign(reading, {"end_reading": end, "kind": "actual", "note": note or reading.note}, name="reading")
        db.session.flush()
        true_up(reading.id, by_id=by_id)
        return reading
    review_reading(reading, decision=decision, end_reading=end_reading, note=note, by_id=by_id)
    if standing.estimated:
        level_estimates(reading, Decimal(0), by_id=by_id)
    return reading


def correct_reading(
    reading_id: int, *, end_reading: Decimal | None, volume: Decimal | None, reason: str, by_id: int | None
) -> Bill | None:
    """更正. Not billed yet: the reading itself. Billed: the reading and, by 退补水量, the difference of its bill.

    Where a later period has been read from this 止码 already, the bill alone is corrected, to `volume` m³. Returns the
    adjusting bill, if any. DomainError where nothing changes, or the dial cannot be so.
    """
    if not reason.strip():
        raise DomainError("请填写更正原因。", field="reason")
    reading, standing = _locked(reading_id)
    if not standing.billed:
        decide_reading(reading_id, decision="correct", end_reading=end_reading, note=reason.strip(), by_id=by_id)
        return None
    bill_id = standing_bill(reading.customer_id, reading.binding_id, reading.period)
    assert bill_id is not None
    if standing.later:
        if volume is None:
            raise DomainError("请填写更正后的用水量。", field="volume")
        return adjust_volume(bill_id, volume=volume, by_id=by_id, reason=reason)
    if end_reading is None:
        raise DomainError("请填写更正后的止码。", field="end_reading")
    right = volume_to(reading, standing, end_reading)
    made = adjust_volume(bill_id, volume=right, by_id=by_id, reason=reason)
    audit.assign(
        reading,
        {"end_reading": end_reading, "volume": right, "kind": "actual", "note": reason.strip()},
        name="reading",
    )
    db.session.flush()
    forget_sums(reading.period)
    return made


def volume_to(reading: Reading, standing: Standing, end: Decimal) -> Decimal:
    """m³ of a recorded reading, had it ended at `end`. DomainError where the dial cannot show it."""
    _check_dial(end, standing)
    start = reading.start_reading
    if end >= start:
        return end - start + standing.carried
    try:
        return rules.passed_zero(start=start, end=end, modulus=standing.modulus) + standing.carried
    except rules.ReadingError as error:
        raise DomainError(str(error), field="end_reading") from None


def _check_dial(end: Decimal, standing: Standing) -> None:
    try:
        rules.check_dial(end, standing.modulus)
    except rules.ReadingError as error:
        raise DomainError(str(error), field="end_reading") from None


def _locked(reading_id: int) -> tuple[Reading, Standing]:
    """The reading, locked, and how it stands."""
    hold_books_and_bills()
    reading = db.session.get(Reading, reading_id, with_for_update=True, populate_existing=True)
    if reading is None:
        raise DomainError("没有这条抄表记录，请重新查询。")
    return reading, queries.standings([reading.binding_id], period=reading.period)[reading.binding_id]
