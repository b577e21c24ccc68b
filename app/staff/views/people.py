"""员工管理: who may log in, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from app.areas import queries as areas
from app.db import db, transaction
from app.errors import DomainError
from app.permissions import ROLES, Permission, requires
from app.staff import queries, service, told_once
from app.staff.forms import NewStaffForm, StaffForm
from app.staff.models import StaffUser
from app.staff.views.blueprint import blueprint
from app.web import tables
from app.web.forms import refuse, saved
from app.web.tables import Choice, Column, Tab, Table
from tenants.entry import attempts

STATES = {True: ("在用", "paid"), False: ("停用", "plain")}


def _states(row: Any, locked: Mapping[str, int]) -> list[tuple[str, str]]:
    """在用, and what else is to be known of the login."""
    found = [STATES[row.active]]
    if row.username in locked:
        found.append((f"已锁定，还剩 {locked[row.username]} 分钟", "wait"))
    return [*found, ("两步登录", "water")] if row.two_steps else found


def people_table(locked: Mapping[str, int]) -> Table:
    """Everybody with a login. `locked`: minutes by user name."""
    person = StaffUser
    return Table(
        name="员工",
        unit="人",
        source=select(person.id),
        id=person.id,
        default_sort="name",
        search=queries.matches,
        search_hint="姓名、用户名、手机号",
        filters=(
            Choice(
                key="role",
                label="全部岗位",
                options=[(key, name) for key, (name, _) in ROLES.items()],
                where=lambda value: person.role == value,
            ),
        ),
        tabs=(
            Tab("all", "全部"),
            Tab("active", "在用", person.active.is_(True)),
            Tab("off", "停用", ~person.active, hide_empty=True),
        ),
        columns=(
            Column("name", "姓名", person.name, sort=(person.name,)),
            Column("username", "用户名", person.username, kind="code", sort=(person.username,)),
            Column(
                "role", "岗位", person.role, names={key: name for key, (name, _) in ROLES.items()}, sort=(person.role,)
            ),
            Column("mobile", "手机号", person.mobile, kind="phone"),
            Column("last_login_at", "上次登录", person.last_login_at, kind="moment", sort=(person.last_login_at,)),
            Column("active", "状态", person.active, kind="words", words=lambda row: _states(row, locked)),
        ),
        extra={"two_steps": person.totp_secret.is_not(None)},
        cells="staff/_people_cells.html",
        empty=("还没有员工", "点「新增」给同事开一个账号。"),
    )


@blueprint.get("/staff")
@requires(Permission.MANAGE_STAFF)
def people() -> ResponseReturnValue:
    """员工管理."""
    locked = attempts.locked(queries.usernames())
    return tables.respond(people_table(locked), "staff/people.html", told=told_once.take(), locked=locked)


def _person(person_id: int) -> StaffUser:
    return db.session.get(StaffUser, person_id) or abort(404)


def _form_page(form: Any, title: str, **context: Any) -> ResponseReturnValue:
    page = render_template(
        "staff/person.html",
        form=form,
        title=title,
        active="staff.people",
        back=url_for(".people"),
        steps=[("员工管理", url_for(".people")), (title, None)],
        **context,
    )
    return page, 422 if request.method == "POST" else 200


@blueprint.route("/staff/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def add_person() -> ResponseReturnValue:
    """新增员工: the first password is told once."""
    form = NewStaffForm()
    if form.validate_on_submit():
        try:
            with transaction():
                person, password = service.hire(**form.values())
            told_once.keep(person, password)
            return saved("新增成功", url_for(".people"))
        except DomainError as refused:
            refuse(form, refused)
    return _form_page(form, "新增员工")


@blueprint.route("/staff/<int:person_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def edit_person(person_id: int) -> ResponseReturnValue:
    """修改员工: 姓名, 岗位, 手机号."""
    person = _person(person_id)
    form = StaffForm(obj=person)
    if form.validate_on_submit():
        try:
            with transaction():
                _refuse_oneself(person, "岗位", field="role", when=form.role.data != person.role)
                if form.role.data != "reader":
                    _refuse_with_books(person, field="role")
                service.change_staff(person, form.values())
            return saved("编辑成功", url_for(".people"))
        except DomainError as refused:
            refuse(form, refused)
    return _form_page(form, "修改员工", person=person)


def _refuse_oneself(person: StaffUser, what: str, *, field: str | None = None, when: bool = True) -> None:
    if when and person.id == current_user.id:
        raise DomainError(f"不能改自己的{what}，请让另一位站长来改。", field=field)


def _refuse_with_books(person: StaffUser, *, field: str | None = None) -> None:
    books = areas.books_of(person.id)
    if books:
        raise DomainError(
            f"「{person.name}」还负责{'、'.join(books)}，请先在「抄表范围」里收回或转给别人。", field=field
        )


@blueprint.post("/staff/<int:person_id>/state")
@requires(Permission.MANAGE_STAFF)
def set_person_state(person_id: int) -> ResponseReturnValue:
    """停用 or 启用, as `active` in the address says."""
    person, active = _person(person_id), request.args.get("active") == "yes"
    try:
        with transaction():
            if not active:
                _refuse_oneself(person, "账号状态")
                _refuse_with_books(person)
            service.set_active(person, active=active)
        flash(f"「{person.name}」已{'启用' if active else '停用'}", "success")
    except DomainError as refused:
        flash(refused.message, "error")
    return redirect(url_for(".people"))


@blueprint.post("/staff/<int:person_id>/password")
@requires(Permission.MANAGE_STAFF)
def reset_person_password(person_id: int) -> ResponseReturnValue:
    """重设密码: a new first password, told once."""
    person = _person(person_id)
    if person.id == current_user.id:
        flash("改自己的密码请到「修改密码」。", "error")
        return redirect(url_for(".people"))
    with transaction():
        password = service.reset_password(person)
    told_once.keep(person, password)
    flash("密码重设成功", "success")
    return redirect(url_for(".people"))


@blueprint.post("/staff/<int:person_id>/unlocking")
@requires(Permission.MANAGE_STAFF)
def unlock_person(person_id: int) -> ResponseReturnValue:
    """解锁: somebody has mistyped too often, and may try again at once."""
    person = _person(person_id)
    with transaction():
        service.unlock(person)
    flash(f"「{person.name}」已解锁，可以马上登录，密码没有变。", "success")
    return redirect(url_for(".people"))


@blueprint.post("/staff/<int:person_id>/second-step/off")
@requires(Permission.MANAGE_STAFF)
def drop_second_step(person_id: int) -> ResponseReturnValue:
    """关闭两步登录 of a colleague whose telephone is lost."""
    person = _person(person_id)
    if person.id == current_user.id:
        flash("自己的两步登录请在「个人中心」里关闭。", "error")
        return redirect(url_for(".people"))
    with transaction():
        service.switch_off_second_step(person)
    flash(f"「{person.name}」的两步登录已关闭，现在只凭密码登录。", "success")
    return redirect(url_for(".people"))
