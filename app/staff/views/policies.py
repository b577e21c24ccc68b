"""参数设置: how this plant does what plants do differently."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from app import audit
from app.db import after_commit, db, transaction
from app.permissions import Permission, requires
from app.staff import settings
from app.staff.policies import POLICIES, PolicyForm
from app.staff.views.blueprint import blueprint
from app.web.forms import saved
from tenants import calendar, context


@blueprint.route("/settings", methods=["GET", "POST"])
@requires(Permission.EDIT_SETTINGS)
def policies() -> ResponseReturnValue:
    """Look at and change the policies; what really changed goes to the log."""
    plant = context.current().id
    kept = {name: settings.get(name) for name in POLICIES}
    db.session.close()  # never two connections at once; whoever is logged in has been read
    before = kept | calendar.read(plant)
    form = PolicyForm(data=before)
    if form.validate_on_submit():
        changes = {name: [old, form.chosen(name)] for name, old in before.items() if form.chosen(name) != old}
        with transaction():
            for name in changes.keys() & set(POLICIES):
                settings.put(name, changes[name][1])
            if changes:
                audit.record("changed", "setting", None, changes)
            days = {name: changes[name][1] for name in changes.keys() & set(calendar.DAYS)}
            after_commit(lambda: calendar.change(plant, days))
        return saved("编辑成功", url_for("staff.policies"))
    return render_template(
        "staff/policies.html", form=form, back=url_for("dashboard.home")
    ), 422 if form.errors else 200
