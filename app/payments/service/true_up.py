"""估抄多计: an actual reading below the estimate before it gives back what was estimated too much."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from app import audit, clock, periods
from app.billing.models import Bill
from app.billing.service import billed_volume, standing_bill
from app.db import db
from app.errors import DomainError
from app.ledger.service import open_books
from app.payments.service.adjust_volume import adjust_volume
from app.readings import queries
from app.readings.models import Reading
from app.readings.service import forget_sums, hold_off_billing

REASON = "估抄多计，按实抄退回"
CHARGED_AGAIN = "实抄更正，估抄退回的水量重新计费"


def true_up(reading_id: int, *, by_id: int | None) -> list[Bill]:
    """Accept a reading below an estimate: its own period has 0 m³, the estimates before it lose what is too much.

    Newest estimate first, back to the last actual reading: a billed one by an adjustment (退补水量), one not billed
    yet in its reading. Returns the adjusting bills. DomainError where the reading is not such, or is below the last
    actual one.
    """
    open_books()  # before the billing lock, in the order that a billing run takes them
    hold_off_billing()
    reading = db.session.get(Reading, reading_id, with_for_update=True, populate_existing=True)
    if reading is None or reading.end_reading is None or reading.kind != "actual":
        raise DomainError("只有实抄的止码才能冲减估抄，请重新选择。")
    standing = queries.standings([reading.binding_id], period=reading.period)[reading.binding_id]
    if standing.billed or standing.later:
        raise DomainError(f"{periods.label(reading.period)}已出账或以后已抄过表，不能再冲减估抄；请做退补水量。")
    excess = standing.below_estimate(reading.end_reading)
    if not excess and reading.end_reading >= standing.start:
        raise DomainError("止码不比估抄的小，不用冲减，直接通过即可。")
    if not excess:
        raise DomainError("止码比最近一次实抄还小，不是估抄多计；请更正止码或退回重抄。")
    adjusted = level_estimates(reading, excess, by_id=by_id)
    audit.record(
        "reviewed", "reading", reading.id, {"decision": "true_up", "volume": [reading.volume, 0], "held_for": ""}
    )
    reading.start_reading, reading.volume = reading.end_reading, Decimal(0)
    reading.review, reading.held_for = "accepted", ""
    reading.recorded_by, reading.recorded_at = by_id, clock.now()
    db.session.flush()
    forget_sums(reading.period)
    return adjusted


def level_estimates(reading: Reading, excess: Decimal, *, by_id: int | None) -> list[Bill]:
    """Leave the estimates before a reading with what they were less `excess` (m³), newest first; the adjusting bills.

    What was given back for an earlier value of the reading counts, and is charged again where it was too much.
    """
    adjusted = []
    for estimate in _estimates_before(reading):
        assert estimate.volume is not None
        taken = min(excess, estimate.volume)
        excess -= taken
        bill_id = standing_bill(estimate.customer_id, estimate.binding_id, estimate.period)
        if bill_id is None:
            if taken:
                _shorten(estimate, taken)
            continue
        right = estimate.volume - taken
        if right != billed_volume(bill_id) and (taken or _given_back(bill_id)):
            reason = REASON if taken else CHARGED_AGAIN
            adjusted.append(adjust_volume(bill_id, volume=right, by_id=by_id, reason=reason))
    return adjusted


def _given_back(bill_id: int) -> bool:
    """Whether the bill's last adjustment took back what was estimated too much."""
    latest = select(Bill.document["reason"].astext).where(Bill.adjusts_id == bill_id).order_by(Bill.id.desc()).limit(1)
    return db.session.scalar(latest) == REASON


def _estimates_before(reading: Reading) -> list[Reading]:
    """The accepted estimates since the last actual reading, newest first."""
    found = []
    for earlier in db.session.scalars(
        select(Reading)
        .where(
            Reading.binding_id == reading.binding_id,
            Reading.period < reading.period,
            Reading.review == "accepted",
            Reading.kind != "unread",
        )
        .order_by(Reading.period.desc())
    ):
        if earlier.kind != "estimated":
            break
        found.append(earlier)
    return found


def _shorten(estimate: Reading, taken: Decimal) -> None:
    """Not billed yet: the estimate itself is corrected."""
    assert estimate.end_reading is not None
    assert estimate.volume is not None
    audit.assign(
        estimate,
        {"end_reading": estimate.end_reading - taken, "volume": estimate.volume - taken, "note": REASON},
        name="reading",
    )
    forget_sums(estimate.period)
