"""平台运营人员: who may come to the operator's desk, and as what."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tenants import operator_log, passwords
from tenants.entry import attempts, sittings
from tenants.models import Operator
from tenants.operator_log import By
from tenants.provisioning import PlantError
from tenants.session import platform

# An owner does everything; support looks, tries nights again, and asks for access to a plant.
ROLES = {"owner": "管理员", "support": "技术支持"}
WRONG_CODE = "动态码不正确或已用过，请填手机上现在的 6 位数字。"


def check_login(username: str, password: str, *, address: str) -> Operator:
    """The operator behind user name and password, who with `two_steps` is not in yet. PlantError with the same sentence
    after the same time for every reason why not, and another where too many have failed."""
    _begin(username, address)
    with platform() as session:
        operator = session.scalar(select(Operator).where(Operator.username == username))
    right = passwords.matches(operator.password_hash if operator else None, password)
    if not right or operator is None or not operator.active:
        raise _refused(username, address, attempts.WRONG)
    if operator.two_steps:
        attempts.give_back(username, address)
        return operator
    with platform() as session:
        _came_in(session, operator, address)
    return operator


def check_second_step(operator_id: int, stamp: str, code: str, *, address: str) -> Operator:
    """The operator whose password, of that stamp, was right, and whose code is now. PlantError."""
    operator = by_id(operator_id)
    if operator is None or not operator.active or passwords.stamp(operator.password_hash) != stamp:
        raise PlantError("请从用户名和密码重新登录。", field="")
    _begin(operator.username, address)
    with platform() as session:
        operator = session.get_one(Operator, operator_id, with_for_update=True)
        if operator.passes(code):
            _came_in(session, operator, address)
            return operator
    raise _refused(operator.username, address, WRONG_CODE)


def _begin(username: str, address: str) -> None:
    why_not = attempts.begin(username, address)
    if why_not:
        raise PlantError(why_not, field="")


def _refused(username: str, address: str, wrong: str) -> PlantError:
    with platform() as session:
        operator_log.note(session, By(None, "—", address), "refused", what=username)
    return PlantError(attempts.failed(username, address, wrong), field="code" if wrong == WRONG_CODE else "")


def _came_in(session: Session, operator: Operator, address: str) -> None:
    attempts.came_in(operator.username, address)
    operator_log.note(session, By(operator.id, operator.name, address), "logged_in")


def everybody() -> Sequence[Operator]:
    """All of them, those who work first."""
    with platform() as session:
        return session.scalars(select(Operator).order_by(Operator.active.desc(), Operator.username)).all()


def by_id(operator_id: int) -> Operator | None:
    """An operator by the key."""
    with platform() as session:
        return session.get(Operator, operator_id)


def first_password() -> str:
    """To be told once, and changed at the first login."""
    return secrets.token_urlsafe(9)


def add(*, username: str, name: str, role: str, by: By) -> tuple[Operator, str]:
    """A new operator with a first password, which is kept nowhere. PlantError where the user name is taken."""
    password = first_password()
    operator = Operator(
        username=username,
        name=name,
        role=role,
        password_hash=passwords.hashed(password),
        active=True,
        must_change_password=True,
        created_at=datetime.now(UTC),
    )
    try:
        with platform() as session:
            session.add(operator)
            session.flush()
            operator_log.note(session, by, "operator_added", what=f"{name}（{username}），{ROLES[role]}")
    except IntegrityError as error:
        raise PlantError(f"用户名「{username}」已有人用，请换一个。", field="username") from error
    return operator, password


def change(operator_id: int, *, name: str, role: str, active: bool, by: By) -> None:
    """Another name or role, 停用 or 启用. PlantError for oneself: so an owner always remains."""
    with platform() as session:
        operator = session.get_one(Operator, operator_id, with_for_update=True)
        if operator.id == by.id and (role, active) != (operator.role, operator.active):
            raise PlantError("不能改自己的角色和状态，请让另一位管理员来改。", field="role")
        told = f"{name}（{operator.username}），{ROLES[role]}，{'在用' if active else '停用'}"
        operator.name, operator.role, operator.active = name, role, active
        operator_log.note(session, by, "operator_changed", what=told)
    if not active:
        sittings.end_all(operator_id)


def reset_password(operator_id: int, *, by: By) -> tuple[Operator, str]:
    """A new first password; every session of theirs ends."""
    password = first_password()
    with platform() as session:
        operator = session.get_one(Operator, operator_id, with_for_update=True)
        operator.password_hash, operator.must_change_password = passwords.hashed(password), True
        operator_log.note(session, by, "operator_changed", what=f"{operator.name}（{operator.username}），重设密码")
    sittings.end_all(operator_id)
    attempts.forget(operator.username)
    return operator, password


def unlock(operator_id: int, *, by: By) -> Operator:
    """Let somebody try again at once who has mistyped too often; the password stays."""
    with platform() as session:
        operator = session.get_one(Operator, operator_id)
        operator_log.note(session, by, "operator_changed", what=f"{operator.name}（{operator.username}），解锁")
    attempts.forget(operator.username)
    return operator


def switch_on_second_step(operator_id: int, *, secret: str, code: str, by: By) -> list[str]:
    """两步登录 from the next login on; recovery codes to be told once. PlantError where the code is not of the secret."""
    with platform() as session:
        operator = session.get_one(Operator, operator_id, with_for_update=True)
        codes = operator.switch_on(secret, code)
        if codes is None:
            raise PlantError("动态码不正确，请核对手机的时间，再填手机上现在的 6 位数字。", field="code")
        operator_log.note(session, by, "second_step", what=f"{operator.name}（{operator.username}），开启")
    return codes


def switch_off_second_step(operator_id: int, *, by: By) -> Operator:
    """The password alone opens the door again: an owner does it for who lost the telephone."""
    with platform() as session:
        operator = session.get_one(Operator, operator_id, with_for_update=True)
        operator.switch_off()
        operator_log.note(session, by, "second_step", what=f"{operator.name}（{operator.username}），关闭")
    return operator


def give_up_second_step(operator_id: int, *, password: str, by: By) -> None:
    """Switch one's own off. PlantError where the password is wrong."""
    _check_own(operator_id, password, by=by, wrong="登录密码不正确，请重新输入。", field="password")
    switch_off_second_step(operator_id, by=by)


def _check_own(operator_id: int, password: str, *, by: By, wrong: str, field: str) -> None:
    """Whoever is logged in knows the password; guesses count as at the door. PlantError."""
    operator = by_id(operator_id)
    assert operator
    _begin(operator.username, by.address)
    if not passwords.matches(operator.password_hash, password):
        raise PlantError(attempts.failed(operator.username, by.address, wrong), field=field)
    attempts.came_in(operator.username, by.address)


def change_password(operator_id: int, *, old: str, new: str, by: By) -> Operator:
    """One's own; ends every other session. PlantError where the old one is wrong, or the new one the same."""
    _check_own(operator_id, old, by=by, wrong="原密码不正确，请重新输入。", field="old")
    with platform() as session:
        operator = session.get_one(Operator, operator_id, with_for_update=True)
        if old == new:
            raise PlantError("新密码与原密码相同，请换一个。", field="new")
        operator.password_hash, operator.must_change_password = passwords.hashed(new), False
        operator_log.note(session, by, "password")
    sittings.end_all(operator_id)
    return operator
