"""Readings and the money that moves by them: estimates trued up as readings come in, billed readings corrected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.audit import AuditEntry
from app.billing.models import Bill
from app.billing.service import issue_bills
from app.db import db, transaction
from app.errors import DomainError
from app.payments.service.take_readings import correct_reading, decide_reading, take_readings
from app.readings.models import Reading
from app.readings.service import NewReading, Recorded
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter

D = Decimal
FLAT = [{"item": "水费", "basis": "volume", "price": "1.00"}]


@pytest.fixture(autouse=True)
def bound(plant: Tenant) -> Iterator[int]:
    """A meter at 20 with 10 m³ a month for two months, then July estimated (30) and billed; its binding."""
    with counter.on("2027-12-31"):
        with transaction():
            make.tariff(charges=FLAT)
            key = make.binding().id
        for period, value in (("2026-05", 10), ("2026-06", 20), ("2026-07", None)):
            read(key, period, value)
            bill(period)
        yield key


def read(binding_id: int, period: str, value: int | None) -> Recorded:
    kind = "estimated" if value is None else "actual"
    end = None if value is None else D(value)
    with transaction():
        new = NewReading(binding_id, end, date.fromisoformat(f"{period}-10"), kind)
        return take_readings([new], period=period, by_id=None)


def stored(binding_id: int, period: str) -> Reading:
    query = select(Reading).where(Reading.binding_id == binding_id, Reading.period == period)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def bill(period: str) -> Decimal:
    with transaction():
        return issue_bills(period, on=date.fromisoformat(f"{period}-28"), by_id=None).amount


def receivable() -> Decimal:
    """Yuan that all bills come to; the ledger says the same."""
    due = sum(db.session.scalars(select(Bill.amount)), D(0))
    assert counter.books().get("receivable", D(0)) == due
    return due


def adjustments() -> list[tuple[str, Decimal]]:
    found = db.session.scalars(select(Bill).where(Bill.kind == "adjustment").order_by(Bill.id))
    return [(one.period, one.volume) for one in found]


def test_what_was_estimated_too_much_is_given_back_as_the_reading_comes_in(bound: int) -> None:
    assert read(bound, "2026-08", 27) == Recorded(readings=1, unread=0, held=0, estimated=0)
    august = stored(bound, "2026-08")
    assert (august.review, august.start_reading, august.volume) == ("accepted", D(27), D(0))
    assert adjustments() == [("2026-07", D(-3))]
    assert bill("2026-08") == 0
    assert receivable() == D(27)


@pytest.mark.parametrize("again", [24, 28, 30, 41])
def test_a_reading_that_is_entered_again_takes_back_what_the_first_moved(bound: int, again: int) -> None:
    read(bound, "2026-08", 26)
    assert adjustments() == [("2026-07", D(-4))]
    read(bound, "2026-08", again)
    bill("2026-08")
    assert receivable() == D(again)
    read(bound, "2026-09", 50)
    bill("2026-09")
    assert receivable() == D(50)


def test_an_estimate_in_its_place_takes_it_back_too(bound: int) -> None:
    read(bound, "2026-08", 26)
    read(bound, "2026-08", None)
    assert adjustments() == [("2026-07", D(-4)), ("2026-07", D(4))]
    assert stored(bound, "2026-08").end_reading == 40


def test_a_reading_above_the_estimate_moves_nothing(bound: int) -> None:
    read(bound, "2026-08", 33)
    assert adjustments() == []
    assert stored(bound, "2026-08").volume == 3


def test_a_reading_below_the_last_actual_one_waits_for_review(bound: int) -> None:
    assert read(bound, "2026-08", 19).held == 1
    reading = stored(bound, "2026-08")
    assert reading.held_for == "backwards"
    with transaction():
        decide_reading(reading.id, decision="correct", end_reading=D(29), by_id=None)
    reading = stored(bound, "2026-08")
    assert (reading.review, reading.end_reading, reading.volume) == ("accepted", D(29), D(0))
    assert adjustments() == [("2026-07", D(-1))]
    assert receivable() == D(29)


def test_what_somebody_adjusted_by_hand_is_left_alone(bound: int) -> None:
    from app.payments.service.adjust_volume import adjust_volume

    july = db.session.scalars(select(Bill.id).where(Bill.period == "2026-07")).one()
    with transaction():
        adjust_volume(july, volume=D(4), by_id=None, reason="漏水减免")
    read(bound, "2026-08", 33)
    read(bound, "2026-08", 34)
    assert adjustments() == [("2026-07", D(-6))]


def correct(
    reading: Reading, end: str | None = None, volume: str | None = None, reason: str = "抄错一位"
) -> Bill | None:
    with transaction():
        return correct_reading(
            reading.id,
            end_reading=None if end is None else D(end),
            volume=None if volume is None else D(volume),
            reason=reason,
            by_id=None,
        )


def test_before_billing_the_reading_itself_is_corrected_with_a_trail(bound: int) -> None:
    read(bound, "2026-08", 45)
    assert correct(stored(bound, "2026-08"), "41") is None
    august = stored(bound, "2026-08")
    assert (august.end_reading, august.volume, august.note) == (D(41), D(11), "抄错一位")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "reviewed")).one()
    assert entry.changes["end_reading"] == ["45.000", "41"]
    assert adjustments() == []


def test_after_billing_the_difference_is_billed_and_the_next_period_goes_on_from_there(bound: int) -> None:
    read(bound, "2026-08", 45)
    assert bill("2026-08") == D(15)
    made = correct(stored(bound, "2026-08"), "41")
    assert made is not None
    assert (made.kind, made.period, made.volume, made.amount) == ("adjustment", "2026-08", D(-4), D("-4.00"))
    august = stored(bound, "2026-08")
    assert (august.end_reading, august.volume) == (D(41), D(11))
    assert receivable() == D(41)
    read(bound, "2026-09", 50)
    assert bill("2026-09") == D(9)
    assert receivable() == D(50)


def test_once_a_later_period_is_read_only_the_bill_is_corrected(bound: int) -> None:
    read(bound, "2026-08", 45)
    bill("2026-08")
    read(bound, "2026-09", 55)
    with pytest.raises(DomainError, match="更正后的用水量"):
        correct(stored(bound, "2026-08"), "41")
    made = correct(stored(bound, "2026-08"), volume="12")
    assert made is not None
    assert made.volume == -3
    assert stored(bound, "2026-08").end_reading == 45


@pytest.mark.parametrize(
    ("end", "reason", "sentence"),
    [
        ("45", "错", "没有变化"), ("41", " ", "更正原因"), (None, "错", "更正后的止码"),
        ("29", "错", "不像走过了一圈"), ("100000", "错", "超过量程"),
    ],
)  # fmt: skip
def test_a_senseless_correction_after_billing_moves_nothing(
    bound: int, end: str | None, reason: str, sentence: str
) -> None:
    read(bound, "2026-08", 45)
    bill("2026-08")
    with pytest.raises(DomainError, match=sentence):
        correct(stored(bound, "2026-08"), end, reason=reason)
    assert (stored(bound, "2026-08").end_reading, adjustments()) == (D(45), [])


def test_a_paid_bill_gives_back_to_the_prepayment(bound: int) -> None:
    read(bound, "2026-08", 45)
    bill("2026-08")
    person = stored(bound, "2026-08").customer_id
    unpaid = counter.owed(person)
    counter.pay(person, [one[0] for one in unpaid], "500")
    correct(stored(bound, "2026-08"), "41")
    assert counter.credit(person) == D("4.00")
    counter.books()
