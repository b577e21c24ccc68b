"""定额 on their way in (figure 4.1-1)."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from app.db import db
from app.tariffs.models import Quota
from tenants.context import Tenant
from tests.intake.workbooks import SEEDS, looked_at, taken


def test_the_ten_quotas_come_in_once(plant: Tenant) -> None:
    assert taken("quotas", SEEDS / "用水定额.xlsx").ok == 10
    quota = db.session.scalars(select(Quota).where(Quota.code == "D008")).one()
    assert (quota.use_category.name, quota.name, quota.unit, quota.value, quota.cycle) == (
        "特种行业用水", "洗车", "立方米/辆", Decimal("0.04"), "次",
    )  # fmt: skip
    again = taken("quotas", SEEDS / "用水定额.xlsx")
    assert (again.ok, len(again.skipped), again.stored) == (0, 10, {})


def test_an_unknown_category_and_cycle_are_named(plant: Tenant) -> None:
    head = ("定额编号", "用水性质", "名称", "计量单位", "定额值", "周期")
    preview = looked_at("quotas", head, ("D1", "洗澡用水", "洗澡", "立方米/人", "1.5", "周"))
    assert [(r.column, "不存在" in r.text or "格式" in r.text) for r in preview.wrong] == [
        ("用水性质", True), ("周期", True),
    ]  # fmt: skip
