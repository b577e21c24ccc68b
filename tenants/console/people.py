"""运营人员: who may come to this desk; for owners."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tenants import operators
from tenants.console.blueprint import blueprint
from tenants.console.doors import by, owners_only
from tenants.console.forms import NewOperatorForm, OperatorForm
from tenants.entry import attempts
from tenants.models import Operator
from tenants.provisioning import PlantError

NEVER_KEPT = {"Cache-Control": "no-store"}


def _list(told: tuple[Operator, str] | None = None) -> ResponseReturnValue:
    """Everybody; right after a password was made with it on top, and never again."""
    people = operators.everybody()
    locked = attempts.locked(one.username for one in people)
    return render_template("console/people.html", people=people, locked=locked, told=told), NEVER_KEPT


@blueprint.get("/operators")
@owners_only
def operator_list() -> ResponseReturnValue:
    """运营人员."""
    return _list()


@blueprint.route("/operators/new", methods=["GET", "POST"])
@owners_only
def add_operator() -> ResponseReturnValue:
    """新增运营人员: the first password is told once."""
    form = NewOperatorForm()
    if form.validate_on_submit():
        values = {key: (form[key].data or "").strip() for key in ("username", "name", "role")}
        try:
            return _list(operators.add(**values, by=by()))
        except PlantError as refused:
            form.refuse(refused)
    return render_template("console/person.html", form=form, person=None), 422 if form.errors else 200


@blueprint.route("/operators/<int:operator_id>/edit", methods=["GET", "POST"])
@owners_only
def edit_operator(operator_id: int) -> ResponseReturnValue:
    """修改运营人员: name, role, 停用 or 启用."""
    person = operators.by_id(operator_id) or abort(404)
    form = OperatorForm(obj=person)
    if form.validate_on_submit():
        try:
            operators.change(
                person.id,
                name=(form.name.data or "").strip(),
                role=form.role.data,
                active=bool(form.active.data),
                by=by(),
            )
            flash(f"「{form.name.data}」编辑成功。", "success")
            return redirect(url_for("console.operator_list"))
        except PlantError as refused:
            form.refuse(refused)
    return render_template("console/person.html", form=form, person=person), 422 if form.errors else 200


@blueprint.route("/operators/<int:operator_id>/password", methods=["GET", "POST"])
@owners_only
def reset_operator_password(operator_id: int) -> ResponseReturnValue:
    """重设密码: a new first password, told once."""
    person = operators.by_id(operator_id) or abort(404)
    if by().id == person.id:
        return redirect(url_for("console.change_password"))
    if request.method == "POST":
        return _list(operators.reset_password(person.id, by=by()))
    sentence = f"给「{person.name}」（{person.username}）重设密码？他现在的登录马上失效。"
    return _ask("重设密码", sentence, "重设")


@blueprint.route("/operators/<int:operator_id>/unlocking", methods=["GET", "POST"])
@owners_only
def unlock_operator(operator_id: int) -> ResponseReturnValue:
    """解锁: somebody has mistyped too often, and may try again at once."""
    person = operators.by_id(operator_id) or abort(404)
    if request.method == "POST":
        operators.unlock(person.id, by=by())
        flash(f"「{person.name}」已解锁，可以马上登录，密码没有变。", "success")
        return redirect(url_for("console.operator_list"))
    return _ask("解锁", f"让「{person.name}」（{person.username}）马上能再登录？密码不变。", "解锁")


@blueprint.route("/operators/<int:operator_id>/second-step/off", methods=["GET", "POST"])
@owners_only
def drop_operator_second_step(operator_id: int) -> ResponseReturnValue:
    """关闭两步登录 of somebody whose telephone is lost."""
    person = operators.by_id(operator_id) or abort(404)
    if by().id == person.id:
        return redirect(url_for("console.switch_off"))
    if request.method == "POST":
        operators.switch_off_second_step(person.id, by=by())
        flash(f"「{person.name}」的两步登录已关闭，现在只凭密码登录。", "success")
        return redirect(url_for("console.operator_list"))
    return _ask(
        "关闭两步登录", f"关闭「{person.name}」（{person.username}）的两步登录？请先当面或打电话确认是他本人。", "关闭"
    )


def _ask(title: str, sentence: str, button: str) -> str:
    back = url_for("console.operator_list")
    return render_template("console/ask.html", title=title, sentence=sentence, button=button, back=back)
