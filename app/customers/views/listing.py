"""用户档案 as a list."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, FromClause, Select, and_, func, or_, select, true

from app.areas import queries as areas
from app.areas.models import District, Route
from app.areas.reach import empty, within_reach
from app.billing import queries as billing
from app.customers import queries
from app.customers.models import Customer
from app.metering import queries as metering
from app.payments import queries as payments
from app.permissions import Permission, can
from app.tariffs import queries as tariffs
from app.web.table_filters import by_id
from app.web.tables import Batch, Choice, Column, Tab, Table, Total

BATCH = (
    Batch("批量换区册", "customers.batch_route", "map-pins"),
    Batch("批量设自动扣费", "customers.batch_auto_deduct", "wallet"),
)


def states_of(row: Any) -> list[tuple[str, str]]:
    """The words that say how a customer stands, each with its tone."""
    if row.state == "closed":
        return [("销户", "plain")]
    words = [("停表", "wait")] if row.stopped else []
    words += [("欠费", "owed")] if row.arrears else []
    return words or [("正常", "paid")]


def _search(text: str) -> ColumnElement[bool]:
    return or_(queries.matches(text), metering.has_meter(text)) if text.isascii() else queries.matches(text)


def _choices() -> tuple[Choice, ...]:
    categories = [(str(key), name) for key, name in tariffs.categories().items()]
    return (
        by_id("route", "全部区册", areas.route_options(), Customer.route_id),
        Choice(
            key="category",
            label="全部水表性质",
            options=categories,
            where=lambda value: metering.has_category(int(value)),
        ),
        Choice(
            key="auto",
            label="自动扣费不限",
            options=[("yes", "自动扣费"), ("no", "不自动扣费")],
            where=lambda value: Customer.auto_deduct.is_(value == "yes"),
            more=True,
        ),
    )


def _joined(searching: bool) -> tuple[FromClause, FromClause, Select[Any]]:
    """Who owes, who is stopped, and everything joined.

    For all customers both are best gathered once; for the few that a search finds, looked up one by one.
    """
    arrears: FromClause
    stopped: FromClause
    if searching:
        arrears, stopped = billing.arrears_of_each(Customer.id), metering.stopped_of_each()
        source = select(Customer.id).outerjoin(arrears, true()).outerjoin(stopped, true())
    else:
        arrears, stopped = payments.arrears_by_customer(), metering.stopped_customers()
        source = (
            select(Customer.id)
            .outerjoin(arrears, arrears.c.customer_id == Customer.id)
            .outerjoin(stopped, stopped.c.customer_id == Customer.id)
        )
    source = source.outerjoin(Route, Route.id == Customer.route_id)
    source = source.outerjoin(District, District.id == Route.district_id).where(within_reach(Customer.route_id))
    return arrears, stopped, source


def customer_table(*, searching: bool = False) -> Table:
    """The list of figure 7.1-1."""
    arrears, stopped, source = _joined(searching)
    return Table(
        name="用户档案",
        unit="户",
        source=source,
        id=Customer.id,
        default_sort="customer_no",
        search=_search,
        search_hint="户号、户名、电话、地址、表号、拼音首字母",
        filters=_choices(),
        tabs=_tabs(arrears, stopped),
        totals=(Total("credit", "余额合计", Customer.credit_balance), Total("arrears", "欠费合计", arrears.c.unpaid)),
        columns=_columns(arrears),
        extra={"route_seq": Customer.route_seq, "stopped": metering.is_stopped()},
        cells="customers/_cells.html",
        batch=BATCH if can(Permission.EDIT_CUSTOMERS) else (),
        empty=empty(("还没有用户", "用「导入」把用户登记册整本装进来，或点「新增」一户一户地录。")),
    )


def _tabs(arrears: FromClause, stopped: FromClause) -> tuple[Tab, ...]:
    active, stands, owes = Customer.state == "active", stopped.c.customer_id.is_not(None), arrears.c.unpaid > 0
    is_stopped, is_owing = metering.is_stopped(), billing.is_owing(Customer.id)
    return (
        Tab("all", "全部"),
        Tab(
            "normal",
            "正常",
            and_(active, ~is_stopped, ~is_owing),
            counted=and_(active, ~stands, arrears.c.unpaid.is_(None)),
        ),
        Tab("stopped", "停表", and_(active, is_stopped), counted=and_(active, stands)),
        Tab("owed", "欠费", is_owing, counted=owes),
        Tab("unmetered", "不抄表", and_(active, ~Customer.charged_by_meter)),
        Tab("closed", "销户", ~active, hide_empty=True),
    )


def _columns(arrears: FromClause) -> tuple[Column, ...]:
    number, credit = Customer.customer_no, Customer.credit_balance
    owed = billing.unpaid_of(Customer.id)
    return (
        Column("customer_no", "户号", number, kind="code", sort=(number,), unique=True, link=_address),
        Column("holder", "户名", Customer.holder, sort=(Customer.holder_initials,), width=30),
        Column(
            "place",
            "区册",
            areas.route_name(),
            kind="custom",
            sort=(Customer.route_id, Customer.route_seq),
            text=lambda row: f"{row.place} · {row.route_seq}",
        ),
        Column("category", "水表性质", metering.use_category(), kind="code"),
        Column("meter_no", "表号", metering.meter_numbers(), kind="code"),
        Column("credit", "余额", credit, kind="money", sort=(credit,)),
        Column("arrears", "欠费", owed, kind="money", sort=(func.coalesce(arrears.c.unpaid, 0),), zero="—"),
        Column("state", "状态", Customer.state, kind="words", words=states_of),
        Column("phone", "电话", Customer.phone, kind="phone", shown=False),
        Column("address", "地址", Customer.address, shown=False, width=30),
    )


def _address(row: Any) -> str:
    return url_for("customers.detail", customer_id=row.id)
