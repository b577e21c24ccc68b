"""What a meter's customer used before, for the one who decides about a reading."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select

from app import periods
from app.areas.reach import within_reach
from app.customers.models import Customer
from app.db import db
from app.metering.models import Meter, MeterBinding
from app.readings.models import Reading

MONTHS = 13  # this month and the year before it


class Month(NamedTuple):
    """A period of a customer's meter; volume None: nothing read. `height` in per cent of the highest."""

    period: str
    volume: Decimal | None
    kind: str
    end: Decimal | None
    height: int


def year_of(reading: Reading) -> list[Month]:
    """The reading's period and the twelve before it, oldest first; a month without reading is there, empty."""
    months = periods.months_ending(reading.period, MONTHS)
    rows = db.session.execute(
        select(Reading.period, Reading.volume, Reading.kind, Reading.end_reading).where(
            Reading.binding_id == reading.binding_id, Reading.period.between(months[0], months[-1])
        )
    )
    found = {row.period: row for row in rows}
    most = max((row.volume or Decimal(0) for row in found.values()), default=Decimal(0))
    return [_month(month, found.get(month), most) for month in months]


def _month(period: str, row: Any, most: Decimal) -> Month:
    if row is None:
        return Month(period, None, "", None, 0)
    height = int(max(row.volume or 0, 0) * 100 / most) if most else 0
    return Month(period, row.volume, row.kind, row.end_reading, height)


class Held(NamedTuple):
    """A reading that waits for review, and whose it is."""

    id: int
    customer_no: str
    holder: str
    meter_no: str
    held_for: str


def held_readings(period: str) -> list[Held]:
    """What waits for review in the period, in the order of the books."""
    query = (
        select(Reading.id, Customer.customer_no, Customer.holder, Meter.meter_no, Reading.held_for)
        .join(Customer, Customer.id == Reading.customer_id)
        .join(MeterBinding, MeterBinding.id == Reading.binding_id)
        .join(Meter, Meter.id == MeterBinding.meter_id)
        .where(Reading.period == period, Reading.review == "held", within_reach(Customer.route_id))
        .order_by(Reading.route_id, Customer.route_seq, Reading.id)
    )
    return [Held(*row) for row in db.session.execute(query)]
