"""两步登录 in 个人中心: switched on by scanning and confirming a code; for the 站长, who sees and may do everything."""

from __future__ import annotations

from flask import Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.db import transaction
from app.errors import DomainError
from app.permissions import Permission, requires
from app.staff import service
from app.staff.forms import CodeForm, SwitchOffForm
from app.staff.views.blueprint import blueprint
from app.staff.views.door import NEVER_KEPT, address
from app.staff.views.me import me
from app.web.forms import refuse
from tenants import context
from tenants.entry import second_step


@blueprint.route("/me/second-step", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def scan() -> ResponseReturnValue:
    """开启两步登录: scan, confirm, write the recovery codes down."""
    person, form = me(), CodeForm()
    if person.two_steps:
        return redirect(url_for("staff.profile"))
    secret = second_step.pending(person.id)
    if form.validate_on_submit():
        try:
            with transaction():
                codes = service.switch_on_second_step(person, secret=secret, code=form.code.data or "")
            second_step.settled(person.id)
            return render_template("staff/recovery_codes.html", codes=codes, active="staff.profile"), NEVER_KEPT
        except DomainError as refused:
            refuse(form, refused)
    form.code.data = ""
    words = {"form": form, "secret": second_step.grouped(secret), "active": "staff.profile"}
    return render_template("staff/scan.html", **words), 422 if form.errors else 200, NEVER_KEPT


@blueprint.get("/me/second-step/qr.svg")
@requires(Permission.MANAGE_STAFF)
def scan_picture() -> ResponseReturnValue:
    """What the telephone scans, until it is confirmed and never again."""
    person = me()
    if person.two_steps:
        abort(404)
    picture = second_step.picture(second_step.pending(person.id), name=person.username, place=context.current().name)
    return Response(picture, mimetype="image/svg+xml", headers=NEVER_KEPT)


@blueprint.route("/me/second-step/off", methods=["GET", "POST"])
@requires(Permission.VIEW_HOME)
def switch_off() -> ResponseReturnValue:
    """关闭两步登录: whoever knows the password."""
    person, form = me(), SwitchOffForm()
    if not person.two_steps:
        return redirect(url_for("staff.profile"))
    if form.validate_on_submit():
        try:
            with transaction():
                service.give_up_second_step(person, password=form.password.data or "", address=address())
            flash("两步登录已关闭", "success")
            return redirect(url_for("staff.profile"))
        except DomainError as refused:
            refuse(form, refused)
    return render_template("staff/switch_off.html", form=form, active="staff.profile"), 422 if form.errors else 200
