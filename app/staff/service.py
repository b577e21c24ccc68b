"""Accounts of the plant's people."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from sqlalchemy import select

from app import audit, clock
from app.db import db
from app.errors import DomainError
from app.permissions import ROLES
from app.staff import attempts, queries
from app.staff.models import StaffUser
from tenants import passwords


def create_staff(
    *, username: str, password: str, name: str, role: str, mobile: str = "", must_change: bool = False
) -> StaffUser:
    """Add an account. Raises DomainError where the user name is taken."""
    assert role in ROLES, role
    if db.session.scalar(select(StaffUser.id).where(StaffUser.username == username)):
        raise DomainError(f"用户名「{username}」已存在，请换一个。", field="username")
    person = StaffUser(
        username=username,
        password_hash=passwords.hashed(password),
        name=name,
        mobile=mobile,
        role=role,
        must_change_password=must_change,
        created_at=clock.now(),
    )
    db.session.add(person)
    db.session.flush()
    audit.record("created", "staff_user", person.id, {"username": username, "role": role})
    return person


def check_login(username: str, password: str) -> StaffUser:
    """The person behind user name and password. Raises DomainError; a wrong name and a wrong password sound the same."""
    attempts.begin(username)
    person: StaffUser | None = db.session.scalar(select(StaffUser).where(StaffUser.username == username))
    if not passwords.matches(person.password_hash if person else None, password) or person is None:
        raise DomainError(attempts.failed(username))
    attempts.forget(username)
    if not person.active:
        raise DomainError("这个账号已停用，请联系站长。")
    person.last_login_at = clock.now()
    return person


def first_password() -> str:
    """A password to be told once and changed at the first login: four letters, four digits, none to be mistaken."""
    letters, digits = "abcdefhjkmnpqrstuvwxyz", "23456789"
    return "".join(secrets.choice(letters) for _ in range(4)) + "".join(secrets.choice(digits) for _ in range(4))


def hire(*, username: str, name: str, role: str, mobile: str = "") -> tuple[StaffUser, str]:
    """A new colleague with a first password, which is returned and kept nowhere."""
    password = first_password()
    person = create_staff(username=username, password=password, name=name, role=role, mobile=mobile, must_change=True)
    return person, password


def change_staff(person: StaffUser, values: Mapping[str, object]) -> None:
    """Change 姓名, 手机号 or 岗位. Raises DomainError where nobody would be 站长 any more."""
    if values.get("role", person.role) != "manager":
        _keep_a_manager(person)
    audit.assign(person, values, name="staff_user")
    db.session.flush()


def set_active(person: StaffUser, *, active: bool) -> None:
    """停用 or 启用; a disabled person is out at once. Raises DomainError where nobody would be 站长 any more."""
    if not active:
        _keep_a_manager(person)
    audit.assign(person, {"active": active}, name="staff_user")
    db.session.flush()


def _keep_a_manager(person: StaffUser) -> None:
    """Somebody else is 站长; all of them locked, so that two cannot dismiss each other at once."""
    if person.role != "manager" or not person.active:
        return
    if queries.lock_managers() == [person.id]:
        raise DomainError(f"「{person.name}」是唯一在用的站长，请先让另一个人当站长。")


def reset_password(person: StaffUser) -> str:
    """A new first password, which is returned; ends every session of the person and any lock on the name."""
    password = first_password()
    person.password_hash = passwords.hashed(password)
    person.must_change_password = True
    audit.record("changed", "staff_user", person.id, {"password": "reset"})
    db.session.flush()
    attempts.forget(person.username)
    return password


def remove_staff(person: StaffUser) -> bool:
    """Erase an account that has left no trace; else disable it and answer False."""
    if queries.has_traces(person.id):
        set_active(person, active=False)
        return False
    audit.record("deleted", "staff_user", person.id, {"username": person.username, "name": person.name})
    db.session.delete(person)
    db.session.flush()
    return True


def change_profile(*, person: StaffUser, name: str, mobile: str) -> None:
    """Change the person's own 昵称 and 手机号."""
    audit.assign(person, {"name": name, "mobile": mobile}, name="staff_user")
    db.session.flush()


def change_password(*, person: StaffUser, old: str, new: str) -> None:
    """Change the person's own password; ends every other session. Raises DomainError where the old one is wrong."""
    if not passwords.matches(person.password_hash, old):
        raise DomainError("原密码不正确，请重新输入。", field="old")
    if old == new:
        raise DomainError("新密码与原密码相同，请换一个。", field="new")
    person.password_hash = passwords.hashed(new)
    person.must_change_password = False
    audit.record("changed", "staff_user", person.id, {"password": "changed"})
    db.session.flush()
