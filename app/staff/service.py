"""Accounts of the plant's people."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from sqlalchemy import select

from app import audit, clock
from app.db import after_commit, db
from app.errors import DomainError
from app.permissions import ROLES
from app.staff import queries
from app.staff.models import StaffUser
from tenants import passwords
from tenants.entry import attempts, sittings

WRONG_CODE = "动态码不正确或已用过，请填手机上现在的 6 位数字。"


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
    audit.record("created", "staff_user", person.id, audit.facts(person, "created_at"))
    return person


def check_login(username: str, password: str, *, address: str) -> StaffUser:
    """The person behind user name and password, who with `two_steps` is not in yet. Raises DomainError; a wrong name
    and a wrong password sound the same and take the same time."""
    _begin(username, address)
    person: StaffUser | None = db.session.scalar(select(StaffUser).where(StaffUser.username == username))
    if not passwords.matches(person.password_hash if person else None, password) or person is None:
        raise DomainError(attempts.failed(username, address))
    if person.active and person.two_steps:
        attempts.give_back(username, address)
        return person
    attempts.came_in(username, address)
    if not person.active:
        raise DomainError("这个账号已停用，请联系站长。")
    person.last_login_at = clock.now()
    return person


def check_second_step(person_id: int, stamp: str, code: str, *, address: str) -> StaffUser:
    """The person whose password, of that stamp, was right, and whose code is now. Raises DomainError, with field
    `code` where it is the code."""
    person: StaffUser | None = db.session.get(StaffUser, person_id, with_for_update=True)
    if person is None or not person.active or passwords.stamp(person.password_hash) != stamp:
        raise DomainError("请从用户名和密码重新登录。")
    _begin(person.username, address)
    if not person.passes(code):
        raise DomainError(attempts.failed(person.username, address, WRONG_CODE), field="code")
    attempts.came_in(person.username, address)
    person.last_login_at = clock.now()
    return person


def _begin(username: str, address: str) -> None:
    why_not = attempts.begin(username, address)
    if why_not:
        raise DomainError(why_not)


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
    if not active:
        _put_out(person)


def _put_out(person: StaffUser) -> None:
    """Every session of the person ends."""
    after_commit(lambda: sittings.end_all(person.id))


def unlock(person: StaffUser) -> None:
    """Let somebody try again at once who has mistyped too often; the password stays."""
    audit.record("changed", "staff_user", person.id, {"locked": [True, False]})
    db.session.flush()
    attempts.forget(person.username)


def switch_on_second_step(person: StaffUser, *, secret: str, code: str) -> list[str]:
    """两步登录 from the next login on; recovery codes to be told once. Raises DomainError where the code is not of the
    secret."""
    codes = person.switch_on(secret, code)
    if codes is None:
        raise DomainError("动态码不正确，请核对手机的时间，再填手机上现在的 6 位数字。", field="code")
    audit.record("changed", "staff_user", person.id, {"second_step": [False, True]})
    db.session.flush()
    return codes


def give_up_second_step(person: StaffUser, *, password: str, address: str) -> None:
    """Switch one's own off. Raises DomainError where the password is wrong."""
    _check_own(person, password, address=address, wrong="登录密码不正确，请重新输入。", field="password")
    switch_off_second_step(person)


def switch_off_second_step(person: StaffUser) -> None:
    """The password alone opens the door again: for a colleague whose telephone is lost."""
    if not person.two_steps:
        return
    person.switch_off()
    audit.record("changed", "staff_user", person.id, {"second_step": [True, False]})
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
    _put_out(person)
    return password


def remove_staff(person: StaffUser) -> bool:
    """Erase an account that has left no trace; else disable it and answer False."""
    if queries.has_traces(person.id):
        set_active(person, active=False)
        return False
    audit.record("deleted", "staff_user", person.id, audit.facts(person, "created_at"))
    db.session.delete(person)
    db.session.flush()
    return True


def change_profile(*, person: StaffUser, name: str, mobile: str) -> None:
    """Change the person's own 昵称 and 手机号."""
    audit.assign(person, {"name": name, "mobile": mobile}, name="staff_user")
    db.session.flush()


def _check_own(person: StaffUser, password: str, *, address: str, wrong: str, field: str) -> None:
    """Whoever is logged in knows the password; guesses count as at the door. Raises DomainError."""
    _begin(person.username, address)
    if not passwords.matches(person.password_hash, password):
        raise DomainError(attempts.failed(person.username, address, wrong), field=field)
    attempts.came_in(person.username, address)


def change_password(*, person: StaffUser, old: str, new: str, address: str) -> None:
    """Change the person's own password; ends every other session. Raises DomainError where the old one is wrong."""
    _check_own(person, old, address=address, wrong="原密码不正确，请重新输入。", field="old")
    if old == new:
        raise DomainError("新密码与原密码相同，请换一个。", field="new")
    person.password_hash = passwords.hashed(new)
    person.must_change_password = False
    audit.record("changed", "staff_user", person.id, {"password": "changed"})
    db.session.flush()
    _put_out(person)
