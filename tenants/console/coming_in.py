"""运营台登录: the operator's door. It asks for a 验证码 where an address has failed a few times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from tenants import operators
from tenants.console.blueprint import blueprint
from tenants.console.doors import by, let_in, operators_only
from tenants.console.forms import CodeForm, LoginForm
from tenants.entry import attempts, captcha, halfway, sittings
from tenants.models import Operator
from tenants.provisioning import PlantError

NEVER_KEPT = {"Cache-Control": "no-store"}


def _for_everybody(path: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A page before the login."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        view.permission = None  # type: ignore[attr-defined]
        blueprint.add_url_rule(path, view_func=view, **options)
        return view

    return decorate


def _address() -> str:
    return request.remote_addr or ""


def _new_captcha() -> dict[str, str]:
    """A picture, or a question in words where somebody has chosen that; nothing where none is needed."""
    if not attempts.is_suspect(_address()):
        return {}
    in_words = bool(request.values.get("in_words"))
    key = captcha.issue(in_words=in_words)
    return {"captcha_id": key, "question": captcha.question(key), "in_words": "1" if in_words else ""}


@_for_everybody("/login", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """运营台登录."""
    form, error = LoginForm(), ""
    if form.validate_on_submit():
        try:
            return _welcome(_check(form))
        except PlantError as refused:
            error = str(refused)
    form.captcha.data = ""
    page = render_template("console/login.html", form=form, error=error, **_new_captcha())
    return page, 422 if request.method == "POST" else 200, NEVER_KEPT


def _check(form: LoginForm) -> Operator:
    """Who has filled the form rightly. PlantError."""
    if attempts.is_suspect(_address()) and not captcha.use_up(form.captcha_id.data or "", form.captcha.data or ""):
        raise PlantError("验证码不正确或已过期，请再填一次密码和新的验证码。", field="")
    return operators.check_login((form.username.data or "").strip(), form.password.data or "", address=_address())


def _welcome(operator: Operator) -> ResponseReturnValue:
    if operator.two_steps:
        halfway.stop(operator.id, operator.password_hash)
        return redirect(url_for("console.second_step"))
    let_in(operator)
    return redirect(url_for("console.plants"))


@_for_everybody("/login/code", methods=["GET", "POST"])
def second_step() -> ResponseReturnValue:
    """两步登录: the code of the telephone, after the password."""
    who = halfway.who()
    if who is None:
        return redirect(url_for("console.log_in"))
    form = CodeForm()
    if form.validate_on_submit():
        try:
            let_in(operators.check_second_step(who.person_id, who.stamp, form.code.data or "", address=_address()))
            return redirect(url_for("console.plants"))
        except PlantError as refused:
            form.refuse(refused)
    form.code.data = ""
    page = render_template("entry/code.html", form=form, start=url_for("console.log_in"))
    return page, 422 if form.errors else 200, NEVER_KEPT


@_for_everybody("/login/captcha")
def another_captcha() -> ResponseReturnValue:
    """换一张: the part of the login page with a new picture."""
    return render_template("entry/_captcha.html", door="console", **_new_captcha()), NEVER_KEPT


@_for_everybody("/login/captcha/<key>.png")
def captcha_picture(key: str) -> ResponseReturnValue:
    """The picture with the four digits."""
    drawn = captcha.picture(key) or abort(404)
    return Response(drawn, mimetype="image/png", headers=NEVER_KEPT)


@blueprint.post("/logout")
@operators_only
def log_out() -> ResponseReturnValue:
    """退出."""
    sittings.end(by().id or 0, session.get(sittings.KEY, ""))
    session.clear()
    return redirect(url_for("console.log_in"))
