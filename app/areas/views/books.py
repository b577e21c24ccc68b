"""区册管理: areas and their books."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from app.areas import queries, service
from app.areas.forms import DistrictForm, RouteForm
from app.areas.models import District, Route
from app.areas.reach import within_reach
from app.areas.views.blueprint import blueprint
from app.db import db, transaction
from app.errors import DomainError
from app.permissions import Permission, can, requires
from app.staff import queries as staff
from app.staff.models import StaffUser
from app.web import tables
from app.web.forms import refuse, saved
from app.web.tables import Choice, Column, Table, Total

LIST = "区册管理"
NOBODY = "none"


def _filters() -> tuple[Choice, ...]:
    return (
        Choice(
            key="district",
            label="全部区",
            options=queries.district_options(),
            where=lambda value: Route.district_id == int(value),
        ),
        Choice(
            key="reader",
            label="全部抄表员",
            options=[(NOBODY, "未分配"), *((str(key), name) for key, name in staff.readers())],
            where=lambda value: Route.reader_id.is_(None) if value == NOBODY else Route.reader_id == int(value),
        ),
    )


def book_table() -> Table:
    """The list of figure 4.2-1."""
    counted = queries.households()
    customers = func.coalesce(counted.c.count, 0)
    return Table(
        name="区册",
        unit="册",
        source=select(Route.id)
        .join(District, District.id == Route.district_id)
        .outerjoin(StaffUser, StaffUser.id == Route.reader_id)
        .outerjoin(counted, counted.c.route_id == Route.id)
        .where(within_reach(Route.id)),
        id=Route.id,
        default_sort="district",
        search=queries.matches,
        search_hint="区名、册名、抄表员",
        filters=_filters(),
        totals=(Total("customers", "用户", customers, kind="number"),),
        columns=(
            Column("district", "区名", District.name, sort=(Route.district_id,)),
            Column("name", "册名", Route.name, sort=(Route.name,)),
            Column("reader", "抄表员", func.coalesce(StaffUser.name, "未分配"), sort=(StaffUser.name,)),
            Column("customers", "用户数", customers, kind="number", sort=(customers,), link=_customers_of),
        ),
        extra={"district_id": Route.district_id},
        cells="areas/_book_cells.html" if can(Permission.EDIT_BASICS) else "",
        empty=("还没有区册", "点「新增」建第一个区和册，也可以在「用户档案」里导入登记册，区册会自动建好。"),
    )


def _customers_of(row: Any) -> str:
    return url_for("customers.index", route=row.id)


@blueprint.get("/areas/")
@requires(Permission.VIEW_BASICS)
def index() -> ResponseReturnValue:
    """区册管理 (figures 4.2-1, 4.2-6)."""
    return tables.respond(book_table(), "areas/index.html")


def _form_page(form: Any, title: str, template: str = "areas/book.html", **context: Any) -> ResponseReturnValue:
    steps = [(LIST, url_for(".index")), (title, None)]
    page = render_template(template, form=form, title=title, back=url_for(".index"), steps=steps, **context)
    return page, 422 if request.method == "POST" else 200


@blueprint.route("/areas/new", methods=["GET", "POST"])
@requires(Permission.EDIT_BASICS)
def create() -> ResponseReturnValue:
    """新增 (figure 4.2-2)."""
    form = RouteForm(district=request.args.get("district"))
    if form.validate_on_submit():
        try:
            with transaction():
                route = service.create_route(**form.values())
            again = url_for(".create", district=route.district_id)
            return saved("新增成功", again if "again" in request.form else url_for(".index"))
        except DomainError as refused:
            refuse(form, refused)
    return _form_page(form, "新增区册", again=True)


@blueprint.route("/areas/<int:route_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_BASICS)
def edit(route_id: int) -> ResponseReturnValue:
    """修改区册 (figures 4.2-3, 4.2-4)."""
    route = db.session.get(Route, route_id) or abort(404)
    form = RouteForm(district=str(route.district_id), name=route.name)
    if form.validate_on_submit():
        try:
            with transaction():
                service.change_route(route, **form.values())
            return saved("编辑成功", url_for(".index"))
        except DomainError as refused:
            refuse(form, refused)
    return _form_page(form, "修改区册")


@blueprint.route("/areas/districts/<int:district_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_BASICS)
def rename_district(district_id: int) -> ResponseReturnValue:
    """改区名."""
    district = db.session.get(District, district_id) or abort(404)
    form = DistrictForm(obj=district)
    if form.validate_on_submit():
        try:
            with transaction():
                service.rename_district(district, name=form.name.data or "")
            return saved("编辑成功", url_for(".index"))
        except DomainError as refused:
            refuse(form, refused)
    return _form_page(form, "改区名", "areas/district.html")


@blueprint.post("/areas/<int:route_id>/deletion")
@requires(Permission.EDIT_BASICS)
def delete(route_id: int) -> ResponseReturnValue:
    """删除 (figure 4.2-5)."""
    route = db.session.get(Route, route_id) or abort(404)
    try:
        with transaction():
            service.delete_route(route)
        flash("删除成功", "success")
    except DomainError as refused:
        flash(refused.message, "error")
    return redirect(url_for(".index"))
