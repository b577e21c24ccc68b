"""Accounts of the plant's people."""

from __future__ import annotations

from sqlalchemy import select

from app import audit, clock
from app.db import db
from app.errors import DomainError
from app.permissions import ROLES
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
    """The person behind user name and password. Raises DomainError with one answer for every reason."""
    person: StaffUser | None = db.session.scalar(select(StaffUser).where(StaffUser.username == username))
    if not passwords.matches(person.password_hash if person else None, password) or person is None:
        raise DomainError("用户名或密码不正确，请重新输入。")
    if not person.active:
        raise DomainError("这个账号已停用，请联系站长。")
    person.last_login_at = clock.now()
    return person


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
