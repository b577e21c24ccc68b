"""Coming in and going out: the login page with its captcha, the session, the first password."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, abort, flash, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required, login_user, logout_user

from app.db import transaction
from app.errors import DomainError
from app.extensions import limiter, login
from app.permissions import public
from app.staff import captcha, queries, service, visitor
from app.staff.forms import LoginForm
from app.staff.models import StaffUser
from app.staff.views.blueprint import blueprint
from app.web.errors import is_htmx
from app.web.forms import refuse
from app.web.template_helpers import home_url
from tenants import context, passwords

login.login_view = "staff.log_in"
login.login_message = ""
NEVER_KEPT = {"Cache-Control": "no-store"}  # 后退 shows no picture that is used up


@login.user_loader
def load_user(key: str) -> StaffUser | visitor.Visitor | None:
    """The person of the session; a cookie carried to another plant is nobody there."""
    tenant = context.current_or_none()
    if tenant is None or session.get("plant") != tenant.id:
        return None
    if key == visitor.KEY:
        return visitor.Visitor(g.support) if g.get("support") else None
    person = queries.logged_in(int(key))
    if person is None or not person.active or session.get("stamp") != passwords.stamp(person.password_hash):
        return None
    return person


@login.unauthorized_handler
def ask_to_log_in() -> ResponseReturnValue:
    """To the login page, and back here afterwards; a fragment asks the whole page to go there."""
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    if is_htmx():  # the page that the fragment would have gone into
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        here = f"{page.path}?{page.query}".rstrip("?") or None
    target = url_for("staff.log_in", next=here)
    if is_htmx():
        return make_response("", 401, {"HX-Redirect": target})
    return redirect(target)


@blueprint.before_app_request
def change_first_password() -> ResponseReturnValue | None:
    """Whoever still has the password that somebody else chose changes it before anything else."""
    free = request.endpoint in ("static", "staff.change_password", "staff.log_out")
    if free or context.current_or_none() is None or not current_user.is_authenticated:
        return None
    return redirect(url_for("staff.change_password")) if current_user.must_change_password else None


def let_in(person: StaffUser) -> None:
    """Open a session for the person."""
    session.clear()
    session["plant"] = context.current().id
    session["stamp"] = passwords.stamp(person.password_hash)
    session.permanent = True
    login_user(person)


def _next_page() -> str:
    target = request.values.get("next", "")
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and not urlsplit(target).netloc
    return target if safe else home_url()


def _where_from() -> str:
    """Plant and address: what somebody does at one plant shuts nobody out of another."""
    return f"{context.current().id}:{request.remote_addr}"


def _was_refused(response: Response) -> bool:
    return response.status_code == 422


def _login_page(form: LoginForm, error: str = "", status: int = 200) -> ResponseReturnValue:
    form.captcha.data = ""
    words = {"error": error, "next": request.values.get("next", ""), "captcha_id": captcha.issue()}
    return render_template("staff/login.html", form=form, **words), status, NEVER_KEPT


def _check(form: LoginForm) -> StaffUser | None:
    """Who has filled the form rightly. Each attempt uses up its captcha, whatever else is wrong."""
    right = captcha.use_up(form.captcha_id.data or "", form.captcha.data or "")
    if not form.validate():
        return None
    if not right:
        raise DomainError("验证码不正确或已过期，请再填一次密码和新的验证码。", field="captcha")
    with transaction():
        return service.check_login(form.username.data or "", form.password.data or "")


@blueprint.route("/login", methods=["GET", "POST"])
@public
@limiter.limit("60 per 15 minutes", key_func=_where_from, methods=["POST"], deduct_when=_was_refused)
def log_in() -> ResponseReturnValue:
    """登录 (figure 1-1)."""
    if current_user.is_authenticated:
        return redirect(_next_page())
    form = LoginForm()
    if request.method == "GET":
        return _login_page(form)
    error = ""
    try:
        person = _check(form)
        if person:
            return _welcome(person)
    except DomainError as refused:
        error = "" if refused.field else refused.message
        refuse(form, refused)
    return _login_page(form, error, 422)


def _welcome(person: StaffUser) -> ResponseReturnValue:
    let_in(person)
    if person.must_change_password:
        flash("第一次登录，请先换一个自己的密码。", "success")
        return redirect(url_for("staff.change_password"))
    return redirect(_next_page())


@blueprint.get("/login/captcha")
@public
def another_captcha() -> ResponseReturnValue:
    """换一张: the part of the login page with a new picture."""
    part = render_template("staff/_captcha.html", captcha_id=captcha.issue(), next=request.args.get("next", ""))
    return part, 200, NEVER_KEPT


@blueprint.get("/login/captcha/<key>.png")
@public
def captcha_picture(key: str) -> ResponseReturnValue:
    """The picture with the four digits."""
    drawn = captcha.picture(key) or abort(404)
    return Response(drawn, mimetype="image/png", headers=NEVER_KEPT)


@blueprint.post("/logout")
@login_required
@public
def log_out() -> ResponseReturnValue:
    """退出."""
    logout_user()
    session.clear()
    return redirect(url_for("staff.log_in"))
