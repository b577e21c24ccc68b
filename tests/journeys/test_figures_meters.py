"""水表, 绑定, 变更 (figures 6.1-1 … 6.1-6, 7.1-9 … 7.1-13, 7.2-1 … 7.2-3), each done through the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import func, select

from app import clock, periods
from app.audit import AuditEntry
from app.billing.models import Bill
from app.billing.service import issue_bills
from app.customers.models import Customer
from app.db import db, transaction
from app.metering.models import Meter, MeterBinding, Suspension, UseCategoryChange
from app.readings.models import Reading
from app.tariffs.models import UseCategory
from app.tariffs.service import import_tariff
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.journeys.conftest import figure, log_in

D = Decimal
SHOP = make.TIERED | {"name": "商铺用水", "use_category": "非居民用水"}


@pytest.fixture(scope="module")
def plant(works: Tenant) -> Tenant:
    """The works with two standards and three meters in store."""
    with context.use(works):
        with transaction():
            import_tariff(SHOP, by_id=None)
            for number in ("KC000101", "KC000102", "KC000103"):
                make.meter(meter_no=number, bore="DN20", initial_reading=D(6))
        db.session.remove()
    return works


@pytest.fixture
def home(page: Page, port: int, plant: Tenant) -> Iterator[str]:
    """The site with its manager logged in; what the test reads is this plant's."""
    log_in(page, port, plant.slug)
    with context.use(plant):
        yield f"http://{plant.slug}.localhost:{port}"
        db.session.remove()


def stored(statement: Any) -> Any:
    """The one row as it is in the database now."""
    db.session.rollback()
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def meter(number: str) -> Meter:
    found: Meter = stored(select(Meter).where(Meter.meter_no == number))
    return found


def open_binding(number: str) -> MeterBinding:
    query = select(MeterBinding).join(Meter, Meter.id == MeterBinding.meter_id)
    found: MeterBinding = stored(query.where(Meter.meter_no == number, MeterBinding.unbound_on.is_(None)))
    return found


def customer(customer_no: str) -> Customer:
    found: Customer = stored(select(Customer).where(Customer.customer_no == customer_no))
    return found


def row(page: Page, words: str) -> Locator:
    return page.locator("tbody tr", has_text=words)


def opened(page: Page) -> Locator:
    """The dialog with its form."""
    dialog = page.locator("#dialog")
    expect(dialog.locator("form")).to_be_visible()
    return dialog


def search(page: Page, words: str) -> None:
    page.get_by_role("searchbox", name="表号、户号、户名", exact=True).fill(words)
    page.get_by_role("button", name="搜索").click()


def meters_of(page: Page, home: str, customer_no: str) -> None:
    """详情-水表信息."""
    page.goto(f"{home}/customers/{customer(customer_no).id}")
    page.get_by_role("link", name="水表信息").click()
    expect(page.locator("#tab-meters[aria-current]")).to_be_visible()


def today() -> date:
    return clock.today()


def test_meters_are_listed_searched_added_changed_and_deleted(page: Page, home: str) -> None:
    page.get_by_role("link", name="水表列表管理").click()
    expect(page.get_by_role("link", name="全部 63")).to_be_visible()
    expect(page.get_by_role("link", name="未绑定 3")).to_be_visible()
    for name in ("新增", "导入", "导出"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    for name in ("修改", "停表", "删除"):
        expect(row(page, "BG90000001").get_by_role("link", name=name)).to_be_visible()
    figure(page, "6.1-1")
    search(page, "90000007")
    expect(page.get_by_text("共 1 块")).to_be_visible()
    expect(row(page, "BG90000007")).to_contain_text("使用中")

    page.get_by_role("link", name="新增").click()
    form = opened(page)
    for label, value in (("表号", "sq170000001"), ("口径", "20"), ("水表类型", "机械表"), ("厂家", "宁波水表"),
                         ("安装日期", "2026-05-05"), ("底数", "12")):  # fmt: skip
        form.get_by_label(label).fill(value)
    figure(page, "6.1-2")
    form.get_by_label("底数").fill("100000")
    form.get_by_role("button", name="保存").click()
    expect(form.locator("#initial_reading-error")).to_contain_text("底数 100000 超过量程，这块表最多走到 99999")
    form.get_by_label("底数").fill("12")
    form.get_by_role("button", name="保存").click()
    expect(page.get_by_text("新增成功")).to_be_visible()
    new = meter("SQ170000001")
    key = new.id
    assert (new.bore, new.maker, new.installed_on, new.initial_reading) == ("DN20", "宁波水表", date(2026, 5, 5), D(12))

    search(page, "SQ17")
    row(page, "SQ170000001").get_by_role("link", name="修改").click()
    form = opened(page)
    form.get_by_label("口径").fill("DN25")
    figure(page, "6.1-3")
    form.get_by_label("表号").fill("BG90000007")
    form.get_by_role("button", name="保存").click()
    expect(form.locator("#meter_no-error")).to_contain_text("表号「BG90000007」已经有了")
    form.get_by_label("表号").fill("SQ170000001")
    form.get_by_role("button", name="保存").click()
    expect(page.get_by_text("编辑成功")).to_be_visible()
    expect(row(page, "SQ170000001")).to_contain_text("DN25")
    assert meter("SQ170000001").bore == "DN25"

    row(page, "SQ170000001").get_by_role("link", name="删除").click()
    asked = page.locator("#ask")
    expect(asked).to_contain_text("删除提示")
    expect(asked).to_contain_text("确认删除选中的一条数据？")
    figure(page, "6.1-4")
    asked.get_by_role("button", name="取消").click()
    assert meter("SQ170000001").id == key
    row(page, "SQ170000001").get_by_role("link", name="删除").click()
    asked.get_by_role("button", name="确定").click()
    expect(page.get_by_text("删除成功")).to_be_visible()
    db.session.rollback()
    assert db.session.get(Meter, key, populate_existing=True) is None

    row(page, "BG90000001").get_by_role("link", name="删除").click()
    asked.get_by_role("button", name="确定").click()
    expect(page.get_by_text("表号「BG90000001」已绑定给户号「90000001」，请先解绑。")).to_be_visible()
    assert meter("BG90000001").state == "in_use"


def test_meters_are_exported_and_imported(page: Page, home: str) -> None:
    page.goto(f"{home}/meters/?tab=free")
    expect(page.get_by_text("共 3 块")).to_be_visible()
    figure(page, "6.1-5")
    with page.expect_download() as download:
        page.get_by_role("link", name="导出").click()
    sheet = load_workbook(BytesIO(Path(download.value.path()).read_bytes())).active
    assert sheet
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    assert lines[0][:4] == ["表号", "口径", "类型", "厂家"]
    assert [line[0] for line in lines[1:]] == ["KC000101", "KC000102", "KC000103"]

    book = Workbook()
    assert book.active
    for line in (["表号", "口径", "量程", "底数"], ["KC000900", "20", 99999, 4], ["KC000901", "20", 99999, 100001]):
        book.active.append(line)
    file = BytesIO()
    book.save(file)
    page.get_by_role("link", name="导入").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "库存水表.xlsx", "mimeType": "application/octet-stream", "buffer": file.getvalue()}
    )
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_text("100001 超过量程 99999").first).to_be_visible()
    page.get_by_role("button", name=re.compile("确认导入")).click()
    expect(page.get_by_text("导入成功").first).to_be_visible()
    assert (meter("KC000900").bore, meter("KC000900").initial_reading) == ("DN20", D(4))
    assert db.session.scalar(select(func.count()).where(Meter.meter_no == "KC000901")) == 0


def test_a_meter_is_stopped_and_resumed(page: Page, home: str) -> None:
    key = meter("BG90000003").id
    last = stored(select(func.max(Reading.end_reading)).where(Reading.binding_id == open_binding("BG90000003").id))
    page.goto(f"{home}/meters/?q=BG90000003")
    row(page, "BG90000003").get_by_role("link", name="停表").click()
    form = opened(page)
    form.get_by_label("停表时读数").fill(f"{last - 1:.0f}")
    form.get_by_role("button", name="停表").click()
    expect(form.locator("#reading-error")).to_be_visible()
    form.get_by_label("停表时读数").fill(f"{last + 2:.0f}")
    form.get_by_label("原因").fill("外出")
    form.get_by_role("button", name="停表").click()
    expect(page.get_by_text("停表成功")).to_be_visible()
    expect(row(page, "BG90000003").locator(".state")).to_have_text("停表")
    stop = stored(select(Suspension).where(Suspension.meter_id == key))
    assert (stop.stopped_on, stop.stop_reading, stop.reason, stop.resumed_on) == (today(), last + 2, "外出", None)
    assert meter("BG90000003").state == "stopped"
    read = stored(select(Reading).where(Reading.note == "停表止码"))
    assert (read.binding_id, read.volume) == (open_binding("BG90000003").id, D(2))

    row(page, "BG90000003").get_by_role("link", name="恢复").click()
    form = opened(page)
    expect(form).to_contain_text("停表时的读数")
    form.get_by_label("恢复时读数").fill(f"{last + 2:.0f}")
    figure(page, "6.1-6")
    form.get_by_role("button", name="恢复").click()
    expect(page.get_by_text("恢复成功")).to_be_visible()
    expect(row(page, "BG90000003").locator(".state")).to_have_text("使用中")
    stop = stored(select(Suspension).where(Suspension.meter_id == key))
    assert (stop.resumed_on, stop.resume_reading) == (today(), last + 2)
    row(page, "BG90000003").get_by_role("link", name="BG90000003").click()
    kept = page.get_by_role("region", name="停表记录")
    expect(kept).to_contain_text("外出")
    expect(kept.get_by_text("站长")).to_have_count(2)  # who stopped and who resumed it
    actions = select(AuditEntry.action).where(AuditEntry.entity == "meter", AuditEntry.entity_id == key)
    assert {"stopped", "resumed"} <= set(db.session.scalars(actions))


def test_a_free_meter_is_bound_to_a_customer(page: Page, home: str) -> None:
    meters_of(page, home, "90000010")
    bound = page.get_by_role("region", name="现在绑定的水表")
    expect(bound).to_contain_text("BG90000010")
    for name in ("变更", "换表", "停表", "解绑"):
        expect(bound.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="绑定水表")).to_be_visible()
    figure(page, "7.1-9")
    page.get_by_role("link", name="绑定水表").click()
    form = opened(page)
    form.get_by_label("水表性质").select_option(label="非居民用水")
    form.get_by_label("起码").fill("8")
    form.get_by_role("searchbox").fill("0001")
    expect(form.get_by_role("radio")).to_have_count(3)
    form.get_by_label("KC000102").check()
    figure(page, "7.1-10")
    form.get_by_role("searchbox").fill("BG90000011")
    expect(form.get_by_text("没有这样的未绑定水表")).to_be_visible()
    form.get_by_role("button", name="绑定水表").click()
    expect(form.locator("#meter-error")).to_contain_text("表号「BG90000011」已绑定给户号「90000011」，请先解绑。")
    form.get_by_role("searchbox").fill("0001")
    form.get_by_label("KC000102").check()
    form.get_by_role("button", name="绑定水表").click()
    expect(page.get_by_text("绑定成功，表号 KC000102")).to_be_visible()
    expect(bound).to_contain_text("KC000102")
    made = open_binding("KC000102")
    assert (made.customer_id, made.start_reading, made.bound_on) == (customer("90000010").id, D(8), today())
    assert stored(select(UseCategory.name).where(UseCategory.id == made.use_category_id)) == "非居民用水"


def test_the_use_of_a_bound_meter_is_changed(page: Page, home: str) -> None:
    meters_of(page, home, "90000012")
    bound = page.get_by_role("region", name="现在绑定的水表")
    bound.get_by_role("link", name="变更", exact=True).click()
    form = opened(page)
    expect(form).to_contain_text("现在是「居民生活用水」")
    form.get_by_label("新的水表性质").select_option(label="非居民用水")
    form.get_by_label("变更原因").fill("开了饭馆")
    figure(page, "7.1-11")
    form.get_by_role("button", name="变更水表").click()
    expect(page.get_by_text("变更成功")).to_be_visible()
    expect(bound).to_contain_text("非居民用水")
    figure(page, "7.1-12")
    change = stored(select(UseCategoryChange).where(UseCategoryChange.binding_id == open_binding("BG90000012").id))
    assert (change.effective_from, change.reason, change.by_id is None) == (today(), "开了饭馆", False)
    assert open_binding("BG90000012").use_category_id == change.new_id != change.old_id


def test_an_unbound_meter_is_free_and_its_unbilled_use_is_billed(page: Page, home: str) -> None:
    bound = open_binding("BG90000014")
    last = stored(select(func.max(Reading.end_reading)).where(Reading.binding_id == bound.id))
    meters_of(page, home, "90000014")
    page.get_by_role("link", name="解绑").click()
    form = opened(page)
    expect(form).to_contain_text("确认解绑此水表吗？")
    form.get_by_label("拆表止码").fill(f"{last + 5:.0f}")
    figure(page, "7.1-13")
    form.get_by_label("拆表止码").clear()
    form.get_by_role("button", name="解绑").click()
    expect(form.locator("#reading-error")).to_contain_text("请填写拆表时水表上的读数")
    form.get_by_label("拆表止码").fill(f"{last + 5:.0f}")
    form.get_by_role("button", name="解绑").click()
    expect(page.get_by_text("解绑成功")).to_be_visible()
    expect(page.get_by_text("没有绑定水表")).to_be_visible()
    gone = stored(select(MeterBinding).where(MeterBinding.id == bound.id))
    assert (gone.unbound_on, gone.end_reading) == (today(), last + 5)
    period = periods.of(today())
    with transaction():
        issue_bills(period, on=today(), by_id=None)
    bill = stored(select(Bill).where(Bill.binding_id == bound.id, Bill.period == period))
    assert (bill.volume, bill.customer_id) == (D(5), bound.customer_id)


def test_a_meter_is_replaced_and_its_rest_goes_along(page: Page, home: str) -> None:
    old = open_binding("BG90000016")
    last = stored(select(func.max(Reading.end_reading)).where(Reading.binding_id == old.id))
    meters_of(page, home, "90000016")
    page.get_by_role("link", name="换表").click()
    form = opened(page)
    form.get_by_label("旧表止码").fill(f"{last + 3:.0f}")
    form.get_by_role("searchbox").fill("kc000103")
    expect(form.get_by_label("KC000103")).to_be_checked()  # the only one
    form.get_by_role("button", name="换表").click()
    expect(page.get_by_text("换表成功，新表 KC000103")).to_be_visible()
    new = open_binding("KC000103")
    assert (new.customer_id, new.start_reading, new.carried_volume) == (old.customer_id, D(6), D(3))
    assert meter("BG90000016").state == "retired"


def test_uses_are_listed_changed_and_looked_up(page: Page, home: str) -> None:
    page.get_by_role("link", name="水表性质变更").click()
    search(page, "BG90000018")
    expect(page.get_by_text("共 1 块")).to_be_visible()
    expect(row(page, "BG90000018")).to_contain_text("居民生活用水")
    figure(page, "7.2-1")
    row(page, "BG90000018").get_by_role("link", name="变更").click()
    form = opened(page)
    form.get_by_label("新的水表性质").select_option(label="农业灌溉用水")
    form.get_by_label("变更原因").fill("改种地")
    figure(page, "7.2-2")
    form.get_by_label("生效日期").fill("2019-12-31")
    form.get_by_role("button", name="变更水表").click()
    expect(form.locator("#effective_from-error")).to_contain_text("生效日期不能早于绑定日期 2020-01-01")
    form.get_by_label("生效日期").fill(today().isoformat())
    form.get_by_role("button", name="变更水表").click()
    expect(page.get_by_text("变更成功")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/use-categories/changes\?q=BG90000018"))  # the list as it was
    expect(row(page, "BG90000018")).to_contain_text("农业灌溉用水")
    change = stored(select(UseCategoryChange).where(UseCategoryChange.binding_id == open_binding("BG90000018").id))
    assert (change.effective_from, change.reason) == (today(), "改种地")
    row(page, "BG90000018").get_by_role("link", name="查看").click()
    for words in ("居民生活用水", "农业灌溉用水", "改种地", "站长", today().isoformat()):
        expect(row(page, "改种地")).to_contain_text(words)
    figure(page, "7.2-3")


def test_a_meter_is_bound_without_javascript(browser: Browser, port: int, plant: Tenant) -> None:
    window = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = window.new_page()
    log_in(page, port, plant.slug)
    with context.use(plant):
        meters_of(page, f"http://{plant.slug}.localhost:{port}", "90000020")
        page.get_by_role("link", name="绑定水表").click()
        page.get_by_role("searchbox", name="选一块未绑定的水表").fill("0101")
        page.get_by_role("button", name="查找").click()
        expect(page.get_by_label("KC000101")).to_be_checked()
        page.get_by_role("button", name="绑定水表").click()
        expect(page.get_by_text("绑定成功，表号 KC000101")).to_be_visible()
        assert open_binding("KC000101").customer_id == customer("90000020").id
        db.session.remove()
    window.close()
