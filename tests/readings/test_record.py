"""Readings recorded, again, and decided about."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select

from app import clock
from app.audit import AuditEntry
from app.billing.models import Bill
from app.db import db
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding
from app.readings.models import Reading
from app.readings.service import NewReading, Recorded, record_readings, review_reading
from app.staff import settings
from tenants.context import Tenant
from tests import factories

OCTOBER = "2026-10"


def read(bound: MeterBinding, end: int | None, *, period: str = OCTOBER, **values: Any) -> Recorded:
    value = None if end is None else Decimal(end)
    kind = values.pop("kind", "unread" if end is None else "actual")
    new = NewReading(bound.id, value, date.fromisoformat(f"{period}-12"), kind, **values)
    return record_readings([new], period=period, by_id=None)


def stored(bound: MeterBinding, period: str = OCTOBER) -> Reading:
    query = select(Reading).where(Reading.binding_id == bound.id, Reading.period == period)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def billed(reading: Reading, *, reverses: int | None = None) -> int:
    """A bill over the reading, straight into the table."""
    values = {
        "run_id": 1, "kind": "reversal" if reverses else "regular", "period": reading.period, "round": 0,
        "customer_id": reading.customer_id, "binding_id": reading.binding_id, "route_id": reading.route_id,
        "use_category_id": factories.category_id(), "volume": reading.volume, "amount": Decimal(1),
        "issued_on": date(2026, 11, 1), "due_on": date(2026, 11, 25), "reverses_id": reverses, "document": {},
    }  # fmt: skip
    return db.session.scalars(insert(Bill).values(values).returning(Bill.id)).one()


def test_the_first_reading_starts_where_the_meter_was_bound(plant: Tenant) -> None:
    bound = factories.binding(start=666)
    assert read(bound, 668, note="锁门") == Recorded(readings=1, unread=0, held=0, estimated=0)
    reading = stored(bound)
    assert (reading.start_reading, reading.end_reading, reading.volume) == (666, 668, 2)
    assert (reading.kind, reading.review, reading.note, reading.read_on) == (
        "actual", "accepted", "锁门", date(2026, 10, 12),
    )  # fmt: skip


def test_the_next_one_starts_at_the_last_accepted_before_it(plant: Tenant) -> None:
    bound = factories.binding()
    read(bound, 10, period="2026-07")
    read(bound, 999, period="2026-08")  # held
    read(bound, None, period="2026-09")
    read(bound, 22)
    assert (stored(bound).start_reading, stored(bound).volume) == (10, 12)


def test_what_the_old_meter_had_left_is_on_the_first_reading_alone(plant: Tenant) -> None:
    bound = factories.binding(carried_volume=Decimal(5))
    read(bound, 10, period="2026-09")
    read(bound, 12)
    assert (stored(bound, "2026-09").volume, stored(bound).volume) == (15, 2)


def test_unread_has_no_value(plant: Tenant) -> None:
    bound = factories.binding(start=7)
    assert read(bound, None) == Recorded(readings=0, unread=1, held=0, estimated=0)
    assert (stored(bound).end_reading, stored(bound).volume, stored(bound).review) == (None, None, "accepted")


def test_an_estimate_without_value_is_the_mean_of_the_last_three(plant: Tenant) -> None:
    bound = factories.binding(start=99990)
    for period, end in (("2026-07", 99994), ("2026-08", 99999), ("2026-09", 5)):
        read(bound, end, period=period)
    read(bound, None, kind="estimated")
    assert (stored(bound).volume, stored(bound).end_reading, stored(bound).kind) == (5, 10, "estimated")


def test_an_estimate_without_history_is_refused(plant: Tenant) -> None:
    with pytest.raises(DomainError, match="没有以前的用水量"):
        read(factories.binding(), None, kind="estimated")


def test_the_plants_own_limit_decides_what_is_high(plant: Tenant) -> None:
    bound = factories.binding()
    settings.put("high_volume", "10")
    assert read(bound, 11).held == 1
    assert stored(bound).held_for == "high"


def test_reading_again_before_billing_replaces_and_is_logged(plant: Tenant) -> None:
    bound = factories.binding()
    read(bound, 500)
    read(bound, 5)
    reading = stored(bound)
    assert (reading.end_reading, reading.review, reading.held_for) == (5, "accepted", "")
    first, entry = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "reading").order_by(AuditEntry.id))
    assert (first.action, first.changes["end_reading"], first.entity_id) == ("recorded", "500", reading.id)
    assert (entry.action, entry.changes) == ("changed", {"end_reading": ["500.000", "5"]})


def test_a_billed_period_is_refused_until_the_bill_is_reversed(plant: Tenant) -> None:
    bound = factories.binding()
    read(bound, 5)
    bill = billed(stored(bound))
    with pytest.raises(DomainError, match="已出账"):
        read(bound, 6)
    with pytest.raises(DomainError, match="已出账"):
        review_reading(stored(bound), decision="correct", end_reading=Decimal(6), by_id=None)
    billed(stored(bound), reverses=bill)
    read(bound, 6)
    assert stored(bound).volume == 6


def test_a_stopped_meter_is_not_read(plant: Tenant) -> None:
    bound = factories.binding()
    db.session.get_one(Meter, bound.meter_id).state = "stopped"
    with pytest.raises(DomainError, match="已停表"):
        read(bound, 5)


def test_a_meter_that_was_taken_off_is_not_read(plant: Tenant) -> None:
    bound = factories.binding(unbound_on=date(2026, 9, 1))
    with pytest.raises(DomainError, match="解绑"):
        read(bound, 5)


def test_an_earlier_period_is_not_read_after_a_later_one(plant: Tenant) -> None:
    bound = factories.binding()
    read(bound, 5)
    with pytest.raises(DomainError, match="2026年10月已抄过表"):
        read(bound, 4, period="2026-09")


def test_of_many_rows_none_is_stored_where_one_is_refused(plant: Tenant) -> None:
    good, bad = factories.binding(), factories.binding()
    rows = [
        NewReading(good.id, Decimal(5), date(2026, 10, 5)),
        NewReading(bad.id, Decimal(100000), date(2026, 10, 5)),
    ]
    with pytest.raises(DomainError, match="超过量程"):
        record_readings(rows, period=OCTOBER, by_id=None)
    assert db.session.scalars(select(Reading)).all() == []


def held(plant: Tenant, end: int = 285, start: int = 292) -> Reading:
    bound = factories.binding(start=start)
    read(bound, end)
    reading = stored(bound)
    assert reading.review == "held"
    return reading


def last_entry() -> AuditEntry:
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()  # type: ignore[return-value]


def test_a_high_one_may_be_accepted(plant: Tenant) -> None:
    reading = held(plant, end=1876, start=896)
    review_reading(reading, decision="accept", by_id=None, note="漏水，已核实")
    assert (reading.review, reading.held_for, reading.volume, reading.note) == (
        "accepted", "", 980, "漏水，已核实",
    )  # fmt: skip
    assert (last_entry().action, last_entry().changes["decision"]) == ("reviewed", "accept")


def test_one_that_went_backwards_is_accepted_only_where_the_dial_passed_zero(plant: Tenant) -> None:
    with pytest.raises(DomainError, match="不像走过了一圈"):
        review_reading(held(plant), decision="accept", by_id=None)
    passed = held(plant, end=200, start=99000)
    review_reading(passed, decision="accept", by_id=None)
    assert (passed.volume, passed.review) == (1200, "accepted")


def test_a_correction_counts_from_the_same_start(plant: Tenant) -> None:
    reading = held(plant)
    review_reading(reading, decision="correct", end_reading=Decimal(299), by_id=None)
    assert (reading.end_reading, reading.volume, reading.review) == (299, 7, "accepted")
    assert last_entry().changes["end_reading"] == ["285.000", "299"]


@pytest.mark.parametrize(("end", "word"), [(None, "请填写"), (291, "不像走过了一圈"), (100000, "超过量程")])
def test_a_senseless_correction_is_refused(plant: Tenant, end: int | None, word: str) -> None:
    reading = held(plant)
    with pytest.raises(DomainError, match=word):
        review_reading(reading, decision="correct", end_reading=None if end is None else Decimal(end), by_id=None)
    assert reading.review == "held"


def test_an_estimate_may_stand_in(plant: Tenant) -> None:
    bound = factories.binding()
    read(bound, 6, period="2026-09")
    read(bound, 500)
    reading = stored(bound)
    review_reading(reading, decision="estimate", by_id=None)
    assert (reading.kind, reading.end_reading, reading.volume) == ("estimated", 12, 6)


def test_sent_back_it_is_not_billed_until_read_again(plant: Tenant) -> None:
    reading = held(plant)
    review_reading(reading, decision="return", by_id=None)
    assert reading.review == "returned"
    bound = db.session.get_one(MeterBinding, reading.binding_id)
    read(bound, 295)
    assert (stored(bound).review, stored(bound).volume) == ("accepted", 3)


def test_an_unread_one_has_nothing_to_accept(plant: Tenant) -> None:
    bound = factories.binding()
    read(bound, None)
    with pytest.raises(DomainError, match="未抄"):
        review_reading(stored(bound), decision="accept", by_id=None)
    review_reading(stored(bound), decision="correct", end_reading=Decimal(4), by_id=None)
    assert (stored(bound).kind, stored(bound).volume) == ("actual", 4)


def test_who_recorded_it_and_when_is_kept(plant: Tenant) -> None:
    bound = factories.binding()
    moment = clock.now()
    with clock.at(moment):
        record_readings([NewReading(bound.id, Decimal(1), date(2026, 10, 5))], period=OCTOBER, by_id=1)
    assert (stored(bound).recorded_by, stored(bound).recorded_at) == (1, moment)
