"""One customer's page: what stands on top, and the table behind each tab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, select
from sqlalchemy.orm import aliased

from app import clock
from app.areas import queries as areas
from app.areas.models import District, Route
from app.areas.reach import within_reach
from app.billing import queries as billing
from app.billing.models import Bill, OpenItem
from app.customers.models import Customer
from app.customers.views.changes import change_table
from app.customers.views.changes import context as change_words
from app.customers.views.money import months_of
from app.db import db
from app.metering import queries as metering
from app.metering.models import Meter, MeterBinding
from app.payments.models import Payment
from app.payments.rules import KINDS, METHODS
from app.permissions import Permission
from app.readings.models import Reading
from app.readings.queries import words_of
from app.staff.models import StaffUser
from app.tariffs.models import Quota
from app.web.tables import Column, Table


@dataclass(frozen=True, slots=True)
class DetailTab:
    """A tab: its name in the URL, its words, who may open it, its table (None: plain facts), and what shows it."""

    key: str
    label: str
    permission: Permission
    table: Callable[[int], Table] | None
    template: str = "_table.html"
    context: Callable[[int], dict[str, Any]] = lambda _customer_id: {}


def header(customer_id: int) -> Row[Any] | None:
    """The customer with what is said about it everywhere; None where there is no such one."""
    query = (
        select(
            Customer,
            areas.route_name().label("place"),
            metering.use_category().label("category"),
            metering.meter_numbers().label("meter_no"),
            metering.is_stopped().label("stopped"),
            billing.unpaid_of(Customer.id).label("arrears"),
            Customer.state,
            Quota.name.label("quota"),
        )
        .outerjoin(Route, Route.id == Customer.route_id)
        .outerjoin(District, District.id == Route.district_id)
        .outerjoin(Quota, Quota.id == Customer.quota_id)
        .where(Customer.id == customer_id, within_reach(Customer.route_id))
    )
    return db.session.execute(query).one_or_none()


def _tab_table(customer_id_is: ColumnElement[bool], source: Any, key: Any, **said: Any) -> Table:
    """A tab's list of what is the customer's: without export, the tab kept in the URL."""
    return Table(source=source.where(customer_id_is), id=key, keep=("tab",), exports=False, **said)


def _dial(of: type[Bill] | type[Reading], *between: Column) -> tuple[Column, ...]:
    """账期, 起码, 止码, 用水量: what a reading and its bill both say."""
    return (
        Column("period", "账期", of.period, kind="period", sort=(of.period,)),
        *between,
        Column("start", "起码", of.start_reading, kind="volume"),
        Column("end", "止码", of.end_reading, kind="volume"),
        Column("volume", "用水量 m³", of.volume, kind="volume"),
    )


def reading_table(customer_id: int) -> Table:
    """抄表记录 of one customer, the youngest first."""
    return _tab_table(
        # Through the bindings, which are indexed by customer: readings themselves are not.
        MeterBinding.customer_id == customer_id,
        select(Reading.id)
        .join(MeterBinding, MeterBinding.id == Reading.binding_id)
        .join(Meter, Meter.id == MeterBinding.meter_id),
        Reading.id,
        name="抄表记录",
        default_sort="-period",
        columns=(
            *_dial(Reading, Column("meter_no", "表号", Meter.meter_no, kind="code")),
            Column("read_on", "抄表日期", Reading.read_on, kind="day"),
            Column("kind", "状态", Reading.kind, kind="words", words=words_of),
            Column("note", "备注", Reading.note),
        ),
        extra={"review": Reading.review, "held_for": Reading.held_for},
        empty=("还没有抄表记录", "第一次抄表以后，每个账期在这里有一行。"),
    )


def _bill_words(row: Any) -> list[tuple[str, str]]:
    if row.kind == "reversal":
        return [("冲红", "plain")]
    words = [("退补", "water")] if row.kind == "adjustment" else []
    if row.reversed:
        return [*words, ("已冲红", "plain")]
    if not row.unpaid:
        return [*words, ("已缴费", "paid")]
    return [*words, ("欠费", "owed") if row.due_on < clock.today() else ("未缴费", "wait")]


def bill_table(customer_id: int) -> Table:
    """账单 of one customer, the youngest first."""
    other = aliased(Bill)
    return _tab_table(
        Bill.customer_id == customer_id,
        select(Bill.id).outerjoin(OpenItem, OpenItem.bill_id == Bill.id),
        Bill.id,
        name="账单",
        unit="张",
        default_sort="-period",
        columns=(
            *_dial(Bill),
            Column("amount", "应收", Bill.amount, kind="money"),
            Column("unpaid", "未缴", func.coalesce(OpenItem.unpaid, 0), kind="money", zero="—", owed=True),
            Column("issued_on", "出账日期", Bill.issued_on, kind="day"),
            Column("due_on", "最晚缴费", Bill.due_on, kind="day"),
            Column("kind", "状态", Bill.kind, kind="words", words=_bill_words),
        ),
        extra={"reversed": exists().where(other.reverses_id == Bill.id)},
        empty=("还没有账单", "出账以后，每个账期在这里有一张。"),
    )


def payment_table(customer_id: int) -> Table:
    """缴费记录 of one customer, the youngest first."""
    return _tab_table(
        Payment.customer_id == customer_id,
        select(Payment.id).outerjoin(StaffUser, StaffUser.id == Payment.cashier_id),
        Payment.id,
        name="缴费记录",
        unit="笔",
        default_sort="-at",
        columns=(
            Column("at", "时间", Payment.at, kind="moment", sort=(Payment.at,)),
            Column("kind", "类型", Payment.kind, kind="state", states=KINDS),
            Column("method", "方式", Payment.method, names=METHODS | {"opening": "—", "none": "—"}),
            Column("received", "实收", Payment.received, kind="money", zero="—"),
            Column("settled", "销账", Payment.settled, kind="money", zero="—"),
            Column("late_fee", "违约金", Payment.late_fee, kind="money", zero="—"),
            Column("credit", "预存变动", Payment.credit_delta, kind="money", zero="—"),
            Column("cashier", "收费员", StaffUser.name),
        ),
        empty=("还没有缴费记录", "缴费、充值、自动扣费都会记在这里。"),
    )


def _months(customer_id: int) -> dict[str, Any]:
    return {"months": months_of(customer_id)}


def _words(_customer_id: int) -> dict[str, Any]:
    return change_words()


def _meters(customer_id: int) -> dict[str, Any]:
    return {"meters": metering.meters_of(customer_id)}


P = Permission
TABS = (
    DetailTab("profile", "资料", P.VIEW_CUSTOMERS, None, "customers/_profile.html"),
    DetailTab("meters", "水表信息", P.VIEW_METERS, None, "metering/_of_customer.html", _meters),
    DetailTab("readings", "抄表记录", P.VIEW_READINGS, reading_table),
    DetailTab("bills", "账单", P.VIEW_BILLS, bill_table),
    DetailTab("payments", "缴费记录", P.VIEW_BILLS, payment_table, "customers/_payments.html", _months),
    DetailTab("changes", "变更记录", P.VIEW_CUSTOMERS, change_table, context=_words),
)
