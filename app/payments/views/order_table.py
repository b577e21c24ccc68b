"""水费缴费订单管理 as lists: what was paid, and what is still to be paid."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.orm import aliased

from app import clock
from app.areas import queries as areas
from app.areas.models import District, Route
from app.areas.reach import within_reach
from app.billing.models import Bill, OpenItem
from app.customers import queries as customers
from app.customers.models import Customer
from app.metering import queries as metering
from app.payments import queries
from app.payments.models import Payment
from app.payments.rules import KINDS, METHODS
from app.payments.story import number_of
from app.staff.models import StaffUser
from app.web.table_filters import by_id
from app.web.tables import Choice, Column, DateRange, Tab, Table, Total

_RECEIPT = re.compile(r"(\d{4})-(\d{1,9})")
STATES = Choice(
    key="state",
    label="缴费状态",
    options=[("paid", "已缴费"), ("unpaid", "未缴费")],
    where=lambda _: true(),
    default="paid",
)
ALL_METHODS = METHODS | {"opening": "期初", "none": "—"}


def _who(text: str) -> ColumnElement[bool]:
    found = customers.matches(text)
    return or_(found, metering.has_meter(text)) if text.isascii() else found


def _search(text: str) -> ColumnElement[bool]:
    """A receipt number ('2026-000123', or '123' of any year), or whom it is about."""
    number = _RECEIPT.fullmatch(text)
    if number:
        return and_(Payment.receipt_year == int(number[1]), Payment.receipt_no == int(number[2]))
    found = _who(text)
    return or_(found, Payment.receipt_no == int(text)) if text.isdecimal() and len(text) <= 6 else found


def _words(row: Any) -> list[tuple[str, str]]:
    return [KINDS[row.kind], *([("已冲红", "plain")] if row.void else [])]


def paid_table(*, where: ColumnElement[bool] | None = None, name: str = "水费缴费订单", **changes: Any) -> Table:
    """Every movement of money (figure 9.2-1), the youngest first; `where` narrows it, `changes` are of the Table."""
    source: Select[Any] = (
        select(Payment.id)
        .outerjoin(Customer, Customer.id == Payment.customer_id)
        .outerjoin(StaffUser, StaffUser.id == Payment.cashier_id)
    )
    back = aliased(Payment)
    given: dict[str, Any] = {
        "filters": (
            STATES,
            Choice(
                key="method",
                label="全部缴费方式",
                options=list(METHODS.items()),
                where=lambda value: Payment.method == value,
            ),
            *_cashier_choice(),
            DateRange(key="on", label="缴费日期", column=Payment.business_date),
        ),
        "search": _search,
        "search_hint": "收据号、户号、户名、电话、地址、表号",
    } | changes
    return Table(
        name=name,
        unit="笔",
        source=source.where(queries.seen()) if where is None else source.where(queries.seen(), where),
        id=Payment.id,
        default_sort="-at",
        tabs=_tabs(),
        totals=(
            Total("received", "实收合计", Payment.received),
            Total("settled", "其中水费", Payment.settled),
            Total("late_fee", "违约金", Payment.late_fee),
        ),
        columns=_columns(),
        extra={"void": exists().where(back.reverses_id == Payment.id), "receipt_year": Payment.receipt_year,
               "customer_id": Payment.customer_id},
        cells="payments/_order_cells.html",
        empty=("还没有缴费记录", "收费、充值、自动扣费以后，每一笔都在这里，冲红也不会删掉。"),
        **given,
    )  # fmt: skip


def _cashier_choice() -> tuple[Choice, ...]:
    if queries.only_cashier() is not None:
        return ()
    return (by_id("cashier", "全部收费员", queries.cashier_options(), Payment.cashier_id),)


def _tabs() -> tuple[Tab, ...]:
    kinds = ("payment", "top_up", "auto_deduct", "refund", "waiver", "credit", "opening", "reversal")
    hidden = ("refund", "waiver", "credit", "opening")
    one_each = (Tab(kind, KINDS[kind][0], Payment.kind == kind, hide_empty=kind in hidden) for kind in kinds)
    return (Tab("all", "全部"), *one_each)


def _columns() -> tuple[Column, ...]:
    number = (Payment.receipt_year, Payment.receipt_no)
    return (
        Column("receipt_no", "收据号", Payment.receipt_no, kind="custom", sort=number, text=_number, width=16),
        Column("at", "时间", Payment.at, kind="moment", sort=(Payment.id,), unique=True),
        Column("customer_no", "户号", Customer.customer_no, kind="code"),
        Column("holder", "户名", Customer.holder, width=30),
        Column("kind", "类型", Payment.kind, kind="words", words=_words, width=14),
        Column("method", "方式", Payment.method, kind="code", names=ALL_METHODS),
        Column("received", "实收", Payment.received, kind="money", zero="—"),
        Column("settled", "水费", Payment.settled, kind="money", zero="—"),
        Column("late_fee", "违约金", Payment.late_fee, kind="money", zero="—"),
        Column("waived", "减免", Payment.waived, kind="money", shown=False),
        Column("credit", "预存变动", Payment.credit_delta, kind="money", zero="—"),
        Column("cashier", "收费员", StaffUser.name, kind="code"),
        Column("note", "说明", Payment.note, shown=False, width=30),
    )


def _number(row: Any) -> str:
    return number_of(row)


def unpaid_table() -> Table:
    """Bills that are not settled (figure 9.2-3, 未缴费)."""
    today = clock.today()
    late_fee = func.round(queries.accrued(today), 2)
    return Table(
        name="水费缴费订单_未缴费",
        unit="张",
        source=select(Bill.id)
        .join(OpenItem, OpenItem.bill_id == Bill.id)
        .outerjoin(Customer, Customer.id == OpenItem.customer_id)
        .outerjoin(Route, Route.id == Customer.route_id)
        .outerjoin(District, District.id == Route.district_id)
        .where(within_reach(Customer.route_id)),
        id=Bill.id,
        default_sort="-period",
        search=_who,
        search_hint="户号、户名、电话、地址、表号",
        filters=(
            STATES,
            by_id("route", "全部区册", areas.route_options(), Customer.route_id),
            DateRange(key="on", label="出账日期", column=Bill.issued_on),
        ),
        tabs=(
            Tab("all", "全部未缴"),
            Tab("late", "已过缴费期", OpenItem.due_on < today),
            Tab("due", "还没到期", OpenItem.due_on >= today),
        ),
        totals=(Total("amount", "应收合计", Bill.amount), Total("unpaid", "未缴合计", OpenItem.unpaid)),
        columns=(
            Column("period", "账期", OpenItem.period, kind="period", sort=(OpenItem.period,)),
            Column("customer_no", "户号", Customer.customer_no, kind="code"),
            Column("holder", "户名", Customer.holder, width=30),
            Column("place", "区册", areas.route_name(), kind="code"),
            Column("volume", "用水量 m³", Bill.volume, kind="volume"),
            Column("amount", "应收", Bill.amount, kind="money"),
            Column("unpaid", "未缴", OpenItem.unpaid, kind="money", owed=True, sort=(OpenItem.unpaid,)),
            Column("late_fee", "违约金", late_fee, kind="money", zero="—"),
            Column("due_on", "最晚缴费", OpenItem.due_on, kind="day", sort=(OpenItem.due_on,)),
            Column("state", "状态", OpenItem.due_on, kind="words", words=_unpaid_words, width=10),
        ),
        extra={"customer_id": Bill.customer_id},
        cells="payments/_unpaid_cells.html",
        empty=("没有未缴费的账单", "账单都已缴清。"),
    )


def _unpaid_words(row: Any) -> list[tuple[str, str]]:
    return [("欠费", "owed") if row.due_on < clock.today() else ("未缴费", "wait")]
