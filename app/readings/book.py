"""A book as it is entered: one row a meter, in the order that the reader walks."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select, text

from app import periods
from app.areas import reach
from app.areas.models import District, Route
from app.areas.queries import route_name
from app.areas.reach import WITHIN, within_reach
from app.db import db
from app.readings import queries
from app.readings.progress import DUE
from app.readings.queries import Standing
from app.readings.rules import Limits, mean, usual
from app.readings.service import limits
from app.staff.models import StaffUser

_ROWS = f"""
    SELECT b.id, c.id, c.customer_no, c.holder, c.route_seq, r.id, r.end_reading, r.volume, r.kind, r.review,
           r.held_for, r.note
    FROM customer c
    JOIN meter_binding b ON b.customer_id = c.id
    JOIN meter m ON m.id = b.meter_id
    LEFT JOIN reading r ON r.binding_id = b.id AND r.period = :period
    WHERE {{which}} AND {WITHIN.format(column="c.route_id")} AND (r.id IS NOT NULL OR ({DUE}))
    ORDER BY c.route_seq, c.customer_no, b.id
"""  # noqa: S608 - only our own words


class Recorded(NamedTuple):
    """Whose meter it is, and what is recorded of the period already (None: nothing)."""

    binding_id: int
    customer_id: int
    customer_no: str
    holder: str
    seq: int
    reading_id: int | None
    end: Decimal | None
    volume: Decimal | None
    kind: str | None
    review: str | None
    held_for: str | None
    note: str | None


class BookRow(NamedTuple):
    """A line of the book. `limit`: the most m³ that pass without a person looking."""

    recorded: Recorded
    standing: Standing
    limit: Decimal

    @property
    def last_volume(self) -> Decimal | None:
        """m³ of the reading before."""
        return self.standing.volumes[0] if self.standing.volumes else None

    @property
    def closed(self) -> str:
        """Why its 止码 cannot be entered any more; '' where it can."""
        if self.standing.billed:
            return "已出账"
        return f"{periods.label(self.standing.later)}已抄" if self.standing.later else ""

    @property
    def words(self) -> list[tuple[str, str]]:
        """How it stands, in words with their tones; nothing where it is not read yet."""
        return queries.words_of(self.recorded) if self.recorded.reading_id else []

    @property
    def odd(self) -> bool:
        """Whether somebody has to look at it."""
        return self.recorded.review in ("held", "returned")


def rows_of_book(route_id: int, *, period: str, left_only: bool = False) -> list[BookRow]:
    """What is to be read in the book, and what has been read; a handful of queries however long it is."""
    which = "c.route_id = :key" + (" AND (r.id IS NULL OR r.kind = 'unread' OR r.review = 'returned')" * left_only)
    return _rows(which, route_id, period)


def row_of_binding(binding_id: int, *, period: str) -> BookRow | None:
    """The same of one meter; None where it is not to be read."""
    return next(iter(_rows("b.id = :key", binding_id, period)), None)


def _rows(which: str, key: int, period: str) -> list[BookRow]:
    values = {"key": key, "period": period, "last_day": periods.last_day(period)} | reach.values()
    found = [Recorded(*row) for row in db.session.execute(text(_ROWS.format(which=which)), values)]
    standings = queries.standings([one.binding_id for one in found], period=period)
    policy = limits()
    return [BookRow(one, standings[one.binding_id], _limit(standings[one.binding_id], policy)) for one in found]


def _limit(standing: Standing, policy: Limits) -> Decimal:
    return usual(mean(standing.volumes), policy)


class Book(NamedTuple):
    """A book's name, and who reads it."""

    route_id: int
    name: str
    reader: str


def book(route_id: int) -> Book | None:
    """The book of this id."""
    query = (
        select(Route.id, route_name(), StaffUser.name)
        .join(District, District.id == Route.district_id)
        .outerjoin(StaffUser, StaffUser.id == Route.reader_id)
        .where(Route.id == route_id, within_reach(Route.id))
    )
    found = db.session.execute(query).one_or_none()
    return Book(found[0], found[1], found[2] or "") if found else None
