"""水表 on their way in: meters in store, to be bound later."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.intake.customers import DIAL
from app.intake.store_customers import METER, dial_modulus
from app.metering import queries as metering
from app.permissions import Permission
from app.staging import copy_rows
from app.web.imports import Column, Importer, Rows, cells

COLUMNS = (
    Column("meter_no", "表号", cells.code(), ("水表编号", "水表号", "表身号", "钢印号"), needed=True, filled=True,
           unique=True, example="SQ170000001", hint="水表上的编号，不能重复。"),
    Column("bore", "口径", cells.bore(), ("水表口径",), example="DN20"),
    Column("meter_type", "水表类型", cells.text(longest=40), ("表型", "水表型号"), example="机械表"),
    Column("maker", "厂家", cells.text(longest=60), ("生产厂家", "水表厂家"), example="宁波水表"),
    Column("installed_on", "安装日期", cells.day(), ("装表日期", "安装时间"), example="2020-05-05",
           hint="写成 2020-05-05、2020/5/5 或 2020年5月5日都可以。"),
    Column("dial", "量程", cells.number(3, least=1), ("最大读数",), example=99999,
           hint="表盘最大读数，五位表为 99999。不填按 99999。"),
    Column("start", "底数", cells.number(3, least=0), ("起码", "初始读数", "起始读数", "当前读数"), example=0,
           hint="表上现在的读数。不填为 0。"),
    Column("note", "备注", cells.text(longest=300, keep_spaces=True)),
)  # fmt: skip


def complete(rows: Rows, _options: Mapping[str, Any]) -> None:
    """Blank cells."""
    for field in ("bore", "meter_type", "maker", "note"):
        rows.fill(field, "")
    rows.fill("dial", DIAL)
    rows.fill("start", Decimal(0))


def check(rows: Rows, _options: Mapping[str, Any]) -> None:
    """The dial's range; meters that are there already."""
    known = metering.ids_by_no([no for no in rows["meter_no"] if no is not None])
    for index, (start, dial) in enumerate(zip(rows["start"], rows["dial"], strict=True)):
        if start > dial:
            rows.refuse(index, "start", f"{start:f} 超过量程 {dial:f}，请核对")
        if rows["meter_no"][index] in known:
            rows.skip(index, "meter_no", "表号已存在，未改动")


def store(rows: Rows, good: list[int], _options: Mapping[str, Any], _by_id: int | None) -> dict[str, int]:
    """Put them in store."""
    fields = [rows[name] for name in ("meter_no", "bore", "meter_type", "maker", "installed_on")]
    copy_rows(
        "meter",
        METER,
        (
            (
                *(field[i] for field in fields), dial_modulus(rows["dial"][i]), rows["start"][i], "in_use",
                rows["note"][i],
            )
            for i in good
        ),
    )  # fmt: skip
    return {"meters": len(good)}


IMPORTER = Importer(
    kind="meters",
    title="水表",
    permission=Permission.EDIT_METERS,
    columns=COLUMNS,
    complete=complete,
    check=check,
    store=store,
)
