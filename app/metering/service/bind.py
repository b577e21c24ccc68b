"""绑定, 解绑, 换表, 变更: whose use a meter measures, from when to when, and as what it is charged.

What was read and billed stands to the right of here: `app.billing.service` asks about it first (change_meter,
unbind_meter) and then calls these.
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
from app.metering.models import Meter, MeterBinding, UseCategoryChange
from app.metering.service.guards import check_dial, locked_meter, not_to_come, open_binding, refuse_unfit, turn
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
    refuse_unfit(meter, start_reading, not_to_come(on))
    customer = db.session.get(Customer, customer_id, with_for_update={"read": True})  # not closed meanwhile
    if customer is None or customer.state != "active":
        raise DomainError("这个用户不存在或已经销户，请重新选择。", field="customer")
    if db.session.get(UseCategory, use_category_id) is None:
        raise DomainError("请选择水表性质。", field="use_category_id")
    bound = _add_binding(
        meter,
        customer_id=customer_id,
        use_category_id=use_category_id,
        bound_on=on,
        start_reading=start_reading,
        mix=mix,
    )
    told = {"start_reading": start_reading, "on": on, "use_category_id": use_category_id}
    if mix:
        told["mix"] = [None, mix]
    audit.record("bound", "meter", meter.id, {"customer_no": customer.customer_no, **told})
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
    retired, meter = locked_meter(old.meter_id), locked_meter(new_meter_id)
    if retired.state == "stopped":
        raise DomainError(f"表号「{retired.meter_no}」已停表，请先恢复再换表。")
    refuse_unfit(meter, start_reading, on)
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
    turn(
        retired,
        "retired",
        "replaced",
        new_meter_no=meter.meter_no,
        closing_reading=closing_reading,
        start_reading=start_reading,
        carried_volume=carried_volume,
        on=on,
    )
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
    told = {"effective_from": effective_from, "reason": change.reason}
    audit.record(
        "changed", "meter_binding", bound.id, {"use_category_id": [bound.use_category_id, use_category_id], **told}
    )
    bound.use_category_id = use_category_id
    db.session.flush()
    return change


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
    check_dial(meter, closing_reading)
    if not_to_come(on) < bound.bound_on:
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
