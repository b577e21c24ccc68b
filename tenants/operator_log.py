"""运营日志: what operators have done. Lines are added in the transaction of what they tell of, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from tenants.models import OperatorLog, Plant
from tenants.session import platform

SIZE = 50  # lines a page
HERE = ZoneInfo("Asia/Shanghai")  # of the operator's days
ACTIONS = {
    "logged_in": "登录",
    "refused": "登录失败",
    "opened": "开通水厂",
    "changed": "修改水厂",
    "suspended": "停用水厂",
    "resumed": "恢复水厂",
    "archived": "归档水厂",
    "deleted": "删除水厂",
    "support": "申请查看",
    "looked": "进入查看",
    "ended": "结束查看",
    "exported": "导出数据",
    "retried": "重试任务",
    "operator_added": "新增运营人员",
    "operator_changed": "修改运营人员",
    "password": "修改密码",
    "second_step": "两步登录",
}


class By(NamedTuple):
    """Who does it, and from which address; `id` is None for somebody who is not known."""

    id: int | None
    name: str
    address: str


def note(session: Session, by: By, action: str, plant: Plant | None = None, what: str = "") -> None:
    """Add a line to the running transaction."""
    assert action in ACTIONS, action
    session.add(
        OperatorLog(
            at=datetime.now(UTC),
            operator_id=by.id,
            operator=by.name,
            action=action,
            plant_id=plant.id if plant else None,
            plant=f"{plant.name}（{plant.slug}）" if plant else "",
            what=what,
            address=by.address,
        )
    )


class Wanted(NamedTuple):
    """What the page is narrowed to; '' and None: everything."""

    words: str = ""
    operator: str = ""
    day: date | None = None


def _matching(wanted: Wanted) -> Select[Any]:
    line = OperatorLog
    query: Select[Any] = select(line)
    if wanted.words:
        query = query.where(or_(line.plant.icontains(wanted.words, autoescape=True),
                                line.what.icontains(wanted.words, autoescape=True)))  # fmt: skip
    if wanted.operator:
        query = query.where(line.operator == wanted.operator)
    if wanted.day:
        begin = datetime.combine(wanted.day, time(), HERE)
        query = query.where(line.at >= begin, line.at < begin + timedelta(days=1))
    return query


def count(wanted: Wanted) -> int:
    """How many lines there are of it."""
    found = _matching(wanted).subquery()
    with platform() as session:
        return session.scalar(select(func.count()).select_from(found)) or 0


def lines(wanted: Wanted, *, page: int) -> Sequence[OperatorLog]:
    """One page, the youngest first."""
    query = _matching(wanted).order_by(OperatorLog.id.desc())
    with platform() as session:
        return session.scalars(query.limit(SIZE).offset((page - 1) * SIZE)).all()


def of_plant(plant_id: int, *, last: int) -> Sequence[OperatorLog]:
    """The last lines about a plant."""
    query = select(OperatorLog).where(OperatorLog.plant_id == plant_id).order_by(OperatorLog.id.desc()).limit(last)
    with platform() as session:
        return session.scalars(query).all()


def names() -> Sequence[str]:
    """Everybody who stands in the log."""
    with platform() as session:
        known = OperatorLog.operator_id.is_not(None)
        return session.scalars(
            select(OperatorLog.operator).where(known).distinct().order_by(OperatorLog.operator)
        ).all()
