"""One plant: what it is, what was done to it, and what the operator may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import abort, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue

from tenants import lifecycle, operator_log, support
from tenants.console import registry
from tenants.console.blueprint import blueprint
from tenants.console.doors import by, operators_only, owners_only
from tenants.console.forms import DeletionForm, EditForm, ReasonForm, SupportForm
from tenants.provisioning import PlantError
from tenants.session import platform

LINES = 20  # of the log, on the plant's page
# action → title, button, what it means for the plant's people, what is said afterwards
WORDS = {
    "suspended": (
        "停用水厂",
        "停用",
        "停用后，水厂的人打开网站只看到「已暂停使用」和下面的原因，夜间任务也不再做；数据都还在，可以随时恢复。",
        "已停用",
    ),
    "resumed": ("恢复水厂", "恢复", "恢复后，水厂的人马上可以登录，错过的夜间任务会按次序补做。", "已恢复"),
    "archived": (
        "归档水厂",
        "归档",
        f"归档后，网址不再打开，汇总里不再计入；数据还在，可以恢复。归档满 {lifecycle.GRACE.days} 天后才能删除。",
        "已归档",
    ),
}


def _row_or_404(plant_id: int) -> registry.Row:
    return registry.row(plant_id) or abort(404)


@blueprint.get("/plants/<int:plant_id>")
@operators_only
def plant_page(plant_id: int) -> ResponseReturnValue:
    """水厂: size, revision, last night, and the last lines of the log about it."""
    row = _row_or_404(plant_id)
    return render_template(
        "console/plant.html",
        row=row,
        plant_=row.plant,
        states=registry.STATES,
        lines=operator_log.of_plant(plant_id, last=LINES),
        actions=operator_log.ACTIONS,
        deletable_from=lifecycle.deletable_from(row.plant),
    )


def _form_page(template: str, form: Any, row: registry.Row, **words: Any) -> ResponseReturnValue:
    page = render_template(template, form=form, plant_=row.plant, **words)
    return page, 422 if form.errors else 200


@blueprint.route("/plants/<int:plant_id>/edit", methods=["GET", "POST"])
@owners_only
def edit_plant(plant_id: int) -> ResponseReturnValue:
    """修改水厂: name, county, a domain of its own."""
    row = _row_or_404(plant_id)
    form = EditForm(obj=row.plant)
    if form.validate_on_submit():
        values = {key: form[key].data or "" for key in ("name", "county", "domain")}
        try:
            lifecycle.change(plant_id, **values, by=by())
            flash(f"「{values['name']}」编辑成功。", "success")
            return redirect(url_for("console.plant_page", plant_id=plant_id))
        except PlantError as refused:
            form.refuse(refused)
    return _form_page("console/edit_plant.html", form, row)


@blueprint.route("/plants/<int:plant_id>/<any(suspended, resumed, archived):action>", methods=["GET", "POST"])
@owners_only
def move_plant(plant_id: int, action: str) -> ResponseReturnValue:
    """停用, 恢复, 归档: asked on a page that names the plant and says what it means."""
    row, form = _row_or_404(plant_id), ReasonForm()
    title, button, meaning, said = WORDS[action]
    if action == "resumed":
        del form.reason
    if form.validate_on_submit():
        reason = form.reason.data if "reason" in form else ""
        if lifecycle.move(plant_id, action, reason=reason or "", by=by()):
            flash(f"「{row.plant.name}」{said}。", "success")
        else:
            flash(f"「{row.plant.name}」现在是「{registry.STATES[row.plant.state][0]}」，不用{button}。", "error")
        return redirect(url_for("console.plant_page", plant_id=plant_id))
    words = {"title": title, "button": button, "meaning": meaning, "danger": action != "resumed"}
    return _form_page("console/move_plant.html", form, row, **words)


@blueprint.route("/plants/<int:plant_id>/deletion", methods=["GET", "POST"])
@owners_only
def delete_plant(plant_id: int) -> ResponseReturnValue:
    """删除水厂: for good, after the grace period; its export is handed over."""
    row, form, refusal = _row_or_404(plant_id), DeletionForm(), ""
    try:
        lifecycle.check_deletable(row.plant)
    except PlantError as refused:
        refusal = str(refused)
    if form.validate_on_submit():
        try:
            file = lifecycle.delete(plant_id, form.slug.data or "", by=by())
            flash(f"「{row.plant.name}」已删除。", "success")
            return redirect(url_for("console.deleted", file=file.name))
        except PlantError as refused:
            form.refuse(refused)
    return _form_page("console/delete_plant.html", form, row, refusal=refusal)


@blueprint.get("/deleted/<file>")
@owners_only
def deleted(file: str) -> ResponseReturnValue:
    """已删除: where the plant's data is now."""
    return render_template("console/deleted.html", file=_deleted_or_404(file).name)


@blueprint.get("/deleted/<file>/file")
@owners_only
def deleted_file(file: str) -> ResponseReturnValue:
    """下载 the export of a deleted plant."""
    path = _deleted_or_404(file)
    with platform() as session:
        operator_log.note(session, by(), "exported", None, f"已删除水厂的数据 {path.name}")
    return send_file(path, as_attachment=True)


def _deleted_or_404(file: str) -> Path:
    try:
        path = lifecycle.handed_over() / file
    except PlantError:
        abort(404)
    return path if "/" not in file and path.is_file() else abort(404)


@blueprint.route("/plants/<int:plant_id>/support", methods=["GET", "POST"])
@operators_only
def support_access(plant_id: int) -> ResponseReturnValue:
    """进入查看: a link into the plant, good once and for two minutes."""
    row, form, ticket = _row_or_404(plant_id), SupportForm(), ""
    if form.validate_on_submit():
        try:
            ticket = support.issue(
                plant_id, reason=(form.reason.data or "").strip(), minutes=form.minutes.data, by=by()
            )
        except PlantError as refused:
            form.refuse(refused)
    page = render_template("console/support.html", form=form, plant_=row.plant, ticket=ticket)
    return page, 422 if form.errors else 200, {"Cache-Control": "no-store"}
