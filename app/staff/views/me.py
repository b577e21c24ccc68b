"""What a person changes about themselves."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.db import transaction
from app.errors import DomainError
from app.permissions import Permission, requires
from app.staff import service
from app.staff.forms import PasswordForm, ProfileForm
from app.staff.models import StaffUser
from app.staff.views.blueprint import blueprint
from app.staff.views.door import address, let_in
from app.web.forms import refuse
from tenants import context
from tenants.entry import sittings


def me() -> StaffUser:
    """Whoever is logged in."""
    return current_user._get_current_object()  # type: ignore[no-any-return]


@blueprint.route("/me", methods=["GET", "POST"])
@requires(Permission.VIEW_HOME)
def profile() -> ResponseReturnValue:
    """个人中心 (figure 3.1-1)."""
    form = ProfileForm(obj=me())
    if form.validate_on_submit():
        with transaction():
            service.change_profile(person=me(), name=form.name.data or "", mobile=form.mobile.data or "")
        flash("编辑成功", "success")
        return redirect(url_for("staff.profile"))
    words = {"form": form, "sittings": sittings.all_of(current_user.id), "active": "staff.profile"}
    return render_template("staff/profile.html", **words), 422 if form.errors else 200


@blueprint.route("/me/password", methods=["GET", "POST"])
@requires(Permission.VIEW_HOME)
def change_password() -> ResponseReturnValue:
    """修改密码."""
    plant, person = context.current(), current_user
    form = PasswordForm(about=(person.username, person.name, person.mobile, plant.slug, plant.name))
    if form.validate_on_submit():
        try:
            with transaction():
                service.change_password(
                    person=me(), old=form.old.data or "", new=form.new.data or "", address=address()
                )
            let_in(me())
            flash("密码修改成功", "success")
            return redirect(url_for("staff.profile"))
        except DomainError as refused:
            refuse(form, refused)
    return render_template("staff/password.html", form=form, active="staff.profile"), 422 if form.errors else 200


@blueprint.post("/me/sittings/<key>/end")
@requires(Permission.VIEW_HOME)
def end_sitting(key: str) -> ResponseReturnValue:
    """退出 somewhere else."""
    sittings.end(current_user.id, key)
    flash("那一处已退出登录", "success")
    return redirect(url_for("staff.profile"))


@blueprint.post("/me/sittings/end")
@requires(Permission.VIEW_HOME)
def end_other_sittings() -> ResponseReturnValue:
    """退出 everywhere else."""
    sittings.end_others(current_user.id)
    flash("其他地方都已退出登录", "success")
    return redirect(url_for("staff.profile"))
