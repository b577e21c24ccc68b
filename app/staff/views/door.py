"""Coming in and going out: the login page with its captcha, the session, the first password."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, abort, flash, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required, login_user, logout_user

from app.db import transaction
from app.errors import DomainError
from app.extensions import login
from app.permissions import public
from app.staff import queries, service, visitor
from app.staff.forms import CodeForm, LoginForm
from app.staff.models import StaffUser
from app.staff.views.blueprint import blueprint
from app.web.errors import is_htmx
from app.web.forms import refuse
from app.web.template_helpers import home_url
from tenants import context, passwords
from tenants.entry import captcha, halfway, sittings

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
    return person if sittings.goes_on(person.id) else None


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
    if not current_user.must_change_password:
        return None
    door = url_for("staff.change_password")
    return make_response("", 204, {"HX-Redirect": door}) if is_htmx() else redirect(door)


def let_in(person: StaffUser) -> None:
    """Open a session for the person."""
    session.clear()
    session["plant"] = context.current().id
    session["stamp"] = passwords.stamp(person.password_hash)
    session.permanent = True
    sittings.begin(person.id)
    login_user(person)


def _next_page() -> str:
    target = request.values.get("next", "")
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and not urlsplit(target).netloc
    return target if safe else home_url()


def _login_page(form: LoginForm, error: str = "", status: int = 200) -> ResponseReturnValue:
    form.captcha.data = ""
    words = {"error": error, "next": request.values.get("next", "")}
    return render_template("staff/login.html", form=form, **words, **_new_captcha()), status, NEVER_KEPT


def _new_captcha() -> dict[str, str]:
    """What the login page shows of a 验证码: a picture, or a question in words where somebody has chosen that."""
    in_words = bool(request.values.get("in_words"))
    key = captcha.issue(in_words=in_words)
    return {"captcha_id": key, "question": captcha.question(key), "in_words": "1" if in_words else ""}


def _check(form: LoginForm) -> StaffUser | None:
    """Who has filled the form rightly. Each attempt uses up its captcha, whatever else is wrong."""
    right = captcha.use_up(form.captcha_id.data or "", form.captcha.data or "")
    if not form.validate():
        return None
    if not right:
        raise DomainError("验证码不正确或已过期，请再填一次密码和新的验证码。", field="captcha")
    with transaction():
        return service.check_login(form.username.data or "", form.password.data or "", address=address())


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or ""


@blueprint.route("/login", methods=["GET", "POST"])
@public
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
        if person and person.two_steps:
            halfway.stop(person.id, person.password_hash, _next_page())
            return redirect(url_for("staff.second_step"))
        if person:
            return _welcome(person, _next_page())
    except DomainError as refused:
        error = "" if refused.field else refused.message
        refuse(form, refused)
    return _login_page(form, error, 422)


@blueprint.route("/login/code", methods=["GET", "POST"])
@public
def second_step() -> ResponseReturnValue:
    """两步登录: the code of the telephone, after the password."""
    who = halfway.who()
    if who is None:
        return redirect(url_for("staff.log_in"))
    form = CodeForm()
    if form.validate_on_submit():
        try:
            with transaction():
                person = service.check_second_step(who.person_id, who.stamp, form.code.data or "", address=address())
            return _welcome(person, who.target)
        except DomainError as refused:
            refuse(form, refused)
    form.code.data = ""
    words = {"form": form, "start": url_for("staff.log_in")}
    return render_template("entry/code.html", **words), 422 if form.errors else 200, NEVER_KEPT


def _welcome(person: StaffUser, target: str) -> ResponseReturnValue:
    let_in(person)
    if person.must_change_password:
        flash("第一次登录，请先换一个自己的密码。", "success")
        return redirect(url_for("staff.change_password"))
    return redirect(target)


@blueprint.get("/login/captcha")
@public
def another_captcha() -> ResponseReturnValue:
    """换一张: the part of the login page with a new picture."""
    part = render_template("entry/_captcha.html", door="staff", next=request.args.get("next", ""), **_new_captcha())
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
    sittings.end(current_user.id, session.get(sittings.KEY, ""))
    logout_user()
    session.clear()
    return redirect(url_for("staff.log_in"))
