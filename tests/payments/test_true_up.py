"""Estimates, trued up by the next actual reading; and what leaks behind a master meter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.models import Bill
from app.billing.service import issue_bills
from app.db import db, transaction
from app.errors import DomainError
from app.payments.service.true_up import true_up
from app.readings.leakage import Leakage, leakage
from app.readings.models import Reading
from app.readings.service import NewReading, record_readings
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter

D = Decimal
FLAT = [{"item": "水费", "basis": "volume", "price": "1.00"}]


@pytest.fixture(autouse=True)
def account(plant: Tenant) -> Iterator[int]:
    """A meter at 20, with 10 m³ a month for two months; its binding."""
    with counter.on("2027-12-31"):
        with transaction():
            make.tariff(charges=FLAT)
            bound = make.binding()
        for period, value in (("2026-05", 10), ("2026-06", 20)):
            read(bound.id, period, value)
            bill(period)
        yield bound.id


def read(binding_id: int, period: str, value: int | None) -> int:
    """A reading, or an estimate; its id."""
    kind = "estimated" if value is None else "actual"
    end = None if value is None else D(value)
    new = NewReading(binding_id, end, date.fromisoformat(f"{period}-10"), kind)
    with transaction():
        record_readings([new], period=period, by_id=None)
    return db.session.scalars(
        select(Reading.id).where(Reading.binding_id == binding_id, Reading.period == period)
    ).one()


def bill(period: str) -> Decimal:
    with transaction():
        return issue_bills(period, on=date.fromisoformat(f"{period}-28"), by_id=None).amount


def true(reading_id: int) -> list[Bill]:
    with transaction():
        return true_up(reading_id, by_id=None)


def test_an_estimate_that_was_too_low_is_made_up_by_the_next_reading(account: int) -> None:
    read(account, "2026-07", None)  # 30
    assert bill("2026-07") == D("10.00")
    read(account, "2026-08", 45)
    assert bill("2026-08") == D("15.00")


def test_what_was_estimated_too_much_is_given_back(account: int) -> None:
    read(account, "2026-07", None)
    bill("2026-07")
    reading = read(account, "2026-08", 27)
    assert db.session.get_one(Reading, reading).held_for == "backwards"
    (made,) = true(reading)
    assert (made.kind, made.volume, made.amount, made.period) == ("adjustment", D(-3), D("-3.00"), "2026-07")
    stored = db.session.get_one(Reading, reading, populate_existing=True)
    assert (stored.review, stored.volume, stored.start_reading) == ("accepted", D(0), D(27))
    assert bill("2026-08") == 0
    read(account, "2026-09", 40)
    assert bill("2026-09") == D("13.00")
    assert counter.books()["receivable"] == D("40.00")


def test_two_estimates_in_a_row_are_given_back_from_the_newest(account: int) -> None:
    read(account, "2026-07", None)
    bill("2026-07")
    read(account, "2026-08", None)
    reading = read(account, "2026-09", 26)  # estimated up to 40
    made = true(reading)  # August not billed yet
    assert [(one.period, one.amount) for one in made] == [("2026-07", D("-4.00"))]
    assert bill("2026-08") == 0
    bill("2026-09")
    assert counter.books()["receivable"] == D("26.00")


def test_a_reading_below_the_last_actual_one_is_no_overestimate(account: int) -> None:
    read(account, "2026-07", None)
    bill("2026-07")
    reading = read(account, "2026-08", 19)
    with pytest.raises(DomainError, match="比最近一次实抄还小"):
        true(reading)
    assert counter.books()["receivable"] == D("30.00")


def test_what_cannot_be_trued_up_is_refused(account: int) -> None:
    estimate = read(account, "2026-07", None)
    with pytest.raises(DomainError, match="只有实抄"):
        true(estimate)
    bill("2026-07")
    reading = read(account, "2026-08", 31)
    with pytest.raises(DomainError, match="不比估抄的小"):
        true(reading)
    bill("2026-08")
    with pytest.raises(DomainError, match="已出账"):
        true(reading)


def test_what_leaks_is_the_master_s_share_that_no_meter_behind_it_saw(account: int) -> None:
    with transaction():
        master = make.binding()
        subs = [make.binding() for _ in range(3)]
        for one in subs:
            db.session.get_one(make.Meter, one.meter_id).master_meter_id = master.meter_id
        make.reading(master, 200, period="2026-10")
        make.reading(subs[0], 90, period="2026-10")
        make.reading(subs[1], 80, period="2026-10")
        make.reading(subs[2], None, period="2026-10")
    assert leakage(master.meter_id, "2026-10") == Leakage(D(200), D(170), 3, 2, D("0.15"))
    assert leakage(master.meter_id, "2026-11") == Leakage(None, D(0), 3, 0, None)
