"""水费线下缴费: who owes what."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, FromClause, func, or_, select

from app import clock
from app.areas import queries as areas
from app.areas.models import District, Route
from app.areas.reach import within_reach
from app.customers import queries as customers
from app.customers.models import Customer
from app.metering import queries as metering
from app.payments import queries
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


def _search(text: str) -> ColumnElement[bool]:
    found = customers.matches(text)
    return or_(found, metering.has_meter(text)) if text.isascii() else found


def _filters(owing: FromClause) -> tuple[Choice, ...]:
    return (
        by_id("route", "全部区册", areas.route_options(), Customer.route_id),
        by_id("reader", "全部抄表员", readings.reader_options(), Route.reader_id),
        Choice(
            key="months",
            label="欠费月数不限",
            options=MONTHS,
            where=lambda value: owing.c.months == 1 if value == "1" else owing.c.months >= int(value),
        ),
    )


def owing_table() -> Table:
    """The list of figures 9.1-1 and 9.1-2: one row for each account with an open bill."""
    today = clock.today()
    # What a search finds is few, and looked up one by one; everybody is gathered at once.
    each = Customer.id if request.args.get("q") else None
    owing, fees = queries.owing_customers(each=each), queries.late_fees_by_customer(on=today, each=each)
    source = (
        select(Customer.id)
        .join(owing, owing.c.customer_id == Customer.id)
        .outerjoin(fees, fees.c.customer_id == Customer.id)  # for the total alone: elsewhere it costs nothing
        .outerjoin(Route, Route.id == Customer.route_id)
        .outerjoin(District, District.id == Route.district_id)
        .where(within_reach(Customer.route_id))
    )
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
            Tab("late", "已过缴费期", owing.c.due_on < today),
            Tab("due", "还没到期", owing.c.due_on >= today),
        ),
        totals=(
            Total("bills", "账单", owing.c.bills, kind="number"),
            Total("unpaid", "水费合计", owing.c.unpaid),
            Total("late_fee", "违约金合计", func.coalesce(fees.c.late_fee, 0)),
        ),
        columns=_columns(owing),
        extra={"route_seq": Customer.route_seq, "months": owing.c.months},
        batch=(Batch("打印催缴通知单", "payments.notices_pdf", "printer"),),
        cells="payments/_owing_cells.html",
        empty=("没有人欠费", "账单都已缴清。出账以后，还没缴的用户会列在这里。"),
    )


def _columns(owing: FromClause) -> tuple[Column, ...]:
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
        Column("oldest", "最早欠费", owing.c.oldest, kind="period", sort=(owing.c.oldest,)),
        Column("bills", "账单数", owing.c.bills, kind="number", sort=(owing.c.bills,)),
        Column("unpaid", "水费", owing.c.unpaid, kind="money", sort=(owing.c.unpaid,)),
        Column("late_fee", "违约金", late_fee, kind="money", zero="—"),
        Column("due", "共欠", owing.c.unpaid + late_fee, kind="money", owed=True),
        Column("credit", "预存余额", Customer.credit_balance, kind="money", shown=False),
        Column("address", "地址", Customer.address, shown=False, width=30),
    )


def _address(row: Any) -> str:
    return url_for("payments.pay", customer_id=row.id)


@blueprint.get("/owing")
@requires(Permission.CHARGE)
def owing() -> ResponseReturnValue:
    """水费线下缴费 (figures 9.1-1, 9.1-2)."""
    return tables.respond(owing_table(), "payments/owing.html")
