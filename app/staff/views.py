"""Coming in, going out, and what a person changes about themselves."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required, login_user, logout_user

from app.db import db, transaction
from app.errors import DomainError
from app.extensions import login
from app.permissions import Permission, public, requires
from app.staff import service
from app.staff.forms import LoginForm, PasswordForm, ProfileForm
from app.staff.models import StaffUser
from app.web.errors import is_htmx
from app.web.forms import refuse
from app.web.template_helpers import home_url
from tenants import context, passwords

blueprint = Blueprint("staff", __name__, template_folder="templates")
login.login_view = "staff.log_in"
login.login_message = ""


@login.user_loader
def load_user(key: str) -> StaffUser | None:
    """The person of the session; a cookie carried to another plant is nobody there."""
    tenant = context.current_or_none()
    if tenant is None or session.get("plant") != tenant.id:
        return None
    person = db.session.get(StaffUser, int(key))
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


def _let_in(person: StaffUser) -> None:
    session.clear()
    session["plant"] = context.current().id
    session["stamp"] = passwords.stamp(person.password_hash)
    session.permanent = True
    login_user(person)


def _next_page() -> str:
    target = request.values.get("next", "")
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and not urlsplit(target).netloc
    return target if safe else home_url()


@blueprint.route("/login", methods=["GET", "POST"])
@public
def log_in() -> ResponseReturnValue:
    """登录 (figure 1-1)."""
    if current_user.is_authenticated:
        return redirect(_next_page())
    form = LoginForm()
    error = None
    if form.validate_on_submit():
        try:
            with transaction():
                person = service.check_login(form.username.data or "", form.password.data or "")
            _let_in(person)
            if person.must_change_password:
                flash("第一次登录，请先换一个自己的密码。", "success")
                return redirect(url_for("staff.change_password"))
            return redirect(_next_page())
        except DomainError as refused:
            error = refused.message
    status = 422 if request.method == "POST" else 200
    return render_template("staff/login.html", form=form, error=error, next=request.values.get("next", "")), status


@blueprint.post("/logout")
@login_required
@public
def log_out() -> ResponseReturnValue:
    """退出."""
    logout_user()
    session.clear()
    return redirect(url_for("staff.log_in"))


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
    return render_template("staff/profile.html", form=form), 422 if form.errors else 200


@blueprint.route("/me/password", methods=["GET", "POST"])
@requires(Permission.VIEW_HOME)
def change_password() -> ResponseReturnValue:
    """修改密码."""
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            with transaction():
                service.change_password(person=_me(), old=form.old.data or "", new=form.new.data or "")
            _let_in(_me())
            flash("密码修改成功", "success")
            return redirect(url_for("staff.profile"))
        except DomainError as refused:
            refuse(form, refused)
    return render_template("staff/password.html", form=form), 422 if form.errors else 200
