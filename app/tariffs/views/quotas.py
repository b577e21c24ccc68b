"""定额管理 (figure 4.1-1 and its list)."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, or_, select

from app.customers.models import Customer
from app.db import db, transaction
from app.errors import DomainError
from app.permissions import Permission, requires
from app.tariffs import queries, service
from app.tariffs.forms.quotas import QuotaForm, of_quota
from app.tariffs.models import Quota, UseCategory
from app.tariffs.views.blueprint import blueprint
from app.web import tables
from app.web.forms import refuse, saved
from app.web.tables import Choice, Column, Table


def quota_table() -> Table:
    """The list: what a person, a bed, a head of cattle may use, and how many customers have it."""
    users = (
        select(Customer.quota_id, func.count().label("users"))
        .where(Customer.quota_id.is_not(None))
        .group_by(Customer.quota_id)
        .subquery()
    )
    return Table(
        name="定额",
        source=select(Quota.id).join(UseCategory).outerjoin(users, users.c.quota_id == Quota.id),
        id=Quota.id,
        default_sort="code",
        search=lambda words: or_(
            Quota.code.icontains(words, autoescape=True), Quota.name.icontains(words, autoescape=True)
        ),
        search_hint="编码、名称",
        filters=(
            Choice(
                key="category",
                label="全部水表性质",
                options=[(str(key), name) for key, name in queries.categories().items()],
                where=lambda value: Quota.use_category_id == int(value),
            ),
        ),
        columns=(
            Column("code", "编码", Quota.code, kind="code", sort=(Quota.code,), unique=True),
            Column("name", "名称", Quota.name, sort=(Quota.name,), width=30),
            Column("category", "水表性质", UseCategory.name, kind="code", sort=(Quota.use_category_id,)),
            Column("unit", "单位", Quota.unit, kind="code"),
            Column("value", "定额值", Quota.value, kind="volume", sort=(Quota.value,)),
            Column("cycle", "周期", Quota.cycle, kind="code"),
            Column("users", "使用户数", func.coalesce(users.c.users, 0), kind="number", zero="—"),
            Column("note", "备注", Quota.note, width=30),
        ),
        cells="tariffs/_quota_cells.html",
        empty=("还没有定额", "用「导入」把定额表整张装进来，或点「新增」一条一条地录。"),
    )


@blueprint.get("/quotas")
@requires(Permission.VIEW_BASICS)
def quotas() -> ResponseReturnValue:
    """定额管理 (figure 4.1-1)."""
    return tables.respond(quota_table(), "tariffs/quotas.html")


def _form(form: QuotaForm, title: str, status: int = 200) -> ResponseReturnValue:
    back = url_for("tariffs.quotas")
    return render_template(
        "tariffs/quota.html", form=form, back=back, title=title, steps=[("定额管理", back), (title, None)]
    ), status


@blueprint.route("/quotas/new", methods=["GET", "POST"])
@requires(Permission.EDIT_BASICS)
def create_quota() -> ResponseReturnValue:
    """新增定额."""
    form = QuotaForm()
    if form.validate_on_submit():
        try:
            with transaction():
                service.create_quota(form.values())
            return saved("新增成功", url_for("tariffs.create_quota" if "again" in request.form else "tariffs.quotas"))
        except DomainError as refused:
            refuse(form, refused)
    return _form(form, "新增定额", 422 if form.errors else 200)


@blueprint.route("/quotas/<int:quota_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_BASICS)
def edit_quota(quota_id: int) -> ResponseReturnValue:
    """修改定额."""
    quota = db.get_or_404(Quota, quota_id)
    form = of_quota(quota)
    if form.validate_on_submit():
        try:
            with transaction():
                service.change_quota(quota, form.values())
            return saved("编辑成功", url_for("tariffs.quotas"))
        except DomainError as refused:
            refuse(form, refused)
    return _form(form, "修改定额", 422 if form.errors else 200)


@blueprint.post("/quotas/<int:quota_id>/deletion")
@requires(Permission.EDIT_BASICS)
def delete_quota(quota_id: int) -> ResponseReturnValue:
    """删除; refused while somebody has it."""
    try:
        with transaction():
            service.delete_quota(db.get_or_404(Quota, quota_id))
        flash("删除成功", "success")
    except DomainError as refused:
        flash(refused.message, "error")
    return redirect(url_for("tariffs.quotas"))
