"""个人中心 of an operator: password, sessions, and 两步登录."""

from __future__ import annotations

from flask import Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tenants import operators
from tenants.console.blueprint import blueprint
from tenants.console.coming_in import NEVER_KEPT
from tenants.console.doors import by, current_operator, let_in, operators_only
from tenants.console.forms import SHORTEST, CodeForm, PasswordForm, SwitchOffForm
from tenants.entry import second_step, sittings
from tenants.models import Operator
from tenants.provisioning import PlantError


def _me() -> Operator:
    operator = current_operator()
    assert operator
    return operator


def _home() -> ResponseReturnValue:
    return redirect(url_for("console.profile"))


@blueprint.get("/me")
@operators_only
def profile() -> ResponseReturnValue:
    """个人中心."""
    return render_template("console/me.html", sittings=sittings.all_of(_me().id))


@blueprint.route("/password", methods=["GET", "POST"])
@operators_only
def change_password() -> ResponseReturnValue:
    """修改密码: one's own; after the first login before anything else."""
    me = _me()
    form = PasswordForm(about=(me.username, me.name))
    if form.validate_on_submit():
        try:
            let_in(operators.change_password(me.id, old=form.old.data or "", new=form.new.data or "", by=by()))
            flash("密码修改成功。", "success")
            return redirect(url_for("console.plants"))
        except PlantError as refused:
            form.refuse(refused)
    return render_template("console/password.html", form=form, shortest=SHORTEST), 422 if form.errors else 200


@blueprint.post("/me/sittings/<key>/end")
@operators_only
def end_sitting(key: str) -> ResponseReturnValue:
    """退出 somewhere else."""
    sittings.end(_me().id, key)
    flash("那一处已退出登录。", "success")
    return _home()


@blueprint.post("/me/sittings/end")
@operators_only
def end_other_sittings() -> ResponseReturnValue:
    """退出 everywhere else."""
    sittings.end_others(_me().id)
    flash("其他地方都已退出登录。", "success")
    return _home()


@blueprint.route("/me/second-step", methods=["GET", "POST"])
@operators_only
def scan() -> ResponseReturnValue:
    """开启两步登录: scan, confirm, write the recovery codes down."""
    me, form = _me(), CodeForm()
    if me.two_steps:
        return _home()
    secret = second_step.pending(me.id)
    if form.validate_on_submit():
        try:
            codes = operators.switch_on_second_step(me.id, secret=secret, code=form.code.data or "", by=by())
            second_step.settled(me.id)
            return render_template("console/recovery_codes.html", codes=codes), NEVER_KEPT
        except PlantError as refused:
            form.refuse(refused)
    form.code.data = ""
    page = render_template("console/scan.html", form=form, secret=second_step.grouped(secret))
    return page, 422 if form.errors else 200, NEVER_KEPT


@blueprint.get("/me/second-step/qr.svg")
@operators_only
def scan_picture() -> ResponseReturnValue:
    """What the telephone scans, until it is confirmed and never again."""
    me = _me()
    if me.two_steps:
        abort(404)
    picture = second_step.picture(second_step.pending(me.id), name=me.username, place="清渠运营台")
    return Response(picture, mimetype="image/svg+xml", headers=NEVER_KEPT)


@blueprint.route("/me/second-step/off", methods=["GET", "POST"])
@operators_only
def switch_off() -> ResponseReturnValue:
    """关闭两步登录: whoever knows the password."""
    me, form = _me(), SwitchOffForm()
    if not me.two_steps:
        return _home()
    if form.validate_on_submit():
        try:
            operators.give_up_second_step(me.id, password=form.password.data or "", by=by())
            flash("两步登录已关闭。", "success")
            return _home()
        except PlantError as refused:
            form.refuse(refused)
    return render_template("console/switch_off.html", form=form), 422 if form.errors else 200
