"""Who is at the operator's desk."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort, make_response, redirect, render_template, request, session, url_for

from tenants import operators, passwords
from tenants.entry import sittings
from tenants.models import Operator
from tenants.operator_log import By

SESSION_KEY = "operator"
ASKED = "qingqu.operator"  # what a request remembers of the answer
FREE = ("console.change_password", "console.log_out")  # what somebody with a first password may do


def let_in(operator: Operator) -> None:
    """Open a session for the operator."""
    session.clear()
    session.permanent = True
    session[SESSION_KEY] = {"id": operator.id, "stamp": passwords.stamp(operator.password_hash)}
    sittings.begin(operator.id)
    request.environ[ASKED] = operator


def current_operator() -> Operator | None:
    """Who is logged in; nobody where the password has changed since, or the session has ended. Asked once a request."""
    if ASKED not in request.environ:
        request.environ[ASKED] = _of_session()
    found: Operator | None = request.environ[ASKED]
    return found


def _of_session() -> Operator | None:
    key = session.get(SESSION_KEY)
    if not isinstance(key, dict):
        return None
    operator = operators.by_id(key.get("id", 0))
    if operator is None or not operator.active or passwords.stamp(operator.password_hash) != key.get("stamp"):
        return None
    return operator if sittings.goes_on(operator.id) else None


def by() -> By:
    """Whoever is logged in, for the log."""
    operator = current_operator()
    assert operator
    return By(operator.id, operator.name, request.remote_addr or "")


def _guarded(view: Callable[..., Any], role: str) -> Callable[..., Any]:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        operator = current_operator()
        if operator is None:
            door = url_for("console.log_in")
            # A part of a page that renews itself must not show the door in its place.
            return ("", 204, {"HX-Redirect": door}) if "HX-Request" in request.headers else redirect(door)
        if operator.must_change_password and request.endpoint not in FREE:
            return redirect(url_for("console.change_password"))
        if role == "owner" and operator.role != "owner":
            words = {"code": 403, "message": "这项操作要由管理员来做，请找平台的管理员。", "tell": "", "framed": False}
            abort(make_response(render_template("errors/error.html", **words), 403))
        return view(*args, **kwargs)

    guarded.permission = role  # type: ignore[attr-defined]
    return guarded


def operators_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view is for operators; others are asked to log in."""
    return _guarded(view, "operator")


def owners_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view is for operators who are 管理员; 技术支持 is told so with 403."""
    return _guarded(view, "owner")
