"""变更记录 of one customer: who changed what of it, its meters and its bindings, in the words of the log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, null, or_, select

from app.audit import AuditEntry
from app.customers.models import Customer
from app.metering.models import Meter, MeterBinding
from app.trail import rules, words
from app.web.tables import Column, Table


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
            Column("by_name", "谁", AuditEntry.by_name, kind="custom"),
            Column("action", "做了什么", AuditEntry.action, kind="custom"),
            Column("changes", "从什么改成什么", AuditEntry.changes, kind="custom"),
        ),
        extra={"entity": entity, "meter_no": meter_no, "from_": null()},
        cells="trail/_cells.html",
        empty=("还没有变更记录", "修改资料、绑定和更换水表、停表和恢复，都会记在这里。"),
    )


def context() -> dict[str, Any]:
    """What the cells of the list call: what was done, in two or four characters, and the fields."""
    parts = words.reader()

    def with_meter(row: Any) -> list[words.Part]:
        return [*([words.Part("表号", None, row.meter_no)] if row.meter_no else []), *parts(row)]

    return {
        "title": lambda row: rules.done(row.entity, row.action, row.changes),
        "parts": with_meter,
        "address": None,
    }
