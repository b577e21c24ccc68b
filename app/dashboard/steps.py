"""第一步做什么: what an empty plant has to do first, ticked off by what is there."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text

from app.db import db
from app.permissions import Permission as P

_THERE = text("""
    SELECT EXISTS (SELECT FROM route), EXISTS (SELECT FROM tariff_version), EXISTS (SELECT FROM customer),
           EXISTS (SELECT FROM route WHERE reader_id IS NOT NULL), EXISTS (SELECT FROM reading)
""")


class Step(NamedTuple):
    """A step: its words, what it is for, the first page of `endpoints` that there is, and who may."""

    label: str
    hint: str
    endpoints: tuple[str, ...]
    permission: P
    done: bool = False


_STEPS = (
    Step("区册", "按抄表的路线分区、分册。", ("areas.index",), P.EDIT_BASICS),
    Step("收费标准", "每种用水多少钱一吨，阶梯怎么分。", ("tariffs.index",), P.EDIT_TARIFFS),
    Step("用户", "把用户登记册整本导入，或一户一户录。", ("intake.customers", "customers.index"), P.EDIT_CUSTOMERS),
    Step("抄表员", "给抄表员开账号，分好各人抄的册。", ("areas.readers", "areas.scope"), P.MANAGE_READERS),
    Step("抄表", "选一册，录入第一个月的止码。", ("readings.books",), P.ENTER_READINGS),
)


def first_steps() -> list[Step]:
    """The five steps with what is done; none where all are."""
    done = db.session.execute(_THERE).one()
    if all(done):
        return []
    return [step._replace(done=there) for step, there in zip(_STEPS, done, strict=True)]
