"""变更记录 of one customer: who changed what of it, its meters and its bindings, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, or_, select

from app import personal
from app.areas import queries as areas
from app.audit import AuditEntry
from app.customers import queries
from app.customers.models import Customer
from app.metering.models import Meter, MeterBinding
from app.tariffs import queries as tariffs
from app.web.tables import Column, Table

DONE = {
    ("customer", "created"): "新增用户",
    ("customer", "changed"): "修改资料",
    ("meter", "created"): "新增水表",
    ("meter", "changed"): "修改水表",
    ("meter", "bound"): "绑定水表",
    ("meter", "unbound"): "解绑水表",
    ("meter", "replaced"): "换表",
    ("meter", "stopped"): "停表",
    ("meter", "resumed"): "恢复用水",
    ("meter_binding", "changed"): "水表性质变更",
}
FIELDS = {
    "customer_no": "户号", "holder": "户名", "phone": "电话", "id_card": "身份证", "address": "地址", "route_id": "区册",
    "route_seq": "册内序号", "people": "人口", "use_category_id": "水表性质", "charged_by_meter": "是否抄表水费",
    "auto_deduct": "自动扣费", "quota_id": "定额", "quota_units": "定额数量", "area": "面积", "state": "状态",
    "closed_on": "销户日期", "note": "备注", "meter_no": "表号", "bore": "口径", "meter_type": "水表类型", "maker": "厂家",
    "installed_on": "安装日期", "dial_modulus": "量程", "initial_reading": "底数", "master_meter_id": "总表",
    "start_reading": "起始读数", "end_reading": "止码", "closing_reading": "旧表止码", "new_meter_no": "新表号",
    "carried_volume": "旧表未计水量", "on": "日期", "reading": "读数", "reason": "原因", "effective_from": "生效日期",
}  # fmt: skip
WORDS = {"active": "正常", "closed": "销户", "in_use": "在用", "stopped": "停表", "retired": "停用"}
PERSONAL = {"phone": personal.phone, "id_card": personal.id_card}
HIDDEN = {"binding_id"}


def _of_meters(customer_id: int) -> ColumnElement[bool]:
    """Lines about a meter of the time when it was the customer's."""
    day = func.date(AuditEntry.at)
    number = select(Customer.customer_no).where(Customer.id == customer_id).scalar_subquery()
    theirs = or_(
        and_(AuditEntry.action == "bound", AuditEntry.changes["customer_no"].astext == number),
        and_(AuditEntry.action == "unbound", AuditEntry.changes["binding_id"].astext == cast(MeterBinding.id, String)),
        and_(
            AuditEntry.action.not_in(("bound", "unbound")),
            day >= MeterBinding.bound_on,
            day <= func.coalesce(MeterBinding.unbound_on, day),
        ),
    )
    return exists().where(
        MeterBinding.customer_id == customer_id, MeterBinding.meter_id == AuditEntry.entity_id, theirs
    )


def change_table(customer_id: int) -> Table:
    """The lines of the log that are about the customer, the youngest first."""
    mine = MeterBinding.customer_id == customer_id
    entity, key = AuditEntry.entity, AuditEntry.entity_id
    about = or_(
        and_(entity == "customer", key == customer_id),
        and_(entity == "meter_binding", key.in_(select(MeterBinding.id).where(mine))),
        and_(entity == "meter", key.in_(select(MeterBinding.meter_id).where(mine)), _of_meters(customer_id)),
    )
    meter_no = select(Meter.meter_no).where(entity == "meter", Meter.id == key).correlate(AuditEntry).scalar_subquery()
    return Table(
        name="变更记录",
        source=select(AuditEntry.id).where(about),
        id=AuditEntry.id,
        default_sort="-at",
        keep=("tab",),
        exports=False,
        columns=(
            Column("at", "时间", AuditEntry.at, kind="moment", sort=(AuditEntry.at,)),
            Column("by_name", "谁", AuditEntry.by_name, kind="code"),
            Column("action", "做了什么", AuditEntry.action, kind="custom"),
            Column("changes", "从什么改成什么", AuditEntry.changes, kind="custom"),
        ),
        extra={"entity": entity, "meter_no": meter_no},
        cells="customers/_changes.html",
        empty=("还没有变更记录", "修改资料、绑定和更换水表、停表和恢复，都会记在这里。"),
    )


def done(row: Any) -> str:
    """What was done, in two or four characters."""
    state = row.changes.get("state")
    if row.entity == "customer" and isinstance(state, list):
        return "销户" if state[1] == "closed" else "恢复用户"
    return DONE.get((row.entity, row.action), "其他")


def lines_of() -> Callable[[Any], list[tuple[str, str | None, str]]]:
    """A function: row → (field, from, to) in words; `from` None where it only says what it was."""
    names: Mapping[str, Callable[[], Mapping[str, str]]] = {
        "route_id": cache(areas.route_names),
        "use_category_id": cache(lambda: {str(key): name for key, name in tariffs.categories().items()}),
        "quota_id": cache(lambda: dict(queries.quota_options())),
    }

    def said(field: str, value: Any) -> str:
        if isinstance(value, bool):
            return "是" if value else "否"
        if value is None or value == "":
            return "无"
        if field in PERSONAL:
            return PERSONAL[field](str(value))
        if field in names:
            return names[field]().get(str(value), "已删除的")
        text = str(value)
        return WORDS.get(text, _plain_number(text))

    def lines(row: Any) -> list[tuple[str, str | None, str]]:
        found: list[tuple[str, str | None, str]] = [("表号", None, row.meter_no)] if row.meter_no else []
        for field, value in row.changes.items():
            label = FIELDS.get(field)
            if label is None or field in HIDDEN:
                continue
            if isinstance(value, list) and len(value) == 2:
                found.append((label, said(field, value[0]), said(field, value[1])))
            else:
                found.append((label, None, said(field, value)))
        return found

    return lines


def _plain_number(text: str) -> str:
    """'12' for '12.000'; anything else as it is."""
    whole, dot, rest = text.partition(".")
    return (f"{whole}.{rest.rstrip('0')}".rstrip(".")) if dot and whole.isdigit() and rest.isdigit() else text
