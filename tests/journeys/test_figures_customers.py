"""Figures of 用户档案 (7.1), 水费综合统计 (10.1) and 用户统计 (10.3)."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO

from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from pypdf import PdfReader
from sqlalchemy import func, select

from app import clock, periods
from app.audit import AuditEntry
from app.billing.models import Bill, OpenItem
from app.customers.models import Customer
from app.db import db, transaction
from app.ledger import queries as ledger
from app.ledger.rules import METHODS
from app.metering.models import Meter, MeterBinding
from app.metering.service import stop_meter
from app.payments.models import Payment
from app.payments.queries import open_items
from app.payments.rules import owed_total
from app.payments.service.take_payment import take_payment
from app.staff.models import StaffUser
from tenants.context import Tenant
from tests.intake.workbooks import sheet
from tests.journeys.conftest import at, fetch, figure

D = Decimal
CARD = "11010519491231002X"


def nth(works: Tenant, number: int) -> Customer:
    """The customer at this place of the list."""
    with at(works):
        return db.session.scalars(select(Customer).order_by(Customer.customer_no).offset(number).limit(1)).one()


def stored(works: Tenant, customer_no: str) -> Customer | None:
    """Whoever has the 户号 now."""
    with at(works):
        return db.session.scalars(select(Customer).where(Customer.customer_no == customer_no)).one_or_none()


def found_by(page: Page, words: str) -> None:
    """Search the list."""
    page.get_by_role("searchbox", name="户号、户名").fill(words)
    page.get_by_role("button", name="搜索").click()


def test_the_list_finds_people_by_all_that_is_known_of_them(page: Page, home: str, works: Tenant) -> None:
    person = nth(works, 44)  # whose 户号 is part of nobody's phone number
    with at(works):
        meter_no = db.session.scalars(
            select(Meter.meter_no).join(MeterBinding).where(MeterBinding.customer_id == person.id)
        ).one()
    page.goto(f"{home}/customers")
    page.get_by_role("link", name="用户档案").click()
    expect(page.get_by_role("row")).to_have_count(21)
    for button in ("导入", "新增"):
        expect(page.get_by_role("link", name=button, exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="充值").first).to_be_visible()
    figure(page, "7.1-1")
    for words in (person.customer_no, person.phone, meter_no):
        found_by(page, words)
        expect(page.get_by_role("row")).to_have_count(2)
        expect(page.get_by_role("link", name=person.customer_no)).to_be_visible()
    with at(works):
        namesakes = db.session.scalar(
            select(func.count()).where(Customer.holder_initials.startswith(person.holder_initials))
        )
    found_by(page, person.holder_initials)
    expect(page.get_by_text(f"共 {namesakes} 户")).to_be_visible()


def test_a_village_register_is_imported_after_a_look(page: Page, home: str, works: Tenant) -> None:
    rows = [[n, f"柳树村{n}组", f"王海{n}", f"1390000{n:04d}", f"CUN{n:05d}", 3] for n in range(1, 31)]
    rows.append([31, "柳树村", "", "13900000000", "CUN00031", 3])
    book = sheet(["水费登记册"], ["柳河乡村委会：柳树村"], ["序号", "地址", "户名", "电话", "表号", "人口"], *rows)
    page.goto(f"{home}/customers")
    page.get_by_role("link", name="导入", exact=True).click()
    expect(page.get_by_role("link", name="下载模板")).to_be_visible()
    mime = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.locator("input[type=file]").set_input_files(
        {"name": "登记册.xlsx", "mimeType": mime, "buffer": book.getvalue()}
    )
    for label, value in (("区名", ""), ("册名", "柳树一册"), ("户号前缀", "CUN")):
        page.get_by_label(re.compile(f"^{label}")).fill(value)
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_text("还没有保存")).to_be_visible()
    expect(page.get_by_text("户名").first).to_be_visible()
    assert stored(works, "CUN0001") is None
    page.get_by_role("button", name="确认导入").click()
    expect(page.get_by_text("导入成功").first).to_be_visible()
    figure(page, "7.1-2")
    with at(works):
        taken = select(func.count()).where(Customer.customer_no.startswith("CUN"))
        assert db.session.scalar(taken) == 30
    one = stored(works, "CUN0001")
    assert one
    assert (one.holder, one.holder_initials, one.people) == ("王海1", "wh1", 3)


def fill_new(page: Page, holder: str) -> None:
    """The fields of 新增 that everybody fills."""
    page.get_by_label("户名").fill(holder)
    page.get_by_label("电话").fill("13812345678")
    page.get_by_label("地址").fill("东街一巷3号")
    page.get_by_label("区册").select_option(index=1)


def test_a_new_customer_is_entered_and_charged_without_a_meter(page: Page, home: str, works: Tenant) -> None:
    page.goto(f"{home}/customers")
    page.get_by_role("link", name="新增", exact=True).click()
    number = page.get_by_label("户号").input_value()
    assert stored(works, number) is None
    fill_new(page, "石泉镇人民政府机关后勤服务中心职工食堂")
    page.get_by_label("身份证").fill("110105194912310021")
    page.get_by_role("group", name="自动扣费").get_by_label("是").check()
    page.get_by_role("group", name="是否抄表水费").get_by_label("否").check()
    expect(page.get_by_text("还没有不抄表的收费标准")).to_be_visible()
    page.get_by_label("人口").fill("4")
    page.get_by_role("button", name="确认").click()
    expect(page.locator("#id_card-error")).to_contain_text("抄错了一位")
    expect(page.get_by_label("地址")).to_have_value("东街一巷3号")
    assert stored(works, number) is None
    page.get_by_label("身份证").fill(CARD)
    figure(page, "7.1-3")
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_text("新增成功")).to_be_visible()
    expect(page.get_by_role("heading", name="石泉镇人民政府机关后勤服务中心职工食堂")).to_be_visible()
    figure(page, "7.1-4")
    person = stored(works, number)
    assert person
    assert (person.charged_by_meter, person.auto_deduct, person.people, person.id_card) == (False, True, 4, CARD)
    assert person.holder_initials.startswith("sqzrmzf")


def test_deleting_asks_and_wants_the_meter_unbound_first(page: Page, home: str, works: Tenant) -> None:
    person = nth(works, 6)
    page.goto(f"{home}/customers/{person.id}")
    page.get_by_role("link", name="删除").click()
    expect(page.get_by_role("heading", name="删除提示")).to_be_visible()
    expect(page.get_by_text("确认删除选中的一条数据？")).to_be_visible()
    figure(page, "7.1-5")
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_text("请先在「水表信息」里解绑")).to_contain_text("BG")
    assert stored(works, person.customer_no)

    page.goto(f"{home}/customers/new")
    fill_new(page, "录错的")
    number = page.get_by_label("户号").input_value()
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_text("新增成功")).to_be_visible()
    page.get_by_role("link", name="删除").click()
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_text("删除成功")).to_be_visible()
    assert stored(works, number) is None


def test_who_has_bills_is_closed_and_not_erased(page: Page, home: str, works: Tenant) -> None:
    person = nth(works, 7)
    with at(works), transaction():
        bound = db.session.scalars(select(MeterBinding).where(MeterBinding.customer_id == person.id)).one()
        bound.unbound_on = clock.today()
    page.goto(f"{home}/customers/{person.id}")
    page.get_by_role("link", name="删除").click()
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_text("有账单 2 张")).to_be_visible()
    page.get_by_role("button", name="确认销户").click()
    expect(page.get_by_text("还欠水费")).to_be_visible()
    still = stored(works, person.customer_no)
    assert still
    assert still.state == "active"
    pay_all(works, person.id)
    page.get_by_role("button", name="确认销户").click()
    expect(page.get_by_text("已销户").first).to_be_visible()
    closed = stored(works, person.customer_no)
    assert closed
    assert closed.state == "closed"


def pay_all(works: Tenant, customer_id: int, method: str = "cash", more: int = 0) -> Decimal:
    """Everything owed, over the counter, and `more` yuan as 预存; how much was owed."""
    with at(works), transaction():
        owed_bills = open_items(customer_id, on=clock.today())
        owed = owed_total(owed_bills)
        ids = [item.bill_id for item in owed_bills]
        admin = db.session.scalars(select(StaffUser.id).where(StaffUser.username == "admin")).one()
        take_payment(customer_id, bill_ids=ids, method=method, tendered=owed + more, keep_change=more > 0, by_id=admin)
    return owed


def test_details_are_changed_and_every_field_is_kept_in_the_log(page: Page, home: str, works: Tenant) -> None:
    person = nth(works, 8)
    page.goto(f"{home}/customers?q={person.customer_no}")
    page.get_by_role("link", name="详情").click()
    expect(page.get_by_role("heading", name=person.holder)).to_be_visible()
    figure(page, "7.1-7")
    page.get_by_role("link", name="修改", exact=True).click()
    page.get_by_label("户名").fill("曾小红")
    page.get_by_label("电话").fill("138123456")
    page.get_by_role("button", name="确认").click()
    expect(page.locator("#phone-error")).to_contain_text("手机号应为 11 位")
    page.get_by_label("电话").fill("13987654321")
    figure(page, "7.1-8")
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_text("编辑成功")).to_be_visible()
    changed = stored(works, person.customer_no)
    assert changed
    assert (changed.holder, changed.holder_initials, changed.phone) == ("曾小红", "zxh", "13987654321")
    page.get_by_role("link", name="变更记录").click()
    for words in (f"{person.holder} → 曾小红", f"{person.phone} → 13987654321"):
        expect(page.get_by_role("listitem").filter(has_text=words)).to_be_visible()
    with at(works):
        line = select(AuditEntry.changes).where(AuditEntry.entity == "customer", AuditEntry.entity_id == person.id)
        assert db.session.scalars(line).one()["holder"] == [person.holder, "曾小红"]


def test_payments_are_shown_as_a_line_or_as_a_table(page: Page, home: str, works: Tenant) -> None:
    person = nth(works, 9)
    paid = pay_all(works, person.id)
    page.goto(f"{home}/customers/{person.id}")
    page.get_by_role("link", name="缴费记录").click()
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    this_month = page.get_by_role("row", name=periods.label(periods.of(clock.today())))
    expect(this_month).to_contain_text(f"¥{paid:,.2f}")
    expect(page.get_by_role("row")).to_have_count(13)
    figure(page, "7.1-14")
    page.get_by_role("button", name="表格").click()
    expect(page.locator("[data-chart]")).to_be_hidden()
    expect(page.get_by_role("row", name="现金")).to_contain_text(f"¥{paid:,.2f}")
    with at(works):
        movement = db.session.scalars(select(Payment).where(Payment.customer_id == person.id)).one()
        assert movement.received == paid
    page.get_by_role("button", name="折线图").click()
    expect(page.locator("[data-chart] canvas")).to_be_visible()


def test_the_chosen_rows_move_to_another_book_together(page: Page, home: str, works: Tenant) -> None:
    people = [nth(works, number) for number in (10, 11, 12)]
    page.goto(f"{home}/customers")
    expect(page.get_by_role("button", name="批量换区册")).to_be_hidden()
    for person in people:
        page.get_by_role("checkbox", name=f"选中 {person.customer_no}").check()
    expect(page.get_by_text("已选 3 户")).to_be_visible()
    page.get_by_role("button", name="批量换区册").click()
    select_book = page.get_by_label("换到哪一册")
    route_id = int(select_book.locator("option").nth(3).get_attribute("value") or 0)
    select_book.select_option(str(route_id))
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_text(re.compile("已把 [23] 户换到"))).to_be_visible()
    now = [stored(works, person.customer_no) for person in people]
    assert {person.route_id for person in now if person} == {route_id}


def money(page: Page, column: str) -> Decimal:
    """The 合计 of a column of 水费综合统计."""
    names = page.locator("thead th").all_inner_texts()
    text = page.locator("tfoot tr > *").nth(names.index(column)).inner_text()
    return D(text.replace("¥", "").replace(",", "").replace("—", "0"))


def test_the_summary_follows_its_filters_and_equals_the_ledger(page: Page, home: str, works: Tenant) -> None:
    first, second = nth(works, 14), nth(works, 25)
    pay_all(works, first.id, "cash")
    wechat = pay_all(works, second.id, "wechat")
    with at(works):
        beside = select(Customer.id).where(Customer.route_id == second.route_id, Customer.id != second.id)
        neighbour = db.session.scalars(beside.join(OpenItem, OpenItem.customer_id == Customer.id)).first()
    assert neighbour
    pay_all(works, neighbour, "cash", more=9)
    page.goto(home)
    page.get_by_role("link", name="水费综合统计").click()
    expect(page.get_by_text("与总账一致")).to_be_visible()
    with at(works):
        month = periods.first_day(periods.of(clock.today()))
        due = db.session.scalar(select(func.sum(Bill.amount)).where(Bill.issued_on >= month))
        books = ledger.balances()
    assert (money(page, "应收"), money(page, "现金"), money(page, "微信")) == (due, books["cash"], books["wechat"])
    figure(page, "10.1-1")
    page.get_by_label("缴费方式").select_option(label="微信")
    page.get_by_label("区册").select_option(str(second.route_id))
    page.get_by_label("日期从").fill(clock.today().isoformat())
    page.get_by_role("button", name="搜索").click()
    page.wait_for_url(re.compile("method=wechat"))
    expect(page.locator("tbody tr")).to_have_count(1)
    with at(works):
        (paid,) = db.session.scalars(
            select(Payment).where(Payment.customer_id == second.id, Payment.method == "wechat")
        )
    assert paid.late_fee > 0
    # nothing of the cash that a neighbour in the same book paid today, with its late fee and what was left as 预存
    assert [money(page, column) for column in ("微信", "违约金", "预存变动")] == [wechat, paid.late_fee, D(0)]
    expect(page.get_by_role("columnheader", name="现金")).to_have_count(0)
    expect(page.get_by_text("与总账一致")).to_be_visible()
    figure(page, "10.1-2")
    with at(works):
        reader = db.session.scalars(select(StaffUser).where(StaffUser.role == "reader").order_by(StaffUser.id)).first()
    assert reader
    page.goto(f"{home}/reports/summary")
    page.get_by_label("抄表员").select_option(label=reader.name)
    page.get_by_role("button", name="搜索").click()
    page.wait_for_url(re.compile(f"reader={reader.id}"))
    for row in page.locator("tbody tr").all():
        expect(row).to_contain_text(reader.name)
    expect(page.get_by_text("与总账一致")).to_be_visible()


def test_the_month_s_report_prints_the_same_numbers_as_its_workbook(page: Page, home: str, works: Tenant) -> None:
    pay_all(works, nth(works, 15).id)
    page.goto(f"{home}/reports/summary")
    page.get_by_role("link", name="打印当月报表").click()
    expect(page.get_by_role("heading", name="水费月报")).to_be_visible()
    figure(page, "10.1-3")
    with at(works):
        books = ledger.balances()
        cash = books["cash"]
    period = periods.of(clock.today())
    status, kind, body = fetch(page, f"/reports/monthly.pdf?period={period}")
    assert (status, kind) == (200, "application/pdf")
    printed = "".join(sheet_.extract_text() for sheet_ in PdfReader(BytesIO(body)).pages)
    assert f"{cash:,.2f}" in printed
    expect(page.locator(".report-sheet tr.total")).to_contain_text(f"{cash:,.2f}")
    _, _, content = fetch(page, f"/reports/monthly.xlsx?period={period}")
    book = load_workbook(BytesIO(content))
    total = next(row for row in book.worksheets[0].iter_rows(values_only=True) if row[0] == "合计")
    shown = page.locator(".report-sheet tr.total td").all_inner_texts()[1:]
    assert [D(str(value)).quantize(D("0.01")) for value in total[1:]] == [
        D(text.replace(",", "").replace("—", "0")).quantize(D("0.01")) for text in shown
    ]
    assert D(str(total[7])) == cash
    assert D(str(total[11])) == sum(books.get(method, D(0)) for method in METHODS)
    page.emulate_media(media="print")
    figure(page, "10.1-4")
    page.emulate_media(media="screen")


def test_the_customers_statistics_follow_search_and_state(page: Page, home: str, works: Tenant) -> None:
    person = nth(works, 30)
    with at(works), transaction():
        bound = db.session.scalars(select(MeterBinding).where(MeterBinding.customer_id == person.id)).one()
        stop_meter(bound.meter_id, reading=D(900), on=clock.today(), reason="外出", by_id=None)
    with at(works):
        everybody = db.session.scalar(select(func.count()).select_from(Customer)) or 0
        volume, due = db.session.execute(select(func.sum(Bill.volume), func.sum(Bill.amount))).one()
    page.goto(home)
    page.get_by_role("link", name="用户统计").click()
    expect(page.get_by_role("status").filter(has_text=f"共 {everybody} 户")).to_contain_text(f"应收 ¥{due:,.2f}")
    total = page.get_by_role("region", name="按区册").get_by_role("row", name="合计")
    expect(total).to_contain_text(f"¥{due:,.2f}")
    expect(total).to_contain_text(f"{volume:,.0f}")
    expect(page.locator("#by-route canvas")).to_be_visible()
    figure(page, "10.3-1")
    found_by(page, person.customer_no)
    expect(page.get_by_role("region", name="用户统计").get_by_role("row")).to_have_count(2)
    expect(
        page.get_by_role("region", name="按水表性质").get_by_role("row", name="合计").get_by_role("cell").first
    ).to_have_text("1")
    figure(page, "10.3-2")
    page.goto(f"{home}/reports/customers")
    page.get_by_role("link", name=re.compile("^停表")).click()
    expect(page.get_by_role("region", name="用户统计").get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("link", name=person.customer_no)).to_be_visible()
    figure(page, "10.3-3")
    with page.expect_download() as download:
        page.get_by_role("link", name="导出").click()
    rows = list(load_workbook(BytesIO(download.value.path().read_bytes())).worksheets[0].iter_rows(values_only=True))
    assert [row[0] for row in rows] == ["户号", person.customer_no]
    page.get_by_role("link", name=re.compile("^正常")).click()
    expect(page.get_by_role("link", name=person.customer_no)).to_have_count(0)
