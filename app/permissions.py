"""Who may do what: one enum, one map, one decorator."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from flask import abort
from flask_login import current_user, login_required


class Permission(StrEnum):
    """A thing a person may be allowed to do."""

    VIEW_HOME = "view_home"
    VIEW_BASICS = "view_basics"  # 定额, 区册, 收费标准
    EDIT_BASICS = "edit_basics"
    EDIT_TARIFFS = "edit_tariffs"
    VIEW_CUSTOMERS = "view_customers"
    EDIT_CUSTOMERS = "edit_customers"
    VIEW_METERS = "view_meters"
    EDIT_METERS = "edit_meters"
    VIEW_READINGS = "view_readings"
    ENTER_READINGS = "enter_readings"
    REVIEW_READINGS = "review_readings"
    MANAGE_READERS = "manage_readers"
    VIEW_BILLS = "view_bills"
    ISSUE_BILLS = "issue_bills"
    CHARGE = "charge"  # 收费, 充值
    REVERSE = "reverse"  # 冲红, 减免, 退款
    VIEW_REPORTS = "view_reports"
    MANAGE_STAFF = "manage_staff"
    EDIT_SETTINGS = "edit_settings"


P = Permission
_VIEW = {P.VIEW_HOME, P.VIEW_BASICS, P.VIEW_CUSTOMERS, P.VIEW_METERS, P.VIEW_READINGS}

ROLES: dict[str, tuple[str, frozenset[Permission]]] = {
    "manager": ("站长", frozenset(Permission)),
    "cashier": ("收费员", frozenset(_VIEW | {P.VIEW_BILLS, P.CHARGE, P.VIEW_REPORTS})),
    "reader": (
        "抄表员",
        frozenset({P.VIEW_HOME, P.VIEW_CUSTOMERS, P.VIEW_METERS, P.VIEW_READINGS, P.ENTER_READINGS}),
    ),
    "accountant": (
        "财务",
        frozenset(_VIEW | {P.VIEW_BILLS, P.ISSUE_BILLS, P.REVERSE, P.VIEW_REPORTS, P.EDIT_TARIFFS}),
    ),
    "clerk": (
        "资料员",
        frozenset(
            _VIEW
            | {
                P.EDIT_BASICS,
                P.EDIT_CUSTOMERS,
                P.EDIT_METERS,
                P.ENTER_READINGS,
                P.REVIEW_READINGS,
                P.MANAGE_READERS,
            }
        ),
    ),
}


# An operator on a support access sees what the plant's people see, and changes nothing.
SUPPORT = "support"
_MAY_LOOK = frozenset(p for p in Permission if p.name.startswith("VIEW_"))


def role_name(role: str) -> str:
    """'站长' for 'manager'."""
    return ROLES[role][0]


def allowed(role: str, permission: Permission) -> bool:
    """Whether the role has the permission."""
    return permission in (_MAY_LOOK if role == SUPPORT else ROLES[role][1])


def can(permission: Permission) -> bool:
    """Whether whoever is logged in may do it (for menus and buttons)."""
    return bool(current_user.is_authenticated) and allowed(current_user.role, permission)


def requires(permission: Permission) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The view is for those who have the permission: others are asked to log in, or told so with 403."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not can(permission):
                abort(403)
            return view(*args, **kwargs)

        wrapped: Callable[..., Any] = login_required(guarded)
        wrapped.permission = permission  # type: ignore[attr-defined]
        return wrapped

    return decorate


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view is for everybody, logged in or not."""
    view.permission = None  # type: ignore[attr-defined]
    return view
