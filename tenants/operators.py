"""平台运营人员: who may come to the operator's desk, and as what."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tenants import operator_log, passwords
from tenants.models import Operator, OperatorLog
from tenants.operator_log import By
from tenants.provisioning import PlantError
from tenants.session import platform

# An owner does everything; support looks, tries nights again, and asks for access to a plant.
ROLES = {"owner": "管理员", "support": "技术支持"}
FAILURES, WINDOW = 10, timedelta(minutes=15)  # wrong passwords of a name, or from an address, before it is shut out


def check_login(username: str, password: str, *, address: str) -> Operator | None:
    """The operator behind user name and password; the same time and answer for every reason why not. PlantError
    where too many have failed."""
    with platform() as session:
        line = OperatorLog
        failed = select(func.count()).where(line.action == "refused", line.at > datetime.now(UTC) - WINDOW)
        if session.scalar(failed.where((line.what == username) | (line.address == address))) >= FAILURES:  # type: ignore[operator]
            raise PlantError(f"错的次数太多，请过 {WINDOW.seconds // 60} 分钟再试。", field="username")
        operator = session.scalar(select(Operator).where(Operator.username == username))
    right = passwords.matches(operator.password_hash if operator else None, password)
    found = operator if right and operator and operator.active else None
    with platform() as session:
        if found:
            operator_log.note(session, By(found.id, found.name, address), "logged_in")
        else:
            operator_log.note(session, By(None, "—", address), "refused", what=username)
    return found


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


def reset_password(operator_id: int, *, by: By) -> tuple[Operator, str]:
    """A new first password; every session of theirs ends."""
    password = first_password()
    with platform() as session:
        operator = session.get_one(Operator, operator_id, with_for_update=True)
        operator.password_hash, operator.must_change_password = passwords.hashed(password), True
        operator_log.note(session, by, "operator_changed", what=f"{operator.name}（{operator.username}），重设密码")
    return operator, password


def change_password(operator_id: int, *, old: str, new: str, by: By) -> Operator:
    """One's own. PlantError where the old one is wrong, or the new one the same."""
    with platform() as session:
        operator = session.get_one(Operator, operator_id, with_for_update=True)
        if not passwords.matches(operator.password_hash, old):
            raise PlantError("原密码不正确，请重新输入。", field="old")
        if old == new:
            raise PlantError("新密码与原密码相同，请换一个。", field="new")
        operator.password_hash, operator.must_change_password = passwords.hashed(new), False
        operator_log.note(session, by, "password")
    return operator
