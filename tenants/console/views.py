"""The operator's pages: coming in, and the plants."""

from __future__ import annotations

import secrets

from flask import current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import and_, func, select
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from tenants import passwords
from tenants.console import nights as nights  # its pages are put on the blueprint
from tenants.console.blueprint import blueprint as blueprint
from tenants.console.doors import SESSION_KEY, check_login, current_operator, operators_only
from tenants.models import Plant, PlantJob
from tenants.provisioning import PlantError
from tenants.session import platform

STATES = {"active": ("正常", "paid"), "suspended": ("已停用", "waiting"), "archived": ("已归档", "plain")}


class LoginForm(FlaskForm):  # type: ignore[misc]
    """运营人员登录."""

    username = StringField("用户名", [DataRequired("请填写用户名"), Length(max=50)])
    password = PasswordField("密码", [DataRequired("请填写密码"), Length(max=200)])


class PlantForm(FlaskForm):  # type: ignore[misc]
    """新开水厂."""

    name = StringField("水厂名称", [DataRequired("请填写水厂名称，例如：清泉村供水站。"), Length(max=50)])
    county = StringField("所在县", [Length(max=50)])
    slug = StringField("子域名", [DataRequired("请填写子域名，例如：qingquan。"), Length(max=30)])
    admin = StringField("站长的用户名", [DataRequired("请填写站长的用户名。"), Length(max=50)], default="admin")


def log_in() -> ResponseReturnValue:
    """运营台登录."""
    form, error = LoginForm(), ""
    if form.validate_on_submit():
        operator = check_login((form.username.data or "").strip(), form.password.data or "")
        if operator:
            session.clear()
            session.permanent = True
            session[SESSION_KEY] = {"id": operator.id, "stamp": passwords.stamp(operator.password_hash)}
            return redirect(url_for("console.plants"))
        error = "用户名或密码不正确，请重新输入。"
    return render_template("console/login.html", form=form, error=error), 422 if request.method == "POST" else 200


log_in.permission = None  # type: ignore[attr-defined]
blueprint.add_url_rule("/login", view_func=log_in, methods=["GET", "POST"])


@blueprint.post("/logout")
@operators_only
def log_out() -> ResponseReturnValue:
    """退出."""
    session.clear()
    return redirect(url_for("console.log_in"))


@blueprint.get("/")
@operators_only
def plants() -> ResponseReturnValue:
    """水厂列表: every plant with its state and its last night."""
    with platform() as session_:
        # Two look-ups in an index per plant shown: the jobs of all nights are millions.
        night = select(func.max(PlantJob.business_date)).where(PlantJob.plant_id == Plant.id)
        undone = and_(PlantJob.plant_id == Plant.id, PlantJob.state != "done", PlantJob.state == "failed")
        failed = select(func.count()).select_from(PlantJob).where(undone)
        rows = session_.execute(
            select(Plant, night.scalar_subquery(), failed.scalar_subquery()).order_by(Plant.slug).limit(200)
        ).all()
        count = session_.scalar(select(func.count()).select_from(Plant))
    port = request.host.partition(":")[2]
    return render_template(
        "console/plants.html", rows=rows, count=count, states=STATES, operator=current_operator(), port=port
    )


@blueprint.route("/plants/new", methods=["GET", "POST"])
@operators_only
def open_plant() -> ResponseReturnValue:
    """新开水厂: its own address, data and manager, whose first password is shown once."""
    form, opened, password = PlantForm(), None, secrets.token_urlsafe(9)
    if form.validate_on_submit():
        opening = current_app.extensions["open_plant"]  # the app says what a plant starts with
        try:
            opened = opening(
                (form.slug.data or "").strip(),
                name=(form.name.data or "").strip(),
                county=(form.county.data or "").strip(),
                admin=(form.admin.data or "").strip(),
                password=password,
                must_change=True,
            )
        except PlantError as refused:
            form.slug.errors = [f"{refused}。"]
    port = request.host.partition(":")[2]
    page = render_template("console/open_plant.html", form=form, opened=opened, password=password, port=port)
    return page, 422 if form.errors else 200, {"Cache-Control": "no-store"}
