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
from app.staff.views.door import let_in
from app.web.forms import refuse


def _me() -> StaffUser:
    return current_user._get_current_object()  # type: ignore[no-any-return]


@blueprint.route("/me", methods=["GET", "POST"])
@requires(Permission.VIEW_HOME)
def profile() -> ResponseReturnValue:
    """个人中心 (figure 3.1-1)."""
    form = ProfileForm(obj=_me())
    if form.validate_on_submit():
        with transaction():
            service.change_profile(person=_me(), name=form.name.data or "", mobile=form.mobile.data or "")
        flash("编辑成功", "success")
        return redirect(url_for("staff.profile"))
    return render_template("staff/profile.html", form=form, active="staff.profile"), 422 if form.errors else 200


@blueprint.route("/me/password", methods=["GET", "POST"])
@requires(Permission.VIEW_HOME)
def change_password() -> ResponseReturnValue:
    """修改密码."""
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            with transaction():
                service.change_password(person=_me(), old=form.old.data or "", new=form.new.data or "")
            let_in(_me())
            flash("密码修改成功", "success")
            return redirect(url_for("staff.profile"))
        except DomainError as refused:
            refuse(form, refused)
    return render_template("staff/password.html", form=form, active="staff.profile"), 422 if form.errors else 200
