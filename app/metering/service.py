"""绑定, 解绑, 换表, 变更, 停表: whose use a meter measures, from when to when.

What was read and billed stands to the right of here: `app.billing.service` asks about it first (change_meter,
unbind_meter, stop_meter) and then calls these.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app import audit, clock
from app.customers.models import Customer
from app.db import db
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding, Suspension, UseCategoryChange
from app.tariffs.models import UseCategory


def bind_meter(
    meter_id: int,
    *,
    customer_id: int,
    use_category_id: int,
    start_reading: Decimal,
    on: date,
    by_id: int | None,
    mix: list[Any] | None = None,
) -> MeterBinding:
    """绑定水表: from the day on the meter serves the customer, starting at `start_reading`.

    DomainError where it is somebody's already (also when two people bind it at once), stopped or retired, or the
    dial cannot show the reading.
    """
    meter = locked_meter(meter_id)
    _refuse_unfit(meter, start_reading)
    customer = db.session.get(Customer, customer_id)
    if customer is None or customer.state != "active":
        raise DomainError("这个用户不存在或已经销户，请重新选择。", field="customer")
    if db.session.get(UseCategory, use_category_id) is None:
        raise DomainError("请选择水表性质。", field="use_category_id")
    bound = _add_binding(
        meter,
        customer_id=customer_id,
        use_category_id=use_category_id,
        bound_on=_not_to_come(on),
        start_reading=start_reading,
        mix=mix,
    )
    audit.record("bound", "meter", meter.id, {"customer_no": customer.customer_no, "start_reading": start_reading})
    return bound


def unbind_meter(binding_id: int, *, closing_reading: Decimal, on: date, by_id: int | None) -> MeterBinding:
    """解绑: the meter is free from the day on. DomainError where it is not bound or the day cannot be."""
    bound = open_binding(binding_id)
    _close(bound, closing_reading, on)
    audit.record("unbound", "meter", bound.meter_id, {"binding_id": bound.id, "end_reading": closing_reading, "on": on})
    return bound


def change_meter(
    binding_id: int,
    *,
    new_meter_id: int,
    closing_reading: Decimal,
    start_reading: Decimal,
    on: date,
    carried_volume: Decimal,
    replaces_id: int,
    by_id: int | None,
) -> MeterBinding:
    """换表: the old meter is retired, the new one goes on for the same customer and 水表性质.

    `carried_volume`: m³ of the old meter that no reading has billed yet; they come on the new one's first reading.
    `replaces_id`: the binding whose readings and tiers go on here. DomainError as in bind_meter.
    """
    old = open_binding(binding_id)
    meter = locked_meter(new_meter_id)
    _refuse_unfit(meter, start_reading)
    _close(old, closing_reading, on)
    new = _add_binding(
        meter,
        customer_id=old.customer_id,
        use_category_id=old.use_category_id,
        bound_on=on,
        start_reading=start_reading,
        carried_volume=carried_volume,
        replaces_id=replaces_id,
        mix=old.mix,
    )
    for change in _changes_after(old.id, on):  # announced, not yet in force: they go along
        values = {c: getattr(change, c) for c in ("effective_from", "old_id", "new_id", "reason", "by_id", "at")}
        db.session.execute(insert(UseCategoryChange).values(binding_id=new.id, **values))
    retired = db.session.get_one(Meter, old.meter_id)
    audit.assign(retired, {"state": "retired"}, name="meter")
    audit.record(
        "replaced",
        "meter",
        retired.id,
        {"new_meter_no": meter.meter_no, "closing_reading": closing_reading, "start_reading": start_reading,
         "carried_volume": carried_volume, "on": on},
    )  # fmt: skip
    db.session.flush()
    return new


def change_use_category(
    binding_id: int, *, use_category_id: int, effective_from: date, reason: str, by_id: int | None
) -> UseCategoryChange:
    """水表性质变更: readings from the day on are charged as the new category; earlier bills stay as they are.

    DomainError where nothing changes, or an earlier change takes effect later.
    """
    bound = open_binding(binding_id)
    if db.session.get(UseCategory, use_category_id) is None:
        raise DomainError("请选择新的水表性质。", field="use_category_id")
    if use_category_id == bound.use_category_id:
        raise DomainError("水表性质没有变化，请重新选择。", field="use_category_id")
    if effective_from < bound.bound_on:
        raise DomainError(f"生效日期不能早于绑定日期 {bound.bound_on}，请核对。", field="effective_from")
    later = _changes_after(binding_id, effective_from)
    if later:
        raise DomainError(
            f"已有一次 {later[-1].effective_from} 生效的变更，新的变更不能更早，请改生效日期。", field="effective_from"
        )
    change = UseCategoryChange(
        binding_id=binding_id,
        effective_from=effective_from,
        old_id=bound.use_category_id,
        new_id=use_category_id,
        reason=reason.strip(),
        by_id=by_id,
        at=clock.now(),
    )
    db.session.add(change)
    audit.assign(bound, {"use_category_id": use_category_id}, name="meter_binding")
    db.session.flush()
    return change


def stop_meter(meter_id: int, *, reading: Decimal, on: date, reason: str, by_id: int | None) -> Suspension:
    """停表: from the day on the meter is neither read nor billed. DomainError where it is not in use."""
    meter = locked_meter(meter_id)
    if meter.state != "in_use":
        raise DomainError(f"表号「{meter.meter_no}」已停表或停用，不能再停表。")
    _check_dial(meter, reading)
    stopped = Suspension(
        meter_id=meter_id,
        stopped_on=_not_to_come(on),
        stop_reading=reading,
        reason=reason.strip(),
        by_id=by_id,
        at=clock.now(),
    )
    db.session.add(stopped)
    audit.assign(meter, {"state": "stopped"}, name="meter")
    audit.record("stopped", "meter", meter_id, {"reading": reading, "on": on, "reason": reason.strip()})
    db.session.flush()
    return stopped


def resume_meter(meter_id: int, *, reading: Decimal, on: date, by_id: int | None) -> Suspension:
    """恢复: read and billed again. What ran through a stopped meter comes on the next reading.

    DomainError where it is not stopped, before it was, or below the reading it was stopped at.
    """
    meter = locked_meter(meter_id)
    stopped = db.session.scalar(
        select(Suspension).where(Suspension.meter_id == meter_id, Suspension.resumed_on.is_(None))
    )
    if meter.state != "stopped" or stopped is None:
        raise DomainError(f"表号「{meter.meter_no}」没有停表，不用恢复。")
    _check_dial(meter, reading)
    if _not_to_come(on) < stopped.stopped_on:
        raise DomainError(f"恢复日期不能早于停表日期 {stopped.stopped_on}，请核对。", field="on")
    if reading < stopped.stop_reading:
        raise DomainError(f"恢复时的读数比停表时的 {stopped.stop_reading:f} 小，请核对。", field="reading")
    stopped.resumed_on, stopped.resume_reading = on, reading
    audit.assign(meter, {"state": "in_use"}, name="meter")
    audit.record("resumed", "meter", meter_id, {"reading": [stopped.stop_reading, reading], "on": on})
    db.session.flush()
    return stopped


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


def _refuse_unfit(meter: Meter, reading: Decimal) -> None:
    holder = db.session.scalar(
        select(Customer.customer_no)
        .join(MeterBinding, MeterBinding.customer_id == Customer.id)
        .where(MeterBinding.meter_id == meter.id, MeterBinding.unbound_on.is_(None))
    )
    if holder:
        raise DomainError(f"表号「{meter.meter_no}」已绑定给户号「{holder}」，请先解绑。", field="meter")
    if meter.state != "in_use":
        raise DomainError(f"表号「{meter.meter_no}」已停表或停用，请换一块水表。", field="meter")
    _check_dial(meter, reading)


def _check_dial(meter: Meter, reading: Decimal) -> None:
    if not 0 <= reading < meter.dial_modulus:
        raise DomainError(f"读数应在 0 到 {meter.dial_modulus - 1:f} 之间，请核对。", field="reading")


def _not_to_come(on: date) -> date:
    if on > clock.today():
        raise DomainError(f"{on} 还没有到，请核对日期。", field="on")
    return on


def _add_binding(meter: Meter, **values: Any) -> MeterBinding:
    bound = MeterBinding(meter_id=meter.id, **values)
    try:
        with db.session.begin_nested():
            db.session.add(bound)
    except IntegrityError as error:  # bound meanwhile by somebody who did not lock the meter
        raise DomainError(f"表号「{meter.meter_no}」刚刚被绑定给别的用户，请刷新后再试。", field="meter") from error
    return bound


def _close(bound: MeterBinding, closing_reading: Decimal, on: date) -> None:
    meter = locked_meter(bound.meter_id)
    _check_dial(meter, closing_reading)
    if _not_to_come(on) < bound.bound_on:
        raise DomainError(f"日期不能早于绑定日期 {bound.bound_on}，请核对。", field="on")
    bound.unbound_on, bound.end_reading = on, closing_reading
    db.session.flush()


def _changes_after(binding_id: int, day: date) -> list[UseCategoryChange]:
    return list(
        db.session.scalars(
            select(UseCategoryChange)
            .where(UseCategoryChange.binding_id == binding_id, UseCategoryChange.effective_from > day)
            .order_by(UseCategoryChange.effective_from, UseCategoryChange.id)
        )
    )
