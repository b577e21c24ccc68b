"""水表列表管理 and 水表性质变更 as lists."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, Subquery, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.areas.reach import empty, within_reach
from app.customers import queries as customers
from app.customers.models import Customer
from app.metering import queries
from app.metering.models import Meter, MeterBinding, UseCategoryChange
from app.metering.rules import state_word
from app.readings.models import Reading
from app.tariffs import queries as tariffs
from app.tariffs.models import UseCategory
from app.web.tables import Choice, Column, Tab, Table

SEARCHED = "表号、户号、户名"


def _search(text: str) -> ColumnElement[bool]:
    """By 表号, or by whoever has the meter: found apart, so that meters need not be joined to be searched."""
    bound = select(MeterBinding.meter_id).join(Customer, Customer.id == MeterBinding.customer_id)
    theirs = bound.where(MeterBinding.unbound_on.is_(None), customers.matches(text))
    return or_(Meter.meter_no.contains(text.upper(), autoescape=True), Meter.id.in_(theirs.correlate(None)))


def _last_reading(off: Subquery) -> ColumnElement[Any]:
    """What Meter showed last: read since its binding, else as that began, else as it was taken off, else its 底数."""
    read = (
        select(Reading.end_reading)
        .where(Reading.binding_id == MeterBinding.id, Reading.review == "accepted", Reading.kind != "unread")
        .order_by(Reading.period.desc())
        .limit(1)
        .correlate(MeterBinding)
        .scalar_subquery()
    )
    return func.coalesce(read, MeterBinding.start_reading, off.c.end_reading, Meter.initial_reading)


def words_of(row: Any) -> list[tuple[str, str]]:
    """How a meter of the list stands."""
    return [state_word(row.state, bound=row.customer_id is not None)]


def _category_choice() -> Choice:
    return Choice(
        key="category",
        label="全部水表性质",
        options=[(str(key), name) for key, name in tariffs.categories().items()],
        where=lambda value: MeterBinding.use_category_id == int(value),
    )


def _holder_address(row: Any) -> str:
    return url_for("customers.detail", customer_id=row.customer_id, tab="meters")


def meter_table() -> Table:
    """The list of figure 6.1-1."""
    open_ = and_(MeterBinding.meter_id == Meter.id, MeterBinding.unbound_on.is_(None))
    used, nobody, off = Meter.state == "in_use", MeterBinding.id.is_(None), queries.taken_off()
    return Table(
        name="水表",
        unit="块",
        source=select(Meter.id)
        .outerjoin(MeterBinding, open_)
        .outerjoin(off, off.c.meter_id == Meter.id)
        .outerjoin(Customer, Customer.id == MeterBinding.customer_id)
        .where(within_reach(Customer.route_id)),
        id=Meter.id,
        default_sort="meter_no",
        search=_search,
        search_hint=SEARCHED,
        filters=(_category_choice(),),
        tabs=(
            Tab("all", "全部"),
            Tab("in_use", "使用中", and_(used, ~nobody)),
            Tab("stopped", "停表", Meter.state == "stopped"),
            Tab("retired", "停用", Meter.state == "retired"),
            Tab("free", "未绑定", and_(used, nobody)),
        ),
        columns=_meter_columns(off),
        extra={"customer_id": MeterBinding.customer_id, "customer_no": Customer.customer_no},
        cells="metering/_cells.html",
        empty=empty(("还没有水表", "点「新增」一块一块地录，或用「导入」把库存水表整本装进来。")),
    )


def _meter_columns(off: Subquery) -> tuple[Column, ...]:
    number, master = Meter.meter_no, aliased(Meter)
    master_no = select(master.meter_no).where(master.id == Meter.master_meter_id).correlate(Meter).scalar_subquery()
    return (
        Column("meter_no", "表号", number, kind="code", sort=(number,), unique=True,
               link=lambda row: url_for("metering.detail", meter_id=row.id)),
        Column("bore", "口径", Meter.bore, kind="code", sort=(func.length(Meter.bore), Meter.bore)),
        Column("meter_type", "类型", Meter.meter_type, sort=(Meter.meter_type,)),
        Column("maker", "厂家", Meter.maker, sort=(Meter.maker,)),
        Column("holder", "用户", Customer.holder, kind="custom", sort=(Customer.holder_initials,), width=30,
               text=lambda row: row.holder or ""),
        Column("customer_no", "户号", Customer.customer_no, shown=False),
        Column("category", "水表性质", queries.category_today(), sort=(MeterBinding.use_category_id,)),
        Column("state", "状态", Meter.state, kind="words", words=words_of),
        Column("last", "上次读数", _last_reading(off), kind="volume"),
        Column("installed_on", "安装日期", Meter.installed_on, kind="day", shown=False),
        Column("initial", "底数", Meter.initial_reading, kind="volume", shown=False),
        Column("dial", "量程", Meter.dial_modulus - 1, kind="volume", shown=False),
        Column("master", "总表", master_no, kind="code", shown=False),
        Column("note", "备注", Meter.note, shown=False, width=30),
    )  # fmt: skip


def change_table() -> Table:
    """The list of figure 7.2-1: every meter that somebody has, with its 水表性质."""
    number, change = Customer.customer_no, UseCategoryChange
    last = (
        select(func.max(change.effective_from))
        .where(change.binding_id == MeterBinding.id)
        .correlate(MeterBinding)
        .scalar_subquery()
    )
    return Table(
        name="水表性质变更",
        unit="块",
        source=select(MeterBinding.id)
        .join(Meter, Meter.id == MeterBinding.meter_id)
        .join(Customer, Customer.id == MeterBinding.customer_id)
        .join(UseCategory, UseCategory.id == MeterBinding.use_category_id)
        .where(MeterBinding.unbound_on.is_(None), within_reach(Customer.route_id)),
        id=MeterBinding.id,
        default_sort="meter_no",
        search=_search,
        search_hint=SEARCHED,
        filters=(_category_choice(),),
        tabs=(Tab("all", "全部"), Tab("changed", "变更过", exists().where(change.binding_id == MeterBinding.id))),
        columns=(
            Column("meter_no", "表号", Meter.meter_no, kind="code", sort=(Meter.meter_no,), unique=True,
                   link=lambda row: url_for("metering.detail", meter_id=row.meter_id)),
            Column("customer_no", "户号", number, kind="code", sort=(number,)),
            Column("holder", "户名", Customer.holder, sort=(Customer.holder_initials,), link=_holder_address, width=30),
            Column("address", "地址", Customer.address),
            Column("category", "水表性质", queries.category_today(), sort=(MeterBinding.use_category_id,)),
            Column("changed", "最近变更", last, kind="day"),
        ),
        extra={"customer_id": MeterBinding.customer_id, "meter_id": MeterBinding.meter_id},
        cells="metering/_change_cells.html",
        empty=empty(
            ("还没有绑定的水表", "到「用户档案」打开一户，在「水表信息」里绑定水表；绑定以后在这里变更性质。")
        ),
    )  # fmt: skip
