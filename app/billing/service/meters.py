"""换表, 解绑, 停表 with regard to what has been read and billed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import select, text

from app import periods
from app.customers.models import Customer
from app.db import db
from app.errors import DomainError
from app.metering import service as metering
from app.metering.models import MeterBinding, Suspension
from app.readings import queries as readings
from app.readings import rules
from app.readings.queries import Standing
from app.readings.service import NewReading, examine, hold_off_billing, store_examined

LATEST = "9999-12"  # a period after all others: what is known of a meter by now

_UNBILLED = text("""
    SELECT min(r.period) FROM reading r
    WHERE r.binding_id = :binding_id AND r.kind <> 'unread' AND r.review = ANY(CAST(:reviews AS text[]))
      AND r.period <> :period
      AND NOT EXISTS (SELECT 1 FROM bill b
                      WHERE b.customer_id = r.customer_id AND b.period = r.period AND b.binding_id = r.binding_id
                        AND b.kind = 'regular' AND NOT EXISTS (SELECT 1 FROM bill v WHERE v.reverses_id = b.id))
""")


def change_meter(
    binding_id: int,
    *,
    new_meter_id: int,
    closing_reading: Decimal,
    start_reading: Decimal,
    on: date,
    by_id: int | None,
) -> MeterBinding:
    """换表: what the old meter measured since it was last read (m³) is billed with the new one's first reading.

    So that volume is old closing − old start + new end − new start. DomainError while a reading is entered but not
    billed, where the dials or the day cannot be so, or the new meter is not free.
    """
    hold_off_billing()
    bound = metering.open_binding(binding_id)
    if _charged_by_meter(bound):
        unbilled = _unbilled(binding_id, reviews=("accepted", "held"))
        if unbilled:
            raise DomainError(f"{periods.label(unbilled)}的止码还没有出账，请先出账再换表。")
    standing = readings.standings([binding_id], period=LATEST)[binding_id]
    return metering.change_meter(
        binding_id,
        new_meter_id=new_meter_id,
        closing_reading=closing_reading,
        start_reading=start_reading,
        on=on,
        carried_volume=_since_last_reading(standing, closing_reading),
        replaces_id=binding_id if standing.volumes else bound.replaces_id or binding_id,
        by_id=by_id,
    )


def unbind_meter(binding_id: int, *, closing_reading: Decimal, on: date, by_id: int | None) -> MeterBinding:
    """解绑: use since the last reading becomes a closing reading, which the next run bills (after review, if it is odd).

    DomainError where an earlier reading waits for review, or the dial or the day cannot be so.
    """
    hold_off_billing()
    bound = metering.open_binding(binding_id)
    _record_last_reading(bound, closing_reading, on, note="拆表止码", by_id=by_id)
    return metering.unbind_meter(binding_id, closing_reading=closing_reading, on=on, by_id=by_id)


def stop_meter(
    meter_id: int, *, reading: Decimal, on: date, reason: str, by_id: int | None, until: date | None = None
) -> Suspension:
    """停表: use up to the day is recorded and billed by the next run; then nothing until 恢复, months included.

    DomainError as in unbind_meter, or where the meter is not in use.
    """
    hold_off_billing()
    binding_id = db.session.scalar(
        select(MeterBinding.id).where(MeterBinding.meter_id == meter_id, MeterBinding.unbound_on.is_(None))
    )
    if binding_id is not None:
        _record_last_reading(metering.open_binding(binding_id), reading, on, note="停表止码", by_id=by_id)
    return metering.stop_meter(meter_id, reading=reading, on=on, reason=reason, by_id=by_id, until=until)


def _record_last_reading(bound: MeterBinding, reading: Decimal, on: date, *, note: str, by_id: int | None) -> None:
    """Record what the dial shows on the day, in the first period from then on that is not billed; nothing for no use."""
    if not _charged_by_meter(bound):
        return
    period = periods.of(on)
    while readings.standings([bound.id], period=period)[bound.id].billed:
        period = periods.shift(period, 1)
    held = _unbilled(bound.id, reviews=("held",), but=period)
    if held:
        raise DomainError(f"{periods.label(held)}的止码还在待复核，请先复核。")
    standing = readings.standings([bound.id], period=LATEST)[bound.id]
    if not _since_last_reading(standing, reading):
        return
    examined = examine([NewReading(bound.id, reading, on, note=note)], period=period)
    if examined[0].refused:
        raise DomainError(examined[0].refused, field="reading")
    store_examined(examined, period=period, by_id=by_id)


def _since_last_reading(standing: Standing, reading: Decimal) -> Decimal:
    """m³ since the last accepted reading, and what a meter before brought along."""
    try:
        rules.check_dial(reading, standing.modulus)
        if reading < standing.start:
            passed = rules.passed_zero(start=standing.start, end=reading, modulus=standing.modulus)
            return passed + standing.carried
    except rules.ReadingError as error:
        raise DomainError(str(error), field="reading") from None
    return reading - standing.start + standing.carried


def _charged_by_meter(bound: MeterBinding) -> bool:
    return db.session.get_one(Customer, bound.customer_id).charged_by_meter


def _unbilled(binding_id: int, *, reviews: tuple[str, ...], but: str = "") -> str | None:
    """The first period with a reading in such a state that no standing bill has charged."""
    found: str | None = db.session.scalar(
        _UNBILLED, {"binding_id": binding_id, "reviews": list(reviews), "period": but}
    )
    return found
