"""Who is at the operator's desk."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import redirect, request, session, url_for
from sqlalchemy import select

from tenants import passwords
from tenants.models import Operator
from tenants.session import platform

SESSION_KEY = "operator"


def check_login(username: str, password: str) -> Operator | None:
    """The operator behind user name and password; the same time and answer for every reason why not."""
    with platform() as session_:
        operator = session_.scalar(select(Operator).where(Operator.username == username))
    if not passwords.matches(operator.password_hash if operator else None, password):
        return None
    return operator if operator and operator.active else None


def current_operator() -> Operator | None:
    """Who is logged in; nobody where the password has changed since."""
    key = session.get(SESSION_KEY)
    if not isinstance(key, dict):
        return None
    with platform() as session_:
        operator = session_.get(Operator, key.get("id"))
    known = operator and operator.active and passwords.stamp(operator.password_hash) == key.get("stamp")
    return operator if known else None


def operators_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view is for operators; others are asked to log in."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if current_operator() is None:
            door = url_for("console.log_in")
            # A part of a page that renews itself must not show the door in its place.
            return ("", 204, {"HX-Redirect": door}) if "HX-Request" in request.headers else redirect(door)
        return view(*args, **kwargs)

    guarded.permission = "operator"  # type: ignore[attr-defined]
    return guarded
