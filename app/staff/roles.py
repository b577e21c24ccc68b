"""岗位权限: what each role may at this plant, in the words and the order of the menu."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import NamedTuple

from app import audit, permissions
from app.permissions import ROLES
from app.permissions import Permission as P
from app.staff import settings


class Right(NamedTuple):
    """A row of the matrix: a permission in plain words, and what is so without it where that is not plain."""

    permission: P
    words: str
    without: str = ""


GROUPS: tuple[tuple[str, tuple[Right, ...]], ...] = (
    ("首页", (Right(P.VIEW_HOME, "看首页，改自己的资料和密码"),)),
    (
        "基础信息管理、收费标准",
        (
            Right(P.VIEW_BASICS, "看定额、区册和收费标准"),
            Right(P.EDIT_BASICS, "改定额和区册"),
            Right(P.EDIT_TARIFFS, "改收费标准"),
        ),
    ),
    (
        "水表管理",
        (
            Right(P.VIEW_METERS, "看水表和水表性质"),
            Right(P.EDIT_METERS, "新增、修改、绑定、换表、停表"),
        ),
    ),
    (
        "用户管理信息",
        (
            Right(P.VIEW_CUSTOMERS, "看用户档案"),
            Right(P.EDIT_CUSTOMERS, "新增、修改、导入、销户"),
            Right(P.SEE_PERSONAL, "看完整的手机号、身份证号", "不勾只显示 138****1234"),
        ),
    ),
    (
        "抄表管理",
        (
            Right(P.VIEW_READINGS, "看抄表记录"),
            Right(P.ENTER_READINGS, "录入、导入抄表"),
            Right(P.REVIEW_READINGS, "复核、更正异常读数"),
            Right(P.MANAGE_READERS, "管抄表员、分配区册"),
            Right(P.VIEW_ALL_BOOKS, "看全部区册的用户", "不勾只看分给自己的册"),
        ),
    ),
    (
        "缴费管理",
        (
            Right(P.VIEW_BILLS, "看账单、缴费订单、日结"),
            Right(P.CHARGE, "收费、充值"),
            Right(P.REVERSE, "冲红、减免、退款"),
            Right(P.VIEW_ALL_TAKINGS, "看所有人收的钱", "不勾只看自己收的"),
        ),
    ),
    ("水费报表统计", (Right(P.VIEW_REPORTS, "看统计报表"),)),
    (
        "水厂管理",
        (
            Right(P.ISSUE_BILLS, "开账、夜间任务"),
            Right(P.EDIT_SETTINGS, "参数设置"),
            Right(P.MANAGE_STAFF, "员工管理、岗位权限"),
            Right(P.VIEW_AUDIT, "看操作日志"),
        ),
    ),
)
WORDS = {right.permission: right.words for _, rights in GROUPS for right in rights}


def is_fixed(role: str, permission: P) -> bool:
    """Whether it is so at every plant: 站长 may everything, everybody the home page, nobody else 员工管理."""
    return role == permissions.MANAGER or permission in permissions.EVERYBODY | permissions.MANAGERS_ONLY


def is_usual(role: str, permission: P) -> bool:
    """Whether the role has it where a plant has changed nothing."""
    return permission in ROLES[role][1]


def change_roles(wanted: Mapping[str, Set[P]]) -> list[str]:
    """Let each role do what is wanted and what that needs; answers in words what was added for that.

    What really changes goes to the log, a field for each role and permission. 站长 and what is fixed stay as they are.
    """
    before = {role: permissions.of_role(role) for role in ROLES}
    after, added = {}, []
    for role, (name, usual) in ROLES.items():
        asked = {p for p in P if (p in usual if is_fixed(role, p) else p in wanted.get(role, ()))}
        after[role] = permissions.complete(frozenset(asked))
        added += [f"{name}的「{WORDS[p]}」" for p in P if p in after[role] - asked]
    changes = {
        f"{role}.{p.value}": [p in before[role], p in after[role]]
        for role in ROLES
        for p in P
        if (p in before[role]) != (p in after[role])
    }
    if changes:
        otherwise = {
            role: {p.value: p in after[role] for p in P if (p in after[role]) != is_usual(role, p)} for role in ROLES
        }
        settings.put(permissions.SETTING, {role: of for role, of in otherwise.items() if of})
        audit.record("changed", "role", None, changes)
        permissions.forget()
    return added


def restore_roles() -> None:
    """恢复默认: every role may again what is usual."""
    change_roles({role: usual for role, (_, usual) in ROLES.items()})
