"""用户档案 as a list."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, and_, or_, select

from app.areas import queries as areas
from app.areas.models import District, Route
from app.billing import queries as billing
from app.customers import queries
from app.customers.models import Customer
from app.metering import queries as metering
from app.payments import queries as payments
from app.tariffs import queries as tariffs
from app.web.tables import Choice, Column, Tab, Table, Total


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
        Choice(
            key="route",
            label="全部区册",
            options=areas.route_options(),
            where=lambda value: Customer.route_id == int(value),
        ),
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


def customer_table() -> Table:
    """The list of figure 7.1-1."""
    arrears = payments.arrears_by_customer()
    stopped = metering.stopped_customers()
    active, stands, owes = Customer.state == "active", stopped.c.customer_id.is_not(None), arrears.c.unpaid > 0
    return Table(
        name="用户档案",
        unit="户",
        source=select(Customer.id)
        .outerjoin(Route, Route.id == Customer.route_id)
        .outerjoin(District, District.id == Route.district_id)
        .outerjoin(arrears, arrears.c.customer_id == Customer.id)
        .outerjoin(stopped, stopped.c.customer_id == Customer.id),
        id=Customer.id,
        default_sort="customer_no",
        search=_search,
        search_hint="户号、户名、电话、地址、表号、拼音首字母",
        filters=_choices(),
        tabs=(
            Tab("all", "全部"),
            Tab("normal", "正常", and_(active, ~stands, arrears.c.unpaid.is_(None))),
            Tab("stopped", "停表", and_(active, stands)),
            Tab("owed", "欠费", owes),
            Tab("unmetered", "不抄表", and_(active, ~Customer.charged_by_meter)),
            Tab("closed", "销户", ~active, hide_empty=True),
        ),
        totals=(
            Total("credit", "余额合计", Customer.credit_balance),
            Total("arrears", "欠费合计", arrears.c.unpaid),
        ),
        columns=(
            Column(
                key="customer_no",
                label="户号",
                value=Customer.customer_no,
                kind="code",
                sort=(Customer.customer_no,),
                unique=True,
                link=lambda row: url_for("customers.detail", customer_id=row.id),
            ),
            Column(
                key="holder",
                label="户名",
                value=Customer.holder,
                sort=(Customer.holder_initials,),
                width=30,
            ),
            Column(
                key="place",
                label="区册",
                value=areas.route_name(),
                kind="custom",
                sort=(Customer.route_id, Customer.route_seq),
                text=lambda row: f"{row.place} · {row.route_seq}",
            ),
            Column(key="category", label="水表性质", value=metering.use_category()),
            Column(key="meter_no", label="表号", value=metering.meter_numbers(), kind="code"),
            Column(
                key="credit",
                label="余额",
                value=Customer.credit_balance,
                kind="money",
                sort=(Customer.credit_balance,),
            ),
            Column(
                key="arrears",
                label="欠费",
                value=billing.unpaid_of(Customer.id),
                kind="money",
                sort=(arrears.c.unpaid,),
                zero="—",
            ),
            Column(
                key="state",
                label="状态",
                value=Customer.state,
                kind="words",
                words=states_of,
            ),
            Column(key="phone", label="电话", value=Customer.phone, kind="code", shown=False),
            Column(key="address", label="地址", value=Customer.address, shown=False, width=30),
        ),
        extra={"route_seq": Customer.route_seq, "stopped": metering.is_stopped()},
        cells="customers/_cells.html",
        empty=("还没有用户", "用「导入」把用户登记册整本装进来，或点「新增」一户一户地录。"),
    )
