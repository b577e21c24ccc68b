"""绑定, 解绑, 换表, 变更, 停表: readings become the right volumes whatever happens to the meter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.audit import AuditEntry
from app.billing.models import Bill
from app.billing.service import change_meter, issue_bills, stop_meter, unbind_meter
from app.db import db, transaction
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding, Suspension, UseCategoryChange
from app.metering.service import bind as binding
from app.metering.service import bind_meter, change_use_category, resume_meter
from app.readings.models import Reading
from app.readings.service import NewReading, record_readings
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter

D = Decimal
FLAT = [{"item": "水费", "basis": "volume", "price": "1.00"}]


@pytest.fixture(autouse=True)
def years_later(plant: Tenant) -> Iterator[None]:
    with counter.on("2027-12-31"):
        yield


def read(binding_id: int, value: int, day: str, kind: str = "actual") -> None:
    with transaction():
        record_readings([NewReading(binding_id, D(value), date.fromisoformat(day), kind)], period=day[:7], by_id=None)


def bill(period: str) -> Decimal:
    with transaction():
        return issue_bills(period, on=date.fromisoformat(f"{period}-28"), by_id=None).amount


def bound(start: int = 0, **tariff: Any) -> MeterBinding:
    with transaction():
        make.tariff(**({"charges": FLAT} | tariff))
        return make.binding(start=start, bound_on=date(2026, 1, 1))


def new_meter(**values: Any) -> int:
    with transaction():
        return make.meter(**values).id


def swap(binding_id: int, meter_id: int, closing: int, start: int, day: str) -> MeterBinding:
    with transaction():
        return change_meter(
            binding_id, new_meter_id=meter_id, closing_reading=D(closing), start_reading=D(start),
            on=date.fromisoformat(day), by_id=None,
        )  # fmt: skip


def test_the_volume_of_a_changed_meter_is_the_old_one_s_rest_and_the_new_one_s_use() -> None:
    old = bound(start=100)
    read(old.id, 130, "2026-09-10")
    assert bill("2026-09") == D("30.00")
    new = swap(old.id, new_meter(), 142, 7, "2026-09-25")
    read(new.id, 20, "2026-10-10")
    assert bill("2026-10") == D("25.00")  # 142 − 130 + 20 − 7
    stored = db.session.get_one(MeterBinding, old.id, populate_existing=True)
    assert (stored.unbound_on, stored.end_reading) == (date(2026, 9, 25), D(142))
    assert (new.customer_id, new.use_category_id, new.carried_volume) == (old.customer_id, old.use_category_id, D(12))
    assert db.session.get_one(Meter, old.meter_id, populate_existing=True).state == "retired"
    read(new.id, 25, "2026-11-10")
    assert bill("2026-11") == D("5.00")


def test_a_meter_changed_twice_between_readings_carries_both() -> None:
    old = bound()
    read(old.id, 10, "2026-09-10")
    bill("2026-09")
    middle = swap(old.id, new_meter(), 14, 0, "2026-09-20")
    new = swap(middle.id, new_meter(), 3, 50, "2026-10-01")
    assert (new.carried_volume, new.replaces_id) == (D(7), old.id)
    read(new.id, 51, "2026-10-10")
    assert bill("2026-10") == D("8.00")


def test_the_year_s_tiers_and_the_months_go_on_over_changed_meters() -> None:
    tiers = [{"up_to": "20", "price": "1.00"}, {"up_to": None, "price": "3.00"}]
    old = bound(tier_cycle="year", charges=[{"item": "水费", "basis": "volume", "tiers": tiers},
                                            {"item": "容量水费", "basis": "month", "price": "5.00"}])  # fmt: skip
    read(old.id, 8, "2026-07-10")
    assert bill("2026-07") == D("13.00")
    middle = swap(old.id, new_meter(), 8, 0, "2026-07-20")
    read(middle.id, 10, "2026-09-10")
    assert bill("2026-09") == D("20.00")  # two months
    new = swap(middle.id, new_meter(), 10, 0, "2026-09-20")
    read(new.id, 4, "2026-10-10")
    assert bill("2026-10") == D("13.00")  # 2 m³ up to 20, 2 above, one month


def test_a_change_waits_until_what_was_read_is_billed() -> None:
    old, other = bound(), new_meter()
    read(old.id, 10, "2026-09-10")
    with pytest.raises(DomainError, match="2026年9月的止码还没有出账，请先出账再换表"):
        swap(old.id, other, 14, 0, "2026-09-20")
    bill("2026-09")
    swap(old.id, other, 14, 0, "2026-09-20")


@pytest.mark.parametrize(
    ("closing", "start", "day", "sentence"),
    [
        (5, 0, "2026-09-20", "比起码 10.000 小"),
        (100000, 0, "2026-09-20", "超过量程"),
        (14, 100000, "2026-09-20", "读数应在 0 到 99999"),
        (14, 0, "2025-09-20", "不能早于绑定日期"),
        (14, 0, "2028-09-20", "还没有到"),
    ],
)
def test_a_change_that_cannot_be_is_refused(closing: int, start: int, day: str, sentence: str) -> None:
    old = bound()
    read(old.id, 10, "2026-09-10")
    bill("2026-09")
    with pytest.raises(DomainError, match=sentence):
        swap(old.id, new_meter(), closing, start, day)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(MeterBinding)) == 1


def test_a_dial_that_passed_zero_before_the_change_is_counted_so() -> None:
    old = bound(start=99980)
    assert swap(old.id, new_meter(), 15, 0, "2026-09-20").carried_volume == 35


def bind(meter_id: int, customer_id: int, start: int = 0, day: str = "2026-05-01") -> MeterBinding:
    with transaction():
        return bind_meter(
            meter_id, customer_id=customer_id, use_category_id=make.category_id(), start_reading=D(start),
            on=date.fromisoformat(day), by_id=None,
        )  # fmt: skip


def test_a_bound_a_stopped_and_a_retired_meter_are_not_bound() -> None:
    with transaction():
        person = make.customer(customer_no="07000123")
        gone = make.customer(state="closed").id
        taken = make.meter(meter_no="SQ070001234").id
        stopped = make.meter(state="stopped").id
        free = make.meter().id
    made = bind(taken, person.id, 12)
    assert (made.start_reading, made.bound_on, made.customer_id) == (D(12), date(2026, 5, 1), person.id)
    for meter_id, customer_id, start, sentence in (
        (taken, person.id, 0, "表号「SQ070001234」已绑定给户号「07000123」，请先解绑"),
        (stopped, person.id, 0, "已停表或停用"),
        (free, gone, 0, "已经销户"),
        (free, person.id, 100000, "读数应在"),
        (9999, person.id, 0, "没有这块水表"),
    ):
        with pytest.raises(DomainError, match=sentence):
            bind(meter_id, customer_id, start)


def test_two_who_bind_a_meter_at_once_do_not_both_get_it(app: Flask, plant: Tenant) -> None:
    with transaction():
        meter = make.meter().id
        people = [make.customer().id for _ in range(6)]
        category = make.category_id()
    start, answers = threading.Barrier(len(people)), []

    def one(customer: int) -> None:
        with app.app_context(), context.use(plant), counter.on("2027-12-31"):
            start.wait()
            try:
                with transaction():
                    bind_meter(
                        meter, customer_id=customer, use_category_id=category, start_reading=D(0),
                        on=date(2026, 5, 1), by_id=None,
                    )  # fmt: skip
                answers.append("bound")
            except DomainError as error:
                answers.append(error.message)
            db.session.remove()

    threads = [threading.Thread(target=one, args=(customer,)) for customer in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("bound") == 1
    assert sum("已绑定给户号" in answer for answer in answers) == 5
    assert db.session.scalar(select(func.count()).select_from(MeterBinding)) == 1


def test_even_past_the_service_s_lock_the_index_lets_one_through() -> None:
    with transaction():
        meter = make.meter()
        person = make.customer()
        make.binding(person, meter_id=meter.id)
    with transaction(), pytest.raises(DomainError, match="刚刚被绑定给别的用户"):
        binding._add_binding(
            meter, customer_id=person.id, use_category_id=person.use_category_id, bound_on=date(2026, 5, 1),
            start_reading=D(0),
        )  # fmt: skip
    assert db.session.scalar(select(func.count()).select_from(MeterBinding)) == 1


def unbind(binding_id: int, closing: int, day: str) -> MeterBinding:
    with transaction():
        return unbind_meter(binding_id, closing_reading=D(closing), on=date.fromisoformat(day), by_id=None)


def test_use_up_to_the_unbinding_is_billed_by_the_next_run() -> None:
    old = bound()
    read(old.id, 10, "2026-09-10")
    bill("2026-09")
    gone = unbind(old.id, 17, "2026-10-03")
    assert (gone.unbound_on, gone.end_reading) == (date(2026, 10, 3), D(17))
    last = db.session.scalars(select(Reading).order_by(Reading.id.desc())).first()
    assert last
    assert (last.period, last.end_reading, last.note) == ("2026-10", D(17), "拆表止码")
    assert bill("2026-10") == D("7.00")
    with pytest.raises(DomainError, match="2026-10-03 才从上一户解绑"):
        bind(old.meter_id, old.customer_id, 17, "2026-10-02")
    bind(old.meter_id, old.customer_id, 17, "2026-10-03")  # free for somebody else


def test_an_unbinding_after_the_month_was_billed_goes_to_the_next_month() -> None:
    old = bound()
    read(old.id, 10, "2026-09-10")
    bill("2026-09")
    unbind(old.id, 12, "2026-09-29")
    assert bill("2026-10") == D("2.00")


def test_an_unbinding_takes_the_place_of_the_month_s_reading_or_needs_none() -> None:
    old = bound()
    read(old.id, 10, "2026-09-10")
    unbind(old.id, 12, "2026-09-20")
    assert bill("2026-09") == D("12.00")
    with transaction():
        other = make.binding()
    read(other.id, 10, "2026-10-10")
    unbind(other.id, 10, "2026-10-20")
    assert db.session.scalar(select(func.count()).select_from(Reading).where(Reading.binding_id == other.id)) == 1
    assert bill("2026-10") == D("10.00")


def test_an_unbinding_waits_for_the_review_of_an_earlier_reading() -> None:
    old = bound()
    read(old.id, 5000, "2026-09-10")
    with pytest.raises(DomainError, match="2026年9月的止码还在待复核"):
        unbind(old.id, 5010, "2026-10-03")
    db.session.rollback()
    with pytest.raises(DomainError, match="已经解绑"):
        unbind(9999, 1, "2026-10-03")


def test_a_use_category_changes_from_a_day_on_and_keeps_its_history() -> None:
    old = bound()
    with transaction():
        make.tariff(name="灌溉", use_category=make.AGRICULTURAL, charges=[FLAT[0] | {"price": "0.35"}])
        new = make.category_id(make.AGRICULTURAL)
    read(old.id, 10, "2026-09-10")
    read(old.id, 20, "2026-10-10")

    def change(category: int, day: str) -> UseCategoryChange:
        with transaction():
            return change_use_category(
                old.id, use_category_id=category, effective_from=date.fromisoformat(day), reason="改种地", by_id=None
            )

    change(new, "2026-10-01")
    assert (bill("2026-09"), bill("2026-10")) == (D("10.00"), D("3.50"))
    row = db.session.scalars(select(UseCategoryChange)).one()
    assert (row.old_id, row.new_id, row.reason) == (make.category_id(), new, "改种地")
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "meter_binding")).one().changes
    for category, day, sentence in (
        (new, "2026-11-01", "没有变化"),
        (make.category_id(), "2026-09-01", "已有一次 2026-10-01 生效的变更"),
        (make.category_id(), "2025-09-01", "不能早于绑定日期"),
        (9999, "2026-11-01", "请选择新的水表性质"),
    ):
        with pytest.raises(DomainError, match=sentence):
            change(category, day)


def test_a_change_of_category_that_is_still_to_come_goes_along_to_the_new_meter() -> None:
    old = bound()
    with transaction():
        make.tariff(name="灌溉", use_category=make.AGRICULTURAL, charges=[FLAT[0] | {"price": "0.35"}])
        change_use_category(
            old.id, use_category_id=make.category_id(make.AGRICULTURAL), effective_from=date(2026, 10, 1), reason="",
            by_id=None,
        )  # fmt: skip
    new = swap(old.id, new_meter(), 0, 0, "2026-09-05")
    read(new.id, 10, "2026-09-10")
    read(new.id, 20, "2026-10-10")
    assert (bill("2026-09"), bill("2026-10")) == (D("10.00"), D("3.50"))


def test_a_stopped_meter_is_billed_up_to_the_day_and_then_neither_read_nor_billed() -> None:
    old = bound(charges=[*FLAT, {"item": "容量水费", "basis": "month", "price": "5.00"}])
    read(old.id, 10, "2026-02-10")
    assert bill("2026-02") == D("15.00")
    with transaction():
        stop_meter(old.meter_id, reading=D(13), on=date(2026, 3, 15), reason="外出", by_id=None)
    assert bill("2026-03") == D("8.00")
    with pytest.raises(DomainError, match="已停表"):
        read(old.id, 20, "2026-04-10")
    assert bill("2026-04") == 0
    with transaction():
        resume_meter(old.meter_id, reading=D(13), on=date(2026, 7, 5), by_id=None)
    read(old.id, 15, "2026-08-10")
    assert bill("2026-08") == D("12.00")  # July and August; April to June stood still
    kept = db.session.scalars(select(Suspension)).one()
    assert (kept.stopped_on, kept.stop_reading, kept.resumed_on, kept.resume_reading, kept.reason) == (
        date(2026, 3, 15), D(13), date(2026, 7, 5), D(13), "外出",
    )  # fmt: skip
    actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.entity == "meter")).all()
    assert {"stopped", "resumed"} <= set(actions)


def test_a_stop_and_a_resumption_that_cannot_be_are_refused() -> None:
    old = bound()

    def stop(reading: int = 5, day: str = "2026-03-15") -> None:
        with transaction():
            stop_meter(old.meter_id, reading=D(reading), on=date.fromisoformat(day), reason="", by_id=None)

    def resume(reading: int = 5, day: str = "2026-04-15") -> None:
        with transaction():
            resume_meter(old.meter_id, reading=D(reading), on=date.fromisoformat(day), by_id=None)

    with pytest.raises(DomainError, match="没有停表"):
        resume()
    for day, sentence in (("2028-01-01", "还没有到"), ("2025-12-31", "不能早于绑定日期 2026-01-01")):
        with pytest.raises(DomainError, match=sentence):
            stop(day=day)
    stop()
    with pytest.raises(DomainError, match="已停表或停用"):
        stop()
    with pytest.raises(DomainError, match="比停表时的"):
        resume(4)
    with pytest.raises(DomainError, match="不能早于停表日期"):
        resume(day="2026-03-14")
    resume()
    with pytest.raises(DomainError, match="不能早于上次恢复的日期 2026-04-15"):
        stop(day="2026-04-01")
    assert db.session.scalar(select(func.count()).select_from(Bill)) == 0


def test_a_stopped_meter_is_resumed_before_it_is_changed() -> None:
    old = bound()
    with transaction():
        stop_meter(old.meter_id, reading=D(0), on=date(2026, 3, 15), reason="", by_id=None)
    with pytest.raises(DomainError, match="已停表，请先恢复再换表"):
        swap(old.id, new_meter(), 0, 0, "2026-04-01")
