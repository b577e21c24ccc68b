"""停表 and 恢复: from one day to another a meter is neither read nor billed.

What ran up to the day is recorded by `app.billing.service.stop_meter`, which then calls this one.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import func, select

from app import clock
from app.db import db
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding, Suspension
from app.metering.rules import plain
from app.metering.service.guards import check_dial, locked_meter, not_to_come, turn


def stop_meter(
    meter_id: int, *, reading: Decimal, on: date, reason: str, by_id: int | None, until: date | None = None
) -> Suspension:
    """停表: from the day on the meter is neither read nor billed; with `until`, the night of that day resumes it.

    DomainError where it is not in use, or the days cannot be so.
    """
    meter = _meter_at(meter_id, reading, on)
    if meter.state != "in_use":
        raise DomainError(f"表号「{meter.meter_no}」已停表或停用，不能再停表。")
    bound_on = db.session.scalar(
        select(MeterBinding.bound_on).where(MeterBinding.meter_id == meter_id, MeterBinding.unbound_on.is_(None))
    )
    resumed_on = db.session.scalar(select(func.max(Suspension.resumed_on)).where(Suspension.meter_id == meter_id))
    if bound_on and on < bound_on:
        raise DomainError(f"停表日期不能早于绑定日期 {bound_on}，请核对。", field="on")
    if resumed_on and on < resumed_on:
        raise DomainError(f"停表日期不能早于上次恢复的日期 {resumed_on}，请核对。", field="on")
    if until and until <= on:
        raise DomainError(f"到期日期应晚于停表日期 {on}，请核对；不知道哪天恢复就不填。", field="until")
    stopped = Suspension(
        meter_id=meter_id,
        stopped_on=on,
        until=until,
        stop_reading=reading,
        reason=reason.strip(),
        by_id=by_id,
        at=clock.now(),
    )
    db.session.add(stopped)
    ends = {"until": until} if until else {}
    turn(meter, "stopped", "stopped", reading=reading, on=on, reason=reason.strip(), **ends)
    return stopped


def resume_meter(meter_id: int, *, reading: Decimal, on: date, by_id: int | None) -> Suspension:
    """恢复: read and billed again. What ran through a stopped meter comes on the next reading.

    DomainError where it is not stopped, before it was, or below the reading it was stopped at.
    """
    meter = _meter_at(meter_id, reading, on)
    stopped = db.session.scalar(
        select(Suspension).where(Suspension.meter_id == meter_id, Suspension.resumed_on.is_(None))
    )
    if meter.state != "stopped" or stopped is None:
        raise DomainError(f"表号「{meter.meter_no}」没有停表，不用恢复。")
    if on < stopped.stopped_on:
        raise DomainError(f"恢复日期不能早于停表日期 {stopped.stopped_on}，请核对。", field="on")
    if reading < stopped.stop_reading:
        raise DomainError(f"恢复时的读数比停表时的 {plain(stopped.stop_reading)} 小，请核对。", field="reading")
    stopped.resumed_on, stopped.resume_reading = on, reading
    turn(meter, "in_use", "resumed", reading=[stopped.stop_reading, reading], on=on)
    return stopped


def resume_due(*, on: date) -> int:
    """停用到期: resume what was stopped until `on` or a day before, at the reading it was stopped at. Returns how many."""
    last = min(on, clock.today())
    due = select(Suspension).where(Suspension.resumed_on.is_(None), Suspension.until <= last).order_by(Suspension.id)
    found = db.session.scalars(due).all()
    for stopped in found:
        resume_meter(stopped.meter_id, reading=stopped.stop_reading, on=stopped.until or last, by_id=None)
    return len(found)


def _meter_at(meter_id: int, reading: Decimal, on: date) -> Meter:
    """The meter, locked, that can show the reading on a day that has come."""
    meter = locked_meter(meter_id)
    check_dial(meter, reading)
    not_to_come(on)
    return meter
