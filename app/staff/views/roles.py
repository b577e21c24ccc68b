"""岗位权限: the matrix of roles and permissions, and changing it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from app import permissions
from app.db import transaction
from app.permissions import ROLES, Permission, requires
from app.staff import roles as matrix
from app.staff.views.blueprint import blueprint
from app.web.forms import saved


@blueprint.route("/staff/roles", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def roles() -> ResponseReturnValue:
    """Who may do what, one row a permission; ticks are changed and saved together."""
    form = FlaskForm()
    if form.validate_on_submit():
        known = {one.value: one for one in Permission}
        wanted = {role: {known[name] for name in request.form.getlist(role) if name in known} for role in ROLES}
        with transaction():
            added = matrix.change_roles(wanted)
        if added:
            flash(f"离不开的也一起勾上了：{'、'.join(added)}。", "success")
        return saved("编辑成功", url_for(".roles"))
    page = render_template(
        "staff/roles.html",
        form=form,
        roles=ROLES,
        groups=matrix.GROUPS,
        may={role: permissions.of_role(role) for role in ROLES},
        is_fixed=matrix.is_fixed,
        is_usual=matrix.is_usual,
        active="staff.people",
        back=url_for(".people"),
        steps=[("员工管理", url_for(".people")), ("岗位权限", None)],
    )
    return page, 422 if form.errors else 200


@blueprint.post("/staff/roles/default")
@requires(Permission.MANAGE_STAFF)
def restore_roles() -> ResponseReturnValue:
    """恢复默认."""
    with transaction():
        matrix.restore_roles()
    flash("已恢复默认的岗位权限", "success")
    return redirect(url_for(".roles"))
