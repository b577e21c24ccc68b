"""抄表统计 (figures 10.2-1 to 10.2-4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import Boolean, ColumnElement, and_, case, func, literal_column, or_, select, text, true
from sqlalchemy.orm import aliased

from app import clock, periods
from app.areas import queries as areas
from app.areas.models import District, Route
from app.areas.reach import only_reader, within_reach
from app.customers import queries as customers
from app.customers.models import Customer
from app.metering.models import Meter, MeterBinding
from app.permissions import Permission, requires
from app.readings import queries as readings
from app.readings.models import Reading
from app.readings.progress import DUE, READ
from app.reports.reading_statistics import ReaderSums, reader_rows
from app.reports.views.base import blueprint
from app.staff.models import StaffUser
from app.web import remembered, tables
from app.web.table_state import State, clean
from app.web.tables import Choice, Column, Table, Total

MONTHS = 24  # offered to choose from

# Named as the conditions of app.readings.progress name them.
b, m, c, r = (
    aliased(MeterBinding, name="b"),
    aliased(Meter, name="m"),
    aliased(Customer, name="c"),
    aliased(Reading, name="r"),
)
own_book = func.coalesce(r.route_id, c.route_id)  # the one it was read in, or is to be
IS_READ: ColumnElement[bool] = func.coalesce(literal_column(READ, Boolean), False)
STATES = {"read": "已抄表", "left": "未抄表"}


def _words(row: Any) -> list[tuple[str, str]]:
    words = [("已抄表", "paid") if row.is_read else ("未抄表", "wait")]
    if row.review in ("held", "returned"):
        words.append(("待复核", "owed") if row.review == "held" else ("退回重抄", "owed"))
    return words + ([("估抄", "water")] if row.is_read and row.kind == "estimated" else [])


def _search(words: str) -> ColumnElement[bool]:
    """By 抄表员, 表号, 户号, 户名 …"""
    who = select(Customer.id).where(customers.matches(words))
    parts = [StaffUser.name.contains(words, autoescape=True), c.id.in_(who)]
    return or_(*parts, m.meter_no.contains(words.upper(), autoescape=True))


def _choices(period: str) -> tuple[Choice, ...]:
    months = periods.months_ending(max(period, periods.of(clock.today())), MONTHS)[::-1]
    return (
        Choice(
            key="period",
            label="账期",
            options=[(month, periods.label(month)) for month in months],
            where=lambda _value: true(),  # the source has it
            default=period,
        ),
        Choice(
            key="state",
            label="已抄表和未抄表",
            options=list(STATES.items()),
            where=lambda value: IS_READ if value == "read" else ~IS_READ,
        ),
        Choice(
            key="route", label="全部区册", options=areas.route_options(), where=lambda value: own_book == int(value)
        ),
    )


def statistics_table(period: str) -> Table:
    """Every meter that is to be read in the period, or was."""
    due = text(DUE).bindparams(last_day=periods.last_day(period))
    return Table(
        name="抄表统计",
        unit="块",
        source=select(b.id)
        .join(m, m.id == b.meter_id)
        .join(c, c.id == b.customer_id)
        .outerjoin(r, and_(r.binding_id == b.id, r.period == period))
        .outerjoin(Route, Route.id == own_book)
        .outerjoin(District, District.id == Route.district_id)
        .outerjoin(StaffUser, StaffUser.id == func.coalesce(r.reader_id, Route.reader_id))
        .where(or_(r.id.is_not(None), due), within_reach(c.route_id)),
        id=b.id,
        default_sort="place",
        search=_search,
        search_hint="抄表员、表号、户号、户名、电话、地址",
        filters=_choices(period),
        totals=(Total("volume", "用水量合计", case((IS_READ, r.volume), else_=0), "volume"),),
        columns=_columns(),
        extra={"route_seq": c.route_seq, "is_read": IS_READ, "review": r.review},
        empty=("还没有要抄的水表", "给用户绑定水表以后，这里一块表一行。"),
    )


def _columns() -> tuple[Column, ...]:
    return (
        Column("meter_no", "表号", m.meter_no, kind="code", sort=(m.meter_no,)),
        Column("customer_no", "户号", c.customer_no, kind="code", sort=(c.customer_no,)),
        Column("holder", "户名", c.holder, sort=(c.holder_initials,), width=30),
        Column("place", "区册", areas.route_name(), sort=(c.route_id, c.route_seq)),
        Column("reader", "抄表员", StaffUser.name),
        Column("start", "起码", r.start_reading, kind="volume"),
        Column("end", "止码", r.end_reading, kind="volume"),
        Column("volume", "用水量 m³", r.volume, kind="volume", sort=(func.coalesce(r.volume, 0),)),
        Column("read_on", "抄表日期", r.read_on, kind="day"),
        Column("kind", "状态", r.kind, kind="words", words=_words),
    )


def _known(state: State, of_all: ReaderSums) -> dict[str, Any] | None:
    """What the list's own scan would find while nothing narrows it: the readers' sums are of the same meters."""
    if only_reader() is not None:  # sums go by the book it was read in, the list by the book it is in now
        return None
    if state.q or state.values.get("state") or state.values.get("route"):
        return None
    return {"count_": of_all.due, "total_volume": of_all.volume}


def _period() -> str:
    try:
        return periods.parse(request.args.get("period", ""))
    except ValueError:
        return readings.latest_period() or periods.of(clock.today())


@blueprint.get("/reports/readings", endpoint="readings")
@requires(Permission.VIEW_REPORTS)
def reading_statistics() -> ResponseReturnValue:
    """抄表统计: by reader above, by meter below; both of the period."""
    period, words = _period(), clean(request.args.get("q", ""))
    everybody = [ReaderSums(*row) for row in remembered.rows(("readers", period), lambda: reader_rows(period))]
    of_all = ReaderSums.total(everybody)
    named = [one for one in everybody if words and words in one.name]
    return tables.respond(
        replace(statistics_table(period), known=lambda state: _known(state, of_all)),
        "reports/readings.html",
        part_template="reports/_readings_part.html",
        period=period,
        readers=named or everybody,
        total=ReaderSums.total(named) if named else of_all,
    )
