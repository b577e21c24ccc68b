"""抄表记录: the list of a period."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, and_, func, or_, select

from app import clock, periods
from app.areas import queries as areas
from app.areas.models import District, Route
from app.areas.reach import empty, within_reach
from app.customers import queries as customers
from app.customers.models import Customer
from app.metering import queries as metering
from app.metering.models import Meter, MeterBinding
from app.permissions import Permission, requires
from app.readings import queries
from app.readings.models import Reading
from app.readings.views.base import blueprint, period_choices
from app.staff.models import StaffUser
from app.web import tables
from app.web.table_filters import by_id
from app.web.tables import Choice, Column, DateRange, Tab, Table, Total


def _search(text: str) -> ColumnElement[bool]:
    """Found apart and then looked up, so that a period's readings need not be joined to be searched."""
    found = Reading.customer_id.in_(select(Customer.id).where(customers.matches(text)))
    return or_(found, Reading.binding_id.in_(metering.bindings_with_meter(text))) if text.isascii() else found


def _choices() -> tuple[Choice | DateRange, ...]:
    latest = queries.latest_period() or periods.of(clock.today())
    return (
        Choice(
            key="period",
            label="账期",
            options=period_choices(latest),
            where=lambda value: Reading.period == value,
            default=latest,
        ),
        by_id("route", "全部区册", areas.route_options(), Reading.route_id),
        by_id("reader", "全部抄表员", queries.reader_options(), Reading.reader_id),
        DateRange(key="read_on", label="抄表日期", column=Reading.read_on),
    )


def reading_table(*, of_one_book: bool = False) -> Table:
    """The list of figures 8.3-1 to 8.3-3.

    Its own order is the index's: by book, and there by binding, which is how the register was written. A single book
    is short enough to be sorted as it is walked.
    """
    return Table(
        name="抄表记录",
        source=select(Reading.id)
        .outerjoin(Customer, Customer.id == Reading.customer_id)
        .outerjoin(MeterBinding, MeterBinding.id == Reading.binding_id)
        .outerjoin(Meter, Meter.id == MeterBinding.meter_id)
        .outerjoin(Route, Route.id == Reading.route_id)
        .outerjoin(District, District.id == Route.district_id)
        .outerjoin(StaffUser, StaffUser.id == Reading.reader_id)
        .where(within_reach(Customer.route_id)),
        id=Reading.id,
        default_sort="place",
        search=_search,
        search_hint="户号、户名、电话、地址、表号、拼音首字母",
        filters=_choices(),
        tabs=_tabs(),
        totals=(Total("volume", "用水量合计", Reading.volume, "volume"),),
        columns=_columns((Customer.route_seq,) if of_one_book else (Reading.route_id, Reading.binding_id)),
        extra={
            "customer_id": Reading.customer_id,
            "binding_id": Reading.binding_id,
            "period": Reading.period,
            "route_seq": Customer.route_seq,
            "review": Reading.review,
            "held_for": Reading.held_for,
        },
        cells="readings/_cells.html",
        empty=empty(("还没有抄表记录", "抄表员抄了第一户，这里就有了；也可以把抄表数据整本导入。")),
    )


def _tabs() -> tuple[Tab, ...]:
    accepted = Reading.review == "accepted"
    return (
        Tab("all", "全部"),
        Tab("normal", "正常", and_(accepted, Reading.kind == "actual")),
        Tab("held", "待复核", Reading.review == "held"),
        Tab("returned", "退回重抄", Reading.review == "returned", hide_empty=True),
        Tab("estimated", "估抄", and_(accepted, Reading.kind == "estimated")),
        Tab("unread", "未抄", Reading.kind == "unread"),
    )


def _columns(place: tuple[Any, ...]) -> tuple[Column, ...]:
    number, volume, day = Customer.customer_no, Reading.volume, Reading.read_on
    return (
        Column("customer_no", "户号", number, kind="code", sort=(number,)),
        Column("holder", "户名", Customer.holder, sort=(Customer.holder_initials,), width=30),
        Column(
            "place",
            "册 · 序",
            areas.route_name(),
            kind="custom",
            sort=place,
            text=lambda row: f"{row.place} · {row.route_seq}",
        ),
        Column("meter_no", "表号", Meter.meter_no, kind="code", sort=(Meter.meter_no,)),
        Column("start", "起码", Reading.start_reading, kind="volume"),
        Column("end", "止码", Reading.end_reading, kind="volume"),
        Column("volume", "用水量 m³", volume, kind="volume", sort=(func.coalesce(volume, 0),)),
        Column("read_on", "抄表日期", day, kind="day", sort=(day,)),
        Column("kind", "状态", Reading.kind, kind="words", words=queries.words_of),
        Column("reader", "抄表员", StaffUser.name),
    )


@blueprint.get("/readings")
@requires(Permission.VIEW_READINGS)
def index() -> ResponseReturnValue:
    """抄表记录 (figures 8.3-1 to 8.3-3)."""
    return tables.respond(reading_table(of_one_book=bool(request.args.get("route"))), "readings/index.html")
