"""What every change of a meter or a binding looks at first: the row, locked, and what the dial and the day can be."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import select

from app import audit, clock
from app.customers.models import Customer
from app.db import db
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding
from app.metering.rules import plain


def locked_meter(meter_id: int) -> Meter:
    """The meter, locked until the transaction ends: whoever changes whose it is or its state does so first."""
    meter = db.session.scalar(
        select(Meter)
        .where(Meter.id == meter_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if meter is None:
        raise DomainError("没有这块水表，请重新选择。", field="meter")
    return meter


def open_binding(binding_id: int) -> MeterBinding:
    """A binding that is in force, locked. DomainError where it is not."""
    bound = db.session.scalar(
        select(MeterBinding)
        .where(MeterBinding.id == binding_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if bound is None or bound.unbound_on is not None:
        raise DomainError("这块水表已经解绑，请刷新页面后再看。")
    return bound


def refuse_bound(meter: Meter) -> None:
    """DomainError where somebody has it."""
    holder = db.session.scalar(
        select(Customer.customer_no)
        .join(MeterBinding, MeterBinding.customer_id == Customer.id)
        .where(MeterBinding.meter_id == meter.id, MeterBinding.unbound_on.is_(None))
    )
    if holder:
        raise DomainError(f"表号「{meter.meter_no}」已绑定给户号「{holder}」，请先解绑。", field="meter")


def refuse_unfit(meter: Meter, reading: Decimal, on: date) -> None:
    """DomainError where the meter cannot begin to serve somebody on the day, starting at the reading."""
    refuse_bound(meter)
    if meter.state != "in_use":
        raise DomainError(f"表号「{meter.meter_no}」已停表或停用，请换一块水表。", field="meter")
    check_dial(meter, reading, field="start_reading")
    freed = db.session.scalar(
        select(MeterBinding.unbound_on)
        .where(MeterBinding.meter_id == meter.id, MeterBinding.unbound_on > on)
        .order_by(MeterBinding.unbound_on.desc())
        .limit(1)
    )
    if freed:
        raise DomainError(f"表号「{meter.meter_no}」{freed} 才从上一户解绑，日期不能更早，请核对。", field="on")


def check_dial(meter: Meter, reading: Decimal, *, field: str = "reading") -> None:
    """DomainError where the dial cannot show it."""
    if not 0 <= reading < meter.dial_modulus:
        raise DomainError(f"读数应在 0 到 {plain(meter.dial_modulus - 1)} 之间，请核对。", field=field)


def not_to_come(on: date) -> date:
    """The day itself. DomainError where it has not come yet."""
    if on > clock.today():
        raise DomainError(f"{on} 还没有到，请核对日期。", field="on")
    return on


def turn(meter: Meter, state: str, action: str, **what: object) -> None:
    """Set the meter's state and log it with what belongs to it: the one line that its history shows."""
    audit.record(action, "meter", meter.id, {"state": [meter.state, state], **what})
    meter.state = state
    db.session.flush()
