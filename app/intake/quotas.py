"""用水定额 on their way in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.permissions import Permission
from app.staging import copy_rows
from app.tariffs import queries as tariffs
from app.web.imports import Column, Importer, Rows, cells

CYCLES = {"日": "日", "天": "日", "次": "次", "月": "月", "季": "季", "年": "年"}
QUOTA = ("code", "use_category_id", "name", "unit", "value", "cycle", "note")

COLUMNS = (
    Column("code", "编码", cells.code(), ("定额编号", "编号"), needed=True, filled=True, unique=True, example="D001"),
    Column("use_category", "水表性质", cells.text(longest=40), ("用水性质", "用水类别"), needed=True, filled=True,
           example="居民生活用水", hint="要与收费标准里的水表性质一致。"),
    Column("name", "名称", cells.text(longest=80), ("定额名称",), needed=True, filled=True, example="农村居民生活"),
    Column("unit", "单位", cells.text(longest=40), ("计量单位",), needed=True, filled=True, example="立方米/人"),
    Column("value", "定额值", cells.number(4, least=0), ("定额", "定额量"), needed=True, filled=True, example=Decimal("1.8")),
    Column("cycle", "周期", cells.choice(CYCLES, shown=("月", "年", "次")), ("定额周期",), needed=True, filled=True,
           example="月", hint="月、年或次。"),
    Column("note", "备注", cells.text(longest=300, keep_spaces=True), example="60 L/人·日"),
)  # fmt: skip


def check(rows: Rows, _options: Mapping[str, Any]) -> None:
    """Categories that exist; quotas that are there already."""
    rows.fill("note", "")
    names = tariffs.categories().values()
    known = tariffs.quota_codes()
    for index, (code, name) in enumerate(zip(rows["code"], rows["use_category"], strict=True)):
        if name is not None and name not in names:
            rows.refuse(index, "use_category", f"「{name}」不存在，现有：{'、'.join(names)}")
        if code in known:
            rows.skip(index, "code", "编码已存在，未改动")


def store(rows: Rows, good: list[int], _options: Mapping[str, Any], _by_id: int | None) -> dict[str, int]:
    """Add them."""
    category = {name: key for key, name in tariffs.categories().items()}
    fields = [rows[name] for name in ("name", "unit", "value", "cycle", "note")]
    copy_rows(
        "quota",
        QUOTA,
        ((rows["code"][i], category[rows["use_category"][i]], *(field[i] for field in fields)) for i in good),
    )
    return {"quotas": len(good)}


IMPORTER = Importer(
    kind="quotas", title="用水定额", permission=Permission.EDIT_BASICS, columns=COLUMNS, check=check, store=store
)
