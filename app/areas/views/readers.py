"""抄表员管理: who reads. A reader is a StaffUser with that role."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, and_, func, literal, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.areas import queries, service
from app.areas.models import District, Route
from app.areas.reach import oneself
from app.areas.views.blueprint import blueprint
from app.db import transaction
from app.errors import DomainError
from app.permissions import Permission, can, requires
from app.staff import queries as staff
from app.staff import service as accounts
from app.staff import told_once
from app.staff.fields import NewPersonForm, PersonForm
from app.staff.models import StaffUser
from app.web import tables
from app.web.forms import refuse, saved
from app.web.tables import Choice, Column, Table

LIST = "抄表员管理"
STATES = {True: ("在岗", "paid"), False: ("停用", "plain")}


def books_column() -> Any:
    """'东街一册、东街二册' of each reader."""
    names: Select[Any] = (
        select(func.string_agg(queries.route_name(), aggregate_order_by(literal("、"), District.id, Route.id)))
        .select_from(Route)
        .join(District, District.id == Route.district_id)
        .where(Route.reader_id == StaffUser.id)
        .correlate(StaffUser)
    )
    return names.scalar_subquery()


def reader_table() -> Table:
    """The list of figure 8.1-1; without those who have left, unless asked for."""
    person = StaffUser
    states = {"active": person.active, "off": ~person.active, "all": true()}
    return Table(
        name="抄表员",
        unit="人",
        source=select(person.id).where(person.role == "reader", oneself(person.id)),
        id=person.id,
        default_sort="name",
        search=staff.matches,
        search_hint="姓名、用户名、手机号",
        filters=(
            Choice(
                key="state",
                label="状态",
                options=[("active", "在岗"), ("off", "停用"), ("all", "全部状态")],
                where=lambda value: and_(states[value]),
                default="active",
            ),
        ),
        columns=(
            Column("name", "姓名", person.name, sort=(person.name,)),
            Column("username", "用户名", person.username, kind="code", sort=(person.username,)),
            Column("mobile", "手机号", person.mobile, kind="phone"),
            Column("books", "负责区册", books_column(), width=40),
            Column("last_login_at", "上次登录", person.last_login_at, kind="moment", sort=(person.last_login_at,)),
            Column("active", "状态", person.active, kind="state", states=STATES),
        ),
        cells="areas/_reader_cells.html" if can(Permission.MANAGE_READERS) else "",
        empty=("还没有抄表员", "点「新增」添加抄表员，他就能用手机登录抄表；再到「抄表范围」分给他区册。"),
    )


@blueprint.get("/areas/readers")
@requires(Permission.VIEW_READINGS)
def readers() -> ResponseReturnValue:
    """抄表员管理 (figures 8.1-1, 8.1-11, 8.1-12)."""
    return tables.respond(reader_table(), "areas/readers.html", told=told_once.take())


def _reader(reader_id: int) -> StaffUser:
    return staff.reader(reader_id) or abort(404)


def _form_page(form: Any, title: str, **context: Any) -> ResponseReturnValue:
    page = render_template(
        "staff/person.html",
        form=form,
        title=title,
        button="确认",
        active="areas.readers",
        back=url_for(".readers"),
        steps=[(LIST, url_for(".readers")), (title, None)],
        **context,
    )
    return page, 422 if request.method == "POST" else 200


@blueprint.route("/areas/readers/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_READERS)
def add_reader() -> ResponseReturnValue:
    """新增 (figures 8.1-2 … 8.1-4): with a login for the phone, its first password told once."""
    form = NewPersonForm()
    if form.validate_on_submit():
        try:
            with transaction():
                person, password = accounts.hire(role="reader", **form.values())
            told_once.keep(person, password)
            return saved("新增成功", url_for(".readers"))
        except DomainError as refused:
            refuse(form, refused)
    return _form_page(form, "新增抄表员")


@blueprint.route("/areas/readers/<int:reader_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_READERS)
def edit_reader(reader_id: int) -> ResponseReturnValue:
    """修改 (figures 8.1-5 … 8.1-7)."""
    person = _reader(reader_id)
    form = PersonForm(obj=person)
    if form.validate_on_submit():
        with transaction():
            accounts.change_staff(person, form.values())
        return saved("编辑成功", url_for(".readers"))
    return _form_page(form, "修改抄表员", person=person)


@blueprint.post("/areas/readers/<int:reader_id>/deletion")
@requires(Permission.MANAGE_READERS)
def delete_reader(reader_id: int) -> ResponseReturnValue:
    """删除 (figures 8.1-8 … 8.1-10)."""
    person = _reader(reader_id)
    try:
        with transaction():
            erased = service.dismiss_reader(person)
        flash("删除成功" if erased else f"删除成功，「{person.name}」的账号已停用，抄过的记录都保留。", "success")
    except DomainError as refused:
        flash(refused.message, "error")
    return redirect(url_for(".readers"))


@blueprint.post("/areas/readers/<int:reader_id>/return")
@requires(Permission.MANAGE_READERS)
def bring_back_reader(reader_id: int) -> ResponseReturnValue:
    """启用 a reader who had left."""
    person = _reader(reader_id)
    with transaction():
        accounts.set_active(person, active=True)
    flash(f"「{person.name}」已启用", "success")
    return redirect(url_for(".readers"))


@blueprint.post("/areas/readers/<int:reader_id>/password")
@requires(Permission.MANAGE_READERS)
def reset_reader_password(reader_id: int) -> ResponseReturnValue:
    """重设密码: a new first password, told once."""
    person = _reader(reader_id)
    with transaction():
        password = accounts.reset_password(person)
    told_once.keep(person, password)
    flash("密码重设成功", "success")
    return redirect(url_for(".readers"))
