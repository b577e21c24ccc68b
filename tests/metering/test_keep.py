"""新增, 修改, 删除, 停用 of meters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.audit import AuditEntry
from app.db import db, transaction
from app.errors import DomainError
from app.metering import service
from app.metering.models import Meter
from app.metering.service import MeterFacts
from tenants.context import Tenant
from tests import factories as make

D = Decimal
FACTS = MeterFacts(
    meter_no="SQ170000001", bore="DN20", meter_type="机械表", maker="宁波水表", installed_on=date(2020, 5, 5),
    initial_reading=D(12), note="库房",
)  # fmt: skip


def create(facts: MeterFacts = FACTS) -> int:
    with transaction():
        return service.create_meter(facts).id


def edit(meter_id: int, facts: MeterFacts) -> Meter:
    with transaction():
        return service.edit_meter(meter_id, facts)


def delete(meter_id: int) -> None:
    with transaction():
        service.delete_meter(meter_id)


def test_a_new_meter_is_as_it_was_written_down_and_its_number_is_taken(plant: Tenant) -> None:
    key = create()
    stored = db.session.get_one(Meter, key)
    assert (stored.meter_no, stored.bore, stored.initial_reading, stored.state) == (
        "SQ170000001",
        "DN20",
        D(12),
        "in_use",
    )
    with pytest.raises(DomainError, match="表号「SQ170000001」已经有了") as refused:
        create()
    assert refused.value.field == "meter_no"
    assert db.session.scalar(select(func.count()).select_from(Meter)) == 1


def test_the_first_reading_lies_below_the_dial_s_range(plant: Tenant) -> None:
    with pytest.raises(DomainError, match="底数 10000 超过量程，这块表最多走到 9999") as refused:
        create(replace(FACTS, dial_modulus=D(10000), initial_reading=D(10000)))
    assert refused.value.field == "initial_reading"
    create(replace(FACTS, dial_modulus=D(10000), initial_reading=D(9999)))


def test_what_is_changed_stands_in_the_log_with_what_it_was(plant: Tenant) -> None:
    key = create()
    edit(key, replace(FACTS, bore="DN25", meter_no="SQ170000009"))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "changed")).one()
    assert entry.changes == {"bore": ["DN20", "DN25"], "meter_no": ["SQ170000001", "SQ170000009"]}
    other = create()
    with pytest.raises(DomainError, match="已经有了"):
        edit(other, replace(FACTS, meter_no="SQ170000009"))
    assert db.session.get_one(Meter, other, populate_existing=True).meter_no == "SQ170000001"


def test_a_dial_cannot_become_shorter_than_it_was_read(plant: Tenant) -> None:
    with transaction():
        bound = make.binding()
        make.reading(bound, 12345)
        meter = db.session.get_one(Meter, bound.meter_id)
        facts = MeterFacts(meter_no=meter.meter_no, dial_modulus=D(10000))
    with pytest.raises(DomainError, match="已经走到过 12345") as refused:
        edit(meter.id, facts)
    assert refused.value.field == "digits"
    edit(meter.id, replace(facts, dial_modulus=D(1000000)))


def test_a_master_meter_exists_and_lies_above(plant: Tenant) -> None:
    top = create(replace(FACTS, meter_no="ZB1"))
    below = create(replace(FACTS, meter_no="ZB2", master_no="ZB1"))
    assert db.session.get_one(Meter, below).master_meter_id == top
    for number, sentence in (("ZB9", "没有表号「ZB9」"), ("ZB2", "在这块表之下"), ("ZB1", "在这块表之下")):
        with pytest.raises(DomainError, match=sentence):
            edit(top, replace(FACTS, meter_no="ZB1", master_no=number))
    with pytest.raises(DomainError, match="是 1 块水表的总表"):
        delete(top)


def test_a_meter_that_nothing_happened_to_is_deleted(plant: Tenant) -> None:
    key = create()
    delete(key)
    assert db.session.get(Meter, key) is None
    log = select(AuditEntry.action).where(AuditEntry.entity == "meter").order_by(AuditEntry.id)
    assert db.session.scalars(log).all() == ["created", "deleted"]


def test_a_bound_meter_and_one_with_a_past_are_not_deleted(plant: Tenant) -> None:
    with transaction():
        bound = make.binding(make.customer(customer_no="07000123"))
        past = make.binding(unbound_on=date(2026, 3, 1), end_reading=D(5))
        make.reading(past, 5, period="2026-02")
    with pytest.raises(DomainError, match="已绑定给户号「07000123」，请先解绑"):
        delete(bound.meter_id)
    with pytest.raises(DomainError, match="不能删除，请改用「停用」"):
        delete(past.meter_id)
    stopped = create()
    with transaction():
        service.stop_meter(stopped, reading=D(12), on=date(2026, 1, 5), reason="", by_id=None)
    with pytest.raises(DomainError, match="不能删除，请改用「停用」"):
        delete(stopped)
    assert db.session.scalar(select(func.count()).select_from(Meter)) == 3


def test_a_meter_out_of_use_is_not_bound_until_it_is_taken_back(plant: Tenant) -> None:
    with transaction():
        bound = make.binding()
    key = create()

    def do(action: str, meter_id: int) -> str:
        with transaction():
            getattr(service, action)(meter_id)
        return db.session.get_one(Meter, meter_id, populate_existing=True).state

    with pytest.raises(DomainError, match="请先解绑"):
        do("retire_meter", bound.meter_id)
    with pytest.raises(DomainError, match="没有停用"):
        do("reinstate_meter", key)
    assert do("retire_meter", key) == "retired"
    with pytest.raises(DomainError, match="已经停用"):
        do("retire_meter", key)
    assert do("reinstate_meter", key) == "in_use"


def test_one_that_stood_stopped_stands_stopped_again(plant: Tenant) -> None:
    key = create()
    with transaction():
        service.stop_meter(key, reading=D(12), on=date(2026, 1, 5), reason="", by_id=None)
        service.retire_meter(key)
        service.reinstate_meter(key)
    assert db.session.get_one(Meter, key, populate_existing=True).state == "stopped"
