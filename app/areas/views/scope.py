"""抄表范围: who reads which books."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, or_, select

from app.areas import queries, service
from app.areas.forms import ScopeForm
from app.areas.models import District, Route
from app.areas.reach import oneself, only_reader
from app.areas.views.blueprint import blueprint
from app.areas.views.readers import books_column
from app.db import db, transaction
from app.errors import DomainError
from app.permissions import Permission, can, requires
from app.staff import queries as staff
from app.staff.models import StaffUser
from app.web import tables
from app.web.forms import refuse, saved
from app.web.tables import Column, Table, Total

LIST = "抄表范围"


def _reads(text: str) -> ColumnElement[bool]:
    """Whether one of the reader's 册 is called so."""
    return (
        select(Route.id)
        .join(District, District.id == Route.district_id)
        .where(Route.reader_id == StaffUser.id, queries.route_name().contains(text, autoescape=True))
        .correlate(StaffUser)
        .exists()
    )


def scope_table() -> Table:
    """The list of figure 8.2-1: each reader in office with the books he reads."""
    counted = queries.households()
    load = (
        select(Route.reader_id, func.count().label("books"), func.sum(counted.c.count).label("customers"))
        .outerjoin(counted, counted.c.route_id == Route.id)
        .where(Route.reader_id.is_not(None))
        .group_by(Route.reader_id)
        .subquery("load")
    )
    books, customers = func.coalesce(load.c.books, 0), func.coalesce(load.c.customers, 0)
    return Table(
        name="抄表范围",
        unit="人",
        source=select(StaffUser.id)
        .outerjoin(load, load.c.reader_id == StaffUser.id)
        .where(StaffUser.role == "reader", StaffUser.active, oneself(StaffUser.id)),
        id=StaffUser.id,
        default_sort="name",
        search=lambda text: or_(staff.matches(text), _reads(text)),
        search_hint="抄表员姓名、区册",
        totals=(
            Total("books", "已分配册数", books, kind="number"),
            Total("customers", "用户", customers, kind="number"),
        ),
        columns=(
            Column("name", "抄表员", StaffUser.name, kind="custom", sort=(StaffUser.name,)),
            Column("scope", "负责区册", books_column(), width=40),
            Column("books", "册数", books, kind="number", sort=(books,)),
            Column("customers", "用户数", customers, kind="number", sort=(customers,)),
        ),
        cells="areas/_scope_cells.html",
        empty=("还没有抄表员", "请先到「抄表员管理」添加抄表员，再回来分给他区册。"),
    )


def _unassigned() -> list[queries.Book]:
    return [book for book in queries.scope(0) if book.reader_id is None] if only_reader() is None else []


@blueprint.get("/areas/scope")
@requires(Permission.VIEW_READINGS)
def scope() -> ResponseReturnValue:
    """抄表范围 (figures 8.2-1, 8.2-2)."""
    return tables.respond(
        scope_table(), "areas/scope.html", unassigned=_unassigned(), may=can(Permission.MANAGE_READERS)
    )


@blueprint.route("/areas/scope/<int:reader_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_READERS)
def assign(reader_id: int) -> ResponseReturnValue:
    """分配区册 (figures 8.2-3, 8.2-4)."""
    reader: StaffUser = staff.reader(reader_id) or abort(404)
    form = ScopeForm()
    if form.validate_on_submit():
        take, give = set(form.take.data or []), set(form.give.data or [])
        try:
            if not take and not give:
                raise DomainError("还没有选择区册，请先勾选，再按箭头移过去。")
            with transaction():
                service.assign_routes(reader=reader, take=take, give=give)
            return saved("分配成功", url_for(".scope"))
        except DomainError as refused:
            refuse(form, refused)
    return _assign_page(form, reader)


def _assign_page(form: Any, reader: StaffUser) -> ResponseReturnValue:
    db.session.rollback()  # what is shown is what is there now
    books = queries.scope(reader.id)
    title = f"分配区册 · {reader.name}"
    page = render_template(
        "areas/assign.html",
        form=form,
        title=title,
        reader=reader,
        free=[book for book in books if book.reader_id is None],
        own=[book for book in books if book.reader_id is not None],
        back=url_for(".scope"),
        steps=[(LIST, url_for(".scope")), (title, None)],
        button="确定",
        active="areas.scope",
    )
    return page, 422 if request.method == "POST" else 200
