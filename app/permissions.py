"""Who may do what: one enum, one map of what is usual, what a plant has it otherwise, one decorator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from typing import Any

from flask import abort, g, has_request_context
from flask_login import current_user, login_required
from sqlalchemy import text

from app.db import db
from tenants import context


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
    VIEW_ALL_BOOKS = "view_all_books"  # else only the 册 that one reads oneself
    VIEW_ALL_TAKINGS = "view_all_takings"  # else only what one has taken oneself
    SEE_PERSONAL = "see_personal"  # telephones and 身份证 in full, else 138****1234
    MANAGE_STAFF = "manage_staff"
    EDIT_SETTINGS = "edit_settings"
    VIEW_AUDIT = "view_audit"  # 操作日志


P = Permission
_VIEW = {P.VIEW_HOME, P.VIEW_BASICS, P.VIEW_CUSTOMERS, P.VIEW_METERS, P.VIEW_READINGS}

ROLES: dict[str, tuple[str, frozenset[Permission]]] = {
    "manager": ("站长", frozenset(Permission)),
    "cashier": ("收费员", frozenset(_VIEW | {P.VIEW_ALL_BOOKS, P.VIEW_BILLS, P.CHARGE, P.VIEW_REPORTS})),
    "reader": (
        "抄表员",
        frozenset({P.VIEW_HOME, P.VIEW_CUSTOMERS, P.VIEW_METERS, P.VIEW_READINGS, P.ENTER_READINGS}),
    ),
    "accountant": (
        "财务",
        frozenset(
            _VIEW
            | {
                P.VIEW_ALL_BOOKS,
                P.VIEW_BILLS,
                P.VIEW_ALL_TAKINGS,
                P.ISSUE_BILLS,
                P.REVERSE,
                P.VIEW_REPORTS,
                P.EDIT_TARIFFS,
            }
        ),
    ),
    "clerk": (
        "资料员",
        frozenset(
            _VIEW
            | {
                P.VIEW_ALL_BOOKS,
                P.SEE_PERSONAL,
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


MANAGER = "manager"
EVERYBODY = frozenset({P.VIEW_HOME})  # nobody is locked out of the home page, and of the own password
MANAGERS_ONLY = frozenset({P.MANAGE_STAFF})  # whoever has it can make himself 站长
# What cannot be done without something else: whoever is given the one is given the other. Who changes the plant's
# records sees them whole; who sees everybody's money sees everybody.
NEEDS: dict[Permission, frozenset[Permission]] = {
    P.EDIT_BASICS: frozenset({P.VIEW_BASICS, P.VIEW_ALL_BOOKS}),
    P.EDIT_TARIFFS: frozenset({P.VIEW_BASICS}),
    P.EDIT_CUSTOMERS: frozenset({P.VIEW_CUSTOMERS, P.VIEW_ALL_BOOKS, P.SEE_PERSONAL}),
    P.EDIT_METERS: frozenset({P.VIEW_METERS, P.VIEW_ALL_BOOKS}),
    P.ENTER_READINGS: frozenset({P.VIEW_READINGS}),
    P.REVIEW_READINGS: frozenset({P.VIEW_READINGS}),
    P.MANAGE_READERS: frozenset({P.VIEW_READINGS, P.VIEW_ALL_BOOKS, P.SEE_PERSONAL}),
    P.ISSUE_BILLS: frozenset({P.VIEW_BILLS, P.VIEW_ALL_BOOKS}),
    P.CHARGE: frozenset({P.VIEW_BILLS}),
    P.REVERSE: frozenset({P.VIEW_BILLS, P.VIEW_ALL_BOOKS, P.VIEW_ALL_TAKINGS}),
    P.VIEW_ALL_TAKINGS: frozenset({P.VIEW_BILLS, P.VIEW_ALL_BOOKS}),
    P.VIEW_AUDIT: frozenset({P.VIEW_ALL_BOOKS, P.VIEW_ALL_TAKINGS}),
}

# An operator on a support access sees what the plant's people see, personal data masked, and changes nothing.
SUPPORT = "support"
_MAY_LOOK = frozenset(p for p in Permission if p.name.startswith("VIEW_"))

SETTING = "role_permissions"  # the plant's setting: {role: {permission: whether}}, where it differs from what is usual
Changes = Mapping[str, Mapping[str, bool]]


def role_name(role: str) -> str:
    """'站长' for 'manager'."""
    return ROLES[role][0]


def complete(wanted: frozenset[Permission]) -> frozenset[Permission]:
    """With all that it needs."""
    found = wanted.union(EVERYBODY, *(NEEDS.get(one, frozenset()) for one in wanted))
    return found if found == wanted else complete(found)


def changed(role: str, changes: Changes) -> frozenset[Permission]:
    """What the role may where a plant has changed what is usual."""
    usual, otherwise = ROLES[role][1], changes.get(role, {})
    if role == MANAGER or not otherwise:
        return usual
    wanted = {p for p in Permission if otherwise.get(p.value, p in usual)}
    return complete(frozenset(wanted - MANAGERS_ONLY))


def remember(changes: Changes | None) -> None:
    """What the plant has changed: found together with whoever is logged in, so that no page asks for it by itself."""
    g.role_permissions = {role: changed(role, changes or {}) for role in ROLES}


def forget() -> None:
    """It has been changed in this request."""
    g.pop("role_permissions", None)


def of_role(role: str) -> frozenset[Permission]:
    """What the role may at the plant in force."""
    if role == SUPPORT:
        return _MAY_LOOK
    if context.current_or_none() is None:
        return ROLES[role][1]
    if not has_request_context():
        return changed(role, _stored())
    if "role_permissions" not in g:
        remember(_stored())
    found: frozenset[Permission] = g.role_permissions[role]
    return found


def _stored() -> Changes:
    found: Changes | None = db.session.scalar(text("SELECT value FROM setting WHERE key = :key"), {"key": SETTING})
    return found or {}


def allowed(role: str, permission: Permission) -> bool:
    """Whether the role has the permission at the plant in force."""
    return permission in of_role(role)


def can(*permissions: Permission) -> bool:
    """Whether whoever is logged in may do it, all of it (for menus and buttons)."""
    return bool(current_user.is_authenticated) and of_role(current_user.role).issuperset(permissions)


def requires(permission: Permission, *also: Permission) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The view is for those who have the permission, and all others named: else one logs in, or is told so with 403."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not can(permission, *also):
                abort(403)
            return view(*args, **kwargs)

        wrapped: Callable[..., Any] = login_required(guarded)
        wrapped.permission = permission  # type: ignore[attr-defined]
        wrapped.permissions = (permission, *also)  # type: ignore[attr-defined]
        return wrapped

    return decorate


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view is for everybody, logged in or not."""
    view.permission = None  # type: ignore[attr-defined]
    return view
