"""水表 themselves: put in store, corrected, taken out of use, deleted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app import audit
from app.db import db
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding, Suspension
from app.metering.rules import plain
from app.metering.service.guards import locked_meter, refuse_bound, turn


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """What is written on a meter. `dial_modulus`: where it starts again at 0; `master_no`: 表号 of its 总表, '' for none."""

    meter_no: str
    bore: str = ""
    meter_type: str = ""
    maker: str = ""
    installed_on: date | None = None
    dial_modulus: Decimal = Decimal(100000)
    initial_reading: Decimal = Decimal(0)
    master_no: str = ""
    note: str = ""


# The highest that a meter is known to have shown. Readings come after meters: SQL, no import.
_HIGHEST = text("""
    SELECT greatest((SELECT max(greatest(b.start_reading, b.end_reading)) FROM meter_binding b WHERE b.meter_id = :id),
                    (SELECT max(greatest(s.stop_reading, s.resume_reading)) FROM suspension s WHERE s.meter_id = :id),
                    (SELECT max(r.end_reading) FROM meter_binding b JOIN reading r ON r.binding_id = b.id
                     WHERE b.meter_id = :id), 0)
""")

# Every meter above a meter: its 总表, that one's 总表 …
_MASTERS = text("""
    WITH RECURSIVE above AS (
        SELECT id, master_meter_id FROM meter WHERE id = :id
        UNION SELECT m.id, m.master_meter_id FROM above a JOIN meter m ON m.id = a.master_meter_id
    ) SELECT id FROM above
""")


def create_meter(facts: MeterFacts) -> Meter:
    """新增. DomainError where the 表号 is taken, the 底数 is beyond the dial or there is no such 总表."""
    meter = Meter(**_values(facts, None))
    _store(meter, facts.meter_no)
    audit.record("created", "meter", meter.id, audit.facts(meter))
    return meter


def edit_meter(meter_id: int, facts: MeterFacts) -> Meter:
    """修改. DomainError as in create_meter, and for a 量程 that the meter has shown more than."""
    meter = locked_meter(meter_id)
    values = _values(facts, meter_id)
    highest = db.session.scalar(_HIGHEST, {"id": meter_id}) or Decimal(0)
    if highest >= facts.dial_modulus:
        raise DomainError(f"这块表已经走到过 {plain(highest)}，量程不能这么小，请核对。", field="digits")
    audit.assign(meter, values, name="meter")
    _store(meter, facts.meter_no)
    return meter


def delete_meter(meter_id: int) -> None:
    """删除: only a meter that nothing has happened to. DomainError else, with what to do instead."""
    meter = locked_meter(meter_id)
    refuse_bound(meter)
    used = db.session.scalar(select(func.count()).where(MeterBinding.meter_id == meter_id))
    stops = db.session.scalar(select(func.count()).where(Suspension.meter_id == meter_id))
    if used or stops:
        raise DomainError(f"表号「{meter.meter_no}」有过用户、抄表或停表记录，不能删除，请改用「停用」。")
    below = db.session.scalar(select(func.count()).where(Meter.master_meter_id == meter_id))
    if below:
        raise DomainError(f"表号「{meter.meter_no}」是 {below} 块水表的总表，请先修改那些水表的总表。")
    audit.record("deleted", "meter", meter_id, audit.facts(meter))
    db.session.delete(meter)
    db.session.flush()


def retire_meter(meter_id: int) -> None:
    """停用: out of use for good. DomainError where somebody has it."""
    meter = locked_meter(meter_id)
    refuse_bound(meter)
    if meter.state == "retired":
        raise DomainError(f"表号「{meter.meter_no}」已经停用。")
    turn(meter, "retired", "retired")


def reinstate_meter(meter_id: int) -> None:
    """启用 a meter that was taken out of use; one that stood stopped then stands stopped again."""
    meter = locked_meter(meter_id)
    if meter.state != "retired":
        raise DomainError(f"表号「{meter.meter_no}」没有停用，不用启用。")
    stopped = db.session.scalar(
        select(Suspension.id).where(Suspension.meter_id == meter_id, Suspension.resumed_on.is_(None))
    )
    turn(meter, "stopped" if stopped else "in_use", "reinstated")


def _values(facts: MeterFacts, meter_id: int | None) -> dict[str, Any]:
    """Columns of the facts, looked at."""
    if facts.initial_reading >= facts.dial_modulus:
        raise DomainError(
            f"底数 {plain(facts.initial_reading)} 超过量程，这块表最多走到 {plain(facts.dial_modulus - 1)}，请核对。",
            field="initial_reading",
        )
    values = asdict(facts)
    values["master_meter_id"] = _master(values.pop("master_no"), meter_id)
    return values


def _master(number: str, meter_id: int | None) -> int | None:
    if not number:
        return None
    found: int | None = db.session.scalar(select(Meter.id).where(Meter.meter_no == number))
    if found is None:
        raise DomainError(f"没有表号「{number}」，请核对总表的表号，或先新增总表。", field="master_no")
    if meter_id is not None and meter_id in db.session.scalars(_MASTERS, {"id": found}).all():
        raise DomainError(f"表号「{number}」在这块表之下，不能做它的总表，请核对。", field="master_no")
    return found


def _store(meter: Meter, number: str) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(meter)
            db.session.flush()
    except IntegrityError as error:
        raise DomainError(f"表号「{number}」已经有了，请核对。", field="meter_no") from error
