"""用户统计 (figures 10.3-1 … 10.3-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, and_, func, or_, true

from app import clock, periods
from app.areas import queries as areas
from app.areas.queries import route_name
from app.customers import queries as customers
from app.customers.models import Customer
from app.db import at_one_moment
from app.metering import queries as metering
from app.permissions import Permission, requires
from app.reports.customers import Group, Joined, grouped, joined, of_each, paid, state_of
from app.reports.views.base import blueprint
from app.tariffs import queries as tariffs
from app.web import tables
from app.web.table_filters import by_id
from app.web.tables import Choice, Column, Tab, Table, Total

STATES = {"normal": ("正常", "paid"), "stopped": ("停表", "wait"), "closed": ("销户", "plain")}
YEARS = 2  # this one and those before it that may be chosen, beside the last twelve months


def _spans() -> list[tuple[str, str]]:
    """Months and years to choose from: ('2026-10', '2026年10月'), ('2026', '2026年')."""
    months = periods.months_ending(periods.of(clock.today()), 12)[::-1]
    year = clock.today().year
    return [(str(y), f"{y}年全年") for y in range(year, year - YEARS, -1)] + [(m, periods.label(m)) for m in months]


def _span(spans: list[tuple[str, str]]) -> str:
    asked = request.args.get("span", "")
    return asked if any(asked == key for key, _ in spans) else spans[0][0]


def _search(text: str) -> ColumnElement[bool]:
    found = customers.matches(text)
    return or_(found, metering.has_meter(text)) if text.isascii() else found


def _filters(spans: list[tuple[str, str]]) -> tuple[Choice, ...]:
    categories = [(str(key), name) for key, name in tariffs.categories().items()]
    return (
        Choice(key="span", label="账期", options=spans, where=lambda _value: true(), default=spans[0][0]),
        by_id("route", "全部区册", areas.route_options(), Customer.route_id),
        Choice(
            key="category",
            label="全部水表性质",
            options=categories,
            where=lambda value: metering.has_category(int(value)),
        ),
    )


def _tabs(of: Joined) -> tuple[Tab, ...]:
    closed, stopped, counted = Customer.state == "closed", metering.is_stopped(), state_of(of.stopped)
    where = {"normal": and_(~closed, ~stopped), "stopped": and_(~closed, stopped), "closed": closed}
    return (Tab("all", "全部"), *(Tab(key, STATES[key][0], where[key], counted=counted == key) for key in STATES))


def _table(of: Joined, spans: list[tuple[str, str]], columns: tuple[Column, ...]) -> Table:
    return Table(
        name="用户统计",
        unit="户",
        source=of.source,
        id=Customer.id,
        default_sort="customer_no",
        search=_search,
        search_hint="户号、户名、电话、地址、表号、拼音首字母",
        filters=_filters(spans),
        tabs=_tabs(of),
        totals=(
            Total("volume", "用水量", of.used.c.volume, "volume"),
            Total("due", "应收", of.used.c.due),
            Total("arrears", "欠费合计", of.owed.c.unpaid),
        ),
        columns=columns,
        empty=("还没有用户", "在「用户档案」导入或新增用户以后，这里就有统计。"),
    )


def _columns(of: Joined, each: dict[str, ColumnElement[Any]]) -> tuple[Column, ...]:
    """Sorted by what is joined for all, shown as it is worked out for the rows of the page."""
    number, used = Customer.customer_no, of.used.c

    def zero(value: Any) -> tuple[Any, ...]:
        return (func.coalesce(value, 0),)

    return (
        Column("customer_no", "户号", number, kind="code", sort=(number,), unique=True, link=_address),
        Column("holder", "户名", Customer.holder, sort=(Customer.holder_initials,), width=30),
        Column("place", "区册", route_name(), kind="code", sort=(Customer.route_id, Customer.route_seq)),
        Column("category", "水表性质", metering.use_category(), kind="code"),
        Column("meter_no", "表号", metering.meter_numbers(), kind="code"),
        Column("state", "水表状态", each["state"], kind="state", states=STATES),
        Column("volume", "用水量 m³", each["volume"], kind="volume", sort=zero(used.volume), zero="—"),
        Column("due", "应收", each["due"], kind="money", sort=zero(used.due), zero="—"),
        Column("paid", "已缴", each["paid"], kind="money", sort=zero(paid(of)), zero="—"),
        Column("arrears", "欠费合计", each["arrears"], kind="money", sort=zero(of.owed.c.unpaid), zero="—", owed=True),
        Column("phone", "电话", Customer.phone, kind="phone", shown=False),
        Column("address", "地址", Customer.address, shown=False, width=30),
    )


def _address(row: Any) -> str:
    return url_for("customers.detail", customer_id=row.id)


def _groups(of: Joined, table: Table) -> dict[str, list[Group]]:
    """By kind of group; remembered as the list's own sums are, as numbers by 'kind|place|measure|name'."""

    def run() -> dict[str, Any]:
        with at_one_moment():
            all_groups = grouped(of, tables.narrowed(table))
        return {
            f"{kind}|{place}|{measure}|{group.name}": value
            for kind, found in all_groups.items()
            for place, group in enumerate(found)
            for measure, value in group._asdict().items()
            if measure != "name"
        }

    found: dict[str, dict[str, Group]] = {"route": {}, "category": {}, "all": {}}
    for key, value in tables.sums_beside(table, "groups", run).items():
        kind, place, measure, name = key.split("|", 3)
        found[kind][place] = found[kind].get(place, Group(name))._replace(**{measure: value})
    return {kind: list(groups.values()) for kind, groups in found.items()}


def _sums(of_all: Group) -> dict[str, Any]:
    """What the list's own scan would find while no tab is chosen: the groups have counted everybody."""
    tabs = {"tab_all": of_all.customers, **{f"tab_{state}": getattr(of_all, state) for state in STATES}}
    totals = {f"total_{name}": getattr(of_all, name) for name in ("volume", "due", "arrears")}
    return {"count_": of_all.customers, **tabs, **totals}


@blueprint.get("/reports/customers", endpoint="customers")
@requires(Permission.VIEW_REPORTS)
def customer_statistics() -> ResponseReturnValue:
    """用户统计: the list, and counts and sums by book and by 水表性质 of what its filter shows."""
    spans = _spans()
    span = _span(spans)
    since, until = (f"{span}-01", f"{span}-12") if len(span) == 4 else (span, span)
    of = joined(since, until)
    table = _table(of, spans, _columns(of, of_each(since, until)))
    groups = {} if "export" in request.args else _groups(of, table)
    if groups and "tab" not in request.args:
        table = replace(table, known=lambda _state: _sums(groups["all"][0]))
    return tables.respond(
        table,
        "reports/customers.html",
        part_template="reports/_customers_part.html",
        groups=groups,
        span=dict(spans)[span],
    )
