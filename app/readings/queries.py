"""Readings, as lists show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, select, text

from app.areas.reach import oneself
from app.customers import queries as customers
from app.db import db
from app.readings.models import Reading
from app.readings.rules import HELD_FOR
from app.staff.models import StaffUser


def words_of(row: Any) -> list[tuple[str, str]]:
    """How a reading stands (kind, review, held_for), in words with their tones."""
    if row.review != "accepted":
        word = "待复核" if row.review == "held" else "退回重抄"
        reason = HELD_FOR.get(row.held_for, "")
        return [(f"{word}：{reason}" if reason else word, "wait")]
    return [{"actual": ("正常", "paid"), "estimated": ("估抄", "water")}.get(row.kind, ("未抄", "plain"))]


def latest_period() -> str | None:
    """The youngest period with readings."""
    found: str | None = db.session.scalar(select(func.max(Reading.period)))
    return found


def reader_options() -> list[tuple[str, str]]:
    """(id, name) of the plant's 抄表员, for a select."""
    readers = select(StaffUser.id, StaffUser.name).where(StaffUser.role == "reader", oneself(StaffUser.id))
    return [(str(key), name) for key, name in db.session.execute(readers.order_by(StaffUser.id))]


def reading(reading_id: int) -> Reading | None:
    """The reading of this id, of a customer that whoever looks may see."""
    return db.session.scalar(select(Reading).where(Reading.id == reading_id, customers.seen(Reading.customer_id)))


# A regular bill of the binding and period that nothing has reversed. Bills come after readings: SQL, no import.
_BILLED = """
    EXISTS (SELECT FROM bill b0 LEFT JOIN bill v ON v.reverses_id = b0.id
            WHERE b0.kind = 'regular' AND b0.customer_id = b.customer_id AND b0.binding_id = b.id
              AND b0.period = :period AND v.id IS NULL)
"""
# OFFSET 0 keeps min and max from walking the index of periods: a binding has a dozen readings, a period has thousands.
_STANDING = f"""
    SELECT b.id, b.customer_id, c.route_id, t.reader_id, m.meter_no, m.state, m.dial_modulus, b.unbound_on,
           coalesce(past.last_end, b.start_reading),
           CASE WHEN past.last_end IS NULL THEN b.carried_volume ELSE 0 END,
           coalesce(past.volumes, '{{}}'),
           r.id, r.end_reading, r.kind, r.read_on, r.review, r.note,
           (SELECT min(n.period) FROM (SELECT period FROM reading
                                       WHERE binding_id = b.id AND period > :period AND kind <> 'unread' OFFSET 0) n),
           {_BILLED},
           r.id IS NOT NULL AND EXISTS (SELECT FROM audit_entry a
                                        WHERE a.entity = 'reading' AND a.entity_id = r.id AND a.action = 'reviewed'),
           CASE WHEN past.last_kind = 'estimated' THEN
               (SELECT sum(e.volume) FROM reading e
                WHERE e.binding_id = b.id AND e.period < :period AND e.review = 'accepted' AND e.kind = 'estimated'
                  AND e.period > coalesce((SELECT max(a.period) FROM (
                      SELECT period FROM reading
                      WHERE binding_id = b.id AND period < :period AND review = 'accepted' AND kind = 'actual'
                      OFFSET 0) a), ''))
           ELSE 0 END
    FROM unnest(CAST(:ids AS bigint[])) AS w (id)
    JOIN meter_binding b ON b.id = w.id
    JOIN customer c ON c.id = b.customer_id
    JOIN route t ON t.id = c.route_id
    JOIN meter m ON m.id = b.meter_id
    LEFT JOIN LATERAL (
        SELECT (array_agg(p.end_reading ORDER BY p.period DESC))[1] AS last_end,
               (array_agg(p.kind ORDER BY p.period DESC))[1] AS last_kind,
               array_agg(p.volume ORDER BY p.period DESC) AS volumes
        FROM (SELECT p.end_reading, p.volume, p.period, p.kind FROM reading p
              WHERE p.binding_id = b.id AND p.period < :period AND p.review = 'accepted' AND p.kind <> 'unread'
              ORDER BY p.period DESC LIMIT 3) AS p
    ) AS past ON true
    LEFT JOIN reading r ON r.binding_id = b.id AND r.period = :period
"""  # noqa: S608 - only our own words


class Standing(NamedTuple):
    """A binding as its reading of a period is judged. `volumes`: of the last three accepted, newest first.

    `start` is the last accepted reading before the period, else the binding's own; `carried` m³ come on the first one.
    The `reading_…` fields are what is recorded in the period already; `later` is the next period that has a value.
    `estimated`: m³ of the estimates since the last actual reading.
    """

    binding_id: int
    customer_id: int
    route_id: int
    reader_id: int | None
    meter_no: str
    meter_state: str
    modulus: Decimal
    unbound_on: date | None
    start: Decimal
    carried: Decimal
    volumes: list[Decimal]
    reading_id: int | None
    reading_end: Decimal | None
    reading_kind: str | None
    reading_on: date | None
    reading_review: str | None
    reading_note: str | None
    later: str | None
    billed: bool
    reviewed: bool
    estimated: Decimal

    def below_estimate(self, end: Decimal) -> Decimal:
        """m³ that the estimates before were too much, by an actual reading of `end`; 0 where they were not."""
        excess = (self.start - end + self.modulus) % self.modulus  # a dial passes zero
        return excess if excess <= self.estimated else Decimal(0)


def standings(binding_ids: Sequence[int], *, period: str) -> dict[int, Standing]:
    """By binding id; one query however many."""
    rows = db.session.execute(text(_STANDING), {"ids": list(binding_ids), "period": period})
    return {row[0]: Standing(*row) for row in rows}


def last_readings(binding_ids: Sequence[int], *, period: str) -> dict[int, Decimal]:
    """起码 of the period by binding id."""
    return {key: found.start for key, found in standings(binding_ids, period=period).items()}
