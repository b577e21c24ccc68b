"""Figures of 定额管理 (4.1) and 水费收费标准 (5.2)."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from app.billing.models import Bill
from app.db import db, transaction
from app.tariffs.models import Quota, Tariff, TariffVersion
from app.tariffs.service import import_tariff
from tenants import context
from tenants.context import Tenant
from tests.factories import TIERED
from tests.journeys.conftest import at, fetch, figure

NEXT = "2031-01-01"


def quotas(works: Tenant) -> dict[str, tuple[str, Decimal, str]]:
    with at(works):
        rows = db.session.execute(select(Quota.code, Quota.name, Quota.value, Quota.cycle))
        return {code: (name, value, cycle) for code, name, value, cycle in rows}


def documents(works: Tenant, name: str = TIERED["name"]) -> list[dict[str, Any]]:
    """Every version of a standard, the oldest first."""
    with at(works):
        query = select(TariffVersion.document).join(Tariff).where(Tariff.name == name)
        return list(db.session.scalars(query.order_by(TariffVersion.effective_from)))


def bills(works: Tenant) -> tuple[int, Decimal, Any]:
    """How many there are, their sum, and the document of the first."""
    with at(works):
        count, total = db.session.execute(select(func.count(), func.sum(Bill.amount))).one()
        return count, total, db.session.scalar(select(Bill.document).order_by(Bill.id).limit(1))


def filled_in(template: Path, rows: list[tuple[Any, ...]]) -> Path:
    """The template as somebody fills it: the example goes, the rows stand below the headings."""
    book = load_workbook(template)
    sheet = book.active
    assert sheet
    heading = next(i for i, row in enumerate(sheet.iter_rows(values_only=True), 1) if "编码" in row)
    sheet.delete_rows(heading + 1, sheet.max_row)
    for row in rows:
        sheet.append(row)
    file = template.with_name("定额.xlsx")
    book.save(file)
    return file


def test_quotas_are_imported_from_the_template(page: Page, home: str, works: Tenant, tmp_path: Path) -> None:
    with context.use(works), transaction():
        residents = db.session.scalars(select(Tariff.use_category_id)).first()
        db.session.add(
            Quota(
                code="D002",
                name="城镇居民生活",
                unit="立方米/人",
                value=Decimal(3),
                cycle="月",
                use_category_id=residents,
            )
        )
    page.get_by_role("link", name="定额管理").click()
    expect(page.get_by_role("heading", name="定额管理")).to_be_visible()
    page.get_by_role("link", name="导入").click()
    with page.expect_download() as template:
        page.get_by_role("link", name="下载模板").click()
    file = tmp_path / "template.xlsx"
    template.value.save_as(file)
    rows = [
        ("D001", "居民生活用水", "农村居民生活", "立方米/人", "1.8", "月", "60 L/人·日"),
        ("D002", "居民生活用水", "城镇居民生活", "立方米/人", "3.5", "月", ""),
        ("D003", "洗澡用水", "澡堂", "立方米/人", "0.9", "月", ""),
        ("D009", "农业灌溉用水", "玉米（畦灌）", "立方米/亩", "295", "年", ""),
    ]
    page.get_by_label("Excel 工作簿").set_input_files(filled_in(file, rows))
    page.get_by_role("button", name="上传并预览").click()
    figures = page.locator(".import-figures")
    expect(figures).to_contain_text(re.compile(r"可导入\s*2\s*已有，跳过\s*1\s*错误\s*1"))
    wrong = page.get_by_role("region", name="错误").last.get_by_role("row").nth(1)
    expect(wrong).to_contain_text("水表性质")
    expect(wrong).to_contain_text("「洗澡用水」不存在，现有：居民生活用水")
    number = int(wrong.get_by_role("cell").first.inner_text())
    assert list(quotas(works)) == ["D002"]  # nothing before it is confirmed

    with page.expect_download() as errors:
        page.get_by_role("link", name="下载错误行").click()
    errors.value.save_as(tmp_path / "errors.xlsx")
    sheet = load_workbook(tmp_path / "errors.xlsx").active
    assert sheet
    returned = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert len(returned) == 2
    assert "D003" in returned[1]
    assert any("「洗澡用水」不存在" in cell for cell in returned[1])
    assert number == 4  # of the sheet, the heading counted

    page.get_by_role("button", name="确认导入").click()
    expect(page.get_by_text("导入成功").first).to_be_visible()
    figure(page, "4.1-1")
    assert quotas(works) == {
        "D001": ("农村居民生活", Decimal("1.8"), "月"), "D002": ("城镇居民生活", Decimal(3), "月"),
        "D009": ("玉米（畦灌）", Decimal(295), "年"),
    }  # fmt: skip
    page.get_by_role("link", name="看定额管理").click()
    expect(page.get_by_role("row", name="D009")).to_contain_text("295")


def test_the_list_shows_the_version_in_force_and_the_next(page: Page, home: str, works: Tenant) -> None:
    dearer = json.loads(json.dumps(TIERED)) | {"name": "居民合表", "effective_from": "2026-01-01"}
    with context.use(works), transaction():
        import_tariff(dearer, by_id=None)
        dearer["charges"][0]["tiers"][0]["price"] = "2.40"
        import_tariff(dearer | {"effective_from": NEXT}, by_id=None)
    page.get_by_role("link", name="水费收费标准").click()
    row = page.get_by_role("row", name="居民合表")
    expect(row).to_contain_text("0–8 吨 ¥2.00")
    expect(row).to_contain_text(f"{NEXT} 起")
    expect(row).to_contain_text("0–8 吨 ¥2.40")
    for name in ("修改", "删除"):
        expect(row.get_by_role("link", name=name)).to_be_visible()
    figure(page, "5.2-1")
    prices = [one["charges"][0]["tiers"][0]["price"] for one in documents(works, "居民合表")]
    assert prices == ["2.00", "2.40"]


def test_a_new_standard_is_priced_while_it_is_typed(page: Page, home: str, works: Tenant) -> None:
    page.goto(f"{home}/tariffs")
    page.get_by_role("link", name="新增").click()
    page.get_by_label("名称", exact=False).first.fill("商户阶梯价")
    page.get_by_label("水表性质").select_option("非居民用水")
    page.get_by_label("按表（抄表收费）").check()
    page.get_by_label("生效日期").fill("2026-12-01")
    page.get_by_label("第 1 档用到多少吨（含）").fill("10")
    page.get_by_label("第 1 档单价").fill("3.10")
    page.get_by_label("第 2 档用到多少吨（含）").fill("8")
    page.get_by_label("第 2 档单价").fill("4.60")
    page.get_by_label("第 3 档单价").fill("6.00")
    trial = page.locator("#trial-result")
    expect(trial).to_contain_text("两档不能重叠")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#tier_1_up_to-error")).to_contain_text("上限要比上一档的 10 高，两档不能重叠。")
    assert documents(works, "商户阶梯价") == []

    page.get_by_label("第 2 档用到多少吨（含）").fill("20")
    page.get_by_role("button", name="加一档", exact=True).click()
    expect(page.get_by_label("第 4 档单价")).to_be_visible()
    expect(page.get_by_label("第 2 档用到多少吨（含）")).to_have_value("20")
    for i, (item, basis, price) in enumerate((("污水处理费", "volume", "1.40"), ("基本水费", "month", "5.00")), 1):
        page.get_by_label(f"其他费用 {i} 名称").fill(item)
        page.get_by_label(f"其他费用 {i} 怎么收").select_option(basis)
        page.get_by_label(f"其他费用 {i} 单价").fill(price)
    page.get_by_label("每月最低消费（元）").fill("10")
    page.get_by_role("heading", name="违约金").click()
    page.get_by_label("每月几日截止").fill("25")
    page.get_by_label("每天收几（%）").fill("0.05")
    expect(trial).to_contain_text("用 25 吨 = ¥147.00")  # 10×3.10 + 10×4.60 + 5×6.00 + 25×1.40 + 5.00
    expect(trial.get_by_role("row", name="水费（第 2 档）")).to_contain_text("10 × ¥4.60")
    page.get_by_label("用水量（吨）").fill("0")
    expect(trial).to_contain_text("用 0 吨 = ¥10.00")
    page.get_by_label("用水量（吨）").fill("25")
    expect(trial).to_contain_text("用 25 吨 = ¥147.00")
    page.get_by_role("heading", name="水费", exact=True).scroll_into_view_if_needed()
    figure(page, "5.2-2")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("新增成功")).to_be_visible()
    expect(page.get_by_role("heading", name="商户阶梯价")).to_be_visible()
    (stored,) = documents(works, "商户阶梯价")
    assert [tier["up_to"] for tier in stored["charges"][0]["tiers"]] == ["10", "20", None]
    assert (stored["use_category"], stored["minimum"], stored["late_fee"]["daily_rate"]) == (
        "非居民用水",
        "10",
        "0.0005",
    )


def test_a_standard_that_has_billed_gets_a_new_version(page: Page, home: str, works: Tenant) -> None:
    before, old = bills(works), documents(works)
    assert (len(old), before[0] > 0) == (1, True)
    page.goto(f"{home}/tariffs")
    page.get_by_role("row", name=TIERED["name"]).get_by_role("link", name="修改").click()
    expect(page.get_by_role("heading", name="修改收费标准")).to_be_visible()
    expect(page.get_by_text("2026-01-01 起的版本已经出过账，不会改动")).to_be_visible()
    page.get_by_label("第 1 档单价").fill("2.20")
    expect(page.locator("#trial-result")).to_contain_text("8 × ¥2.20")
    page.evaluate("scrollTo(0, 0)")
    figure(page, "5.2-3")
    page.get_by_label("生效日期").fill("2026-01-01")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#effective_from-error")).to_contain_text("新版本的生效日期要在这一天以后")
    assert documents(works) == old

    page.get_by_label("生效日期").fill(NEXT)
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("编辑成功")).to_be_visible()
    expect(page.get_by_role("heading", name=f"{NEXT} 起")).to_be_visible()
    figure(page, "5.2-4")
    kept, made = documents(works)
    assert kept == old[0]
    assert (made["charges"][0]["tiers"][0]["price"], made["effective_from"]) == ("2.20", NEXT)
    assert bills(works) == before
    with at(works):
        version_id = db.session.scalars(
            select(TariffVersion.id).join(Tariff).where(Tariff.name == TIERED["name"])
        ).first()
    status, kind, body = fetch(page, f"/tariffs/versions/{version_id}.json")
    assert (status, kind, json.loads(body)) == (200, "application/json", old[0])


def test_a_standard_in_use_cannot_go_and_a_free_one_can(page: Page, home: str, works: Tenant) -> None:
    with context.use(works), transaction():
        import_tariff(TIERED | {"name": "写错的标准"}, by_id=None)
    page.goto(f"{home}/tariffs")
    page.get_by_role("row", name=TIERED["name"]).get_by_role("link", name="删除").click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(page.get_by_text("正在使用，不能删除：「居民生活用水」的 60 块水表（60 户）按它收费")).to_be_visible()
    assert documents(works)

    page.get_by_role("row", name="写错的标准").get_by_role("link", name="删除").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("删除提示")
    expect(asked).to_contain_text("确认删除选中的一条数据？")
    figure(page, "5.2-5")
    asked.get_by_role("button", name="取消").click()
    assert len(documents(works, "写错的标准")) == 1
    page.get_by_role("row", name="写错的标准").get_by_role("link", name="删除").click()
    asked.get_by_role("button", name="确定").click()
    expect(page.get_by_text("删除成功")).to_be_visible()
    expect(page.get_by_role("row", name="写错的标准")).to_have_count(0)
    assert documents(works, "写错的标准") == []
