"""水费线下缴费: who owes what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, or_, select

from app import clock
from app.areas import queries as areas
from app.areas.models import District, Route
from app.areas.reach import within_reach
from app.customers import queries as customers
from app.customers.models import Customer
from app.metering import queries as metering
from app.payments import queries
from app.payments.queries import Owing
from app.payments.views.blueprint import blueprint
from app.permissions import Permission, requires
from app.readings import queries as readings
from app.web import tables
from app.web.table_filters import by_id
from app.web.tables import Batch, Choice, Column, Tab, Table, Total

MONTHS = (
    ("1", "只欠 1 个月"),
    ("2", "欠 2 个月以上"),
    ("3", "欠 3 个月以上"),
    ("6", "欠半年以上"),
    ("12", "欠一年以上"),
)
SUMMED = ("oldest", "bills", "unpaid")  # columns that can be put in order only when all are summed


def _search(text: str) -> ColumnElement[bool]:
    found = customers.matches(text)
    return or_(found, metering.has_meter(text)) if text.isascii() else found


def _filters(owing: Owing) -> tuple[Choice, ...]:
    return (
        by_id("route", "全部区册", areas.route_options(), Customer.route_id),
        by_id("reader", "全部抄表员", readings.reader_options(), Route.reader_id),
        Choice(
            key="months",
            label="欠费月数不限",
            options=MONTHS,
            where=lambda value: owing.months == 1 if value == "1" else owing.months >= int(value),
        ),
    )


def owing_table(*, gathered: bool = False) -> Table:
    """The list of figures 9.1-1 and 9.1-2: one row for each account with an open bill.

    A page of it is found along the customers' index, what each owes looked up. With `gathered` what all owe is summed at
    once and joined: to count everybody, to order by it, to export.
    """
    today, source = clock.today(), select(Customer.id).where(within_reach(Customer.route_id))
    late_fee: ColumnElement[Any] = queries.late_fee_of(Customer.id, on=today)
    if gathered:
        sums, fees = queries.owing_customers(), queries.late_fees_by_customer(on=today)
        owing, late_fee = Owing(*(sums.c[name] for name in Owing._fields)), func.coalesce(fees.c.late_fee, 0)
        source = source.join(sums, sums.c.customer_id == Customer.id)
        source = source.outerjoin(fees, fees.c.customer_id == Customer.id)  # costs nothing where nobody asks for it
    else:
        owing = queries.owing_of(Customer.id)
        source = source.where(queries.has_open_bill(Customer.id))
    source = source.outerjoin(Route, Route.id == Customer.route_id)
    source = source.outerjoin(District, District.id == Route.district_id)
    return Table(
        name="水费线下缴费",
        unit="户",
        source=source,
        id=Customer.id,
        default_sort="place",
        search=_search,
        search_hint="户号、户名、电话、地址、表号、拼音首字母",
        filters=_filters(owing),
        tabs=(
            Tab("all", "全部欠费"),
            Tab("late", "已过缴费期", owing.due_on < today),
            Tab("due", "还没到期", owing.due_on >= today),
        ),
        totals=(
            Total("bills", "账单", owing.bills, kind="number"),
            Total("unpaid", "水费合计", owing.unpaid),
            Total("late_fee", "违约金合计", late_fee),
        ),
        columns=_columns(owing),
        extra={"route_seq": Customer.route_seq, "months": owing.months},
        batch=(Batch("打印催缴通知单", "payments.notices_pdf", "printer"),),
        cells="payments/_owing_cells.html",
        empty=("没有人欠费", "账单都已缴清。出账以后，还没缴的用户会列在这里。"),
    )


def _columns(owing: Owing) -> tuple[Column, ...]:
    late_fee = queries.late_fee_of(Customer.id, on=clock.today())
    number = Customer.customer_no
    return (
        Column("customer_no", "户号", number, kind="code", sort=(number,), unique=True),
        Column("holder", "户名", Customer.holder, sort=(Customer.holder_initials,), link=_address, width=30),
        Column(
            "place",
            "区册",
            areas.route_name(),
            kind="custom",
            sort=(Customer.route_id, Customer.route_seq),
            text=lambda row: f"{row.place} · {row.route_seq}",
        ),
        Column("phone", "电话", Customer.phone, kind="phone"),
        Column("oldest", "最早欠费", owing.oldest, kind="period", sort=(owing.oldest,)),
        Column("bills", "账单数", owing.bills, kind="number", sort=(owing.bills,)),
        Column("unpaid", "水费", owing.unpaid, kind="money", sort=(owing.unpaid,)),
        Column("late_fee", "违约金", late_fee, kind="money", zero="—"),
        Column("due", "共欠", owing.unpaid + late_fee, kind="money", owed=True),
        Column("credit", "预存余额", Customer.credit_balance, kind="money", shown=False),
        Column("address", "地址", Customer.address, shown=False, width=30),
    )


def _address(row: Any) -> str:
    return url_for("payments.pay", customer_id=row.id)


@blueprint.get("/owing")
@requires(Permission.CHARGE)
def owing() -> ResponseReturnValue:
    """水费线下缴费 (figures 9.1-1, 9.1-2)."""
    gathered = owing_table(gathered=True)
    if "export" in request.args or request.args.get("sort", "").removeprefix("-") in SUMMED:
        return tables.respond(gathered, "payments/owing.html")
    # What a search finds is few, and looked up one by one.
    table = replace(owing_table(), known=lambda state: None if state.q else tables.sums(gathered, state))
    return tables.respond(table, "payments/owing.html")
