"""Figures of chapter 9 and 7.1-6: 水费线下缴费, 水费缴费订单管理, 前台收费, 充值."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO

from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader
from sqlalchemy import func, select

from app.billing.models import Bill, OpenItem
from app.customers.models import Customer
from app.db import db
from app.ledger import queries as ledger
from app.money import in_words
from app.payments.models import Payment, Settlement
from app.payments.verify import verify
from tenants.context import Tenant
from tests.journeys.conftest import at, fetch, figure, log_in, press

D = Decimal


def who_owes(works: Tenant, bills: int = 2) -> Customer:
    """Somebody who owes as many bills and has never paid, the first by 户号."""
    with at(works):
        owes = select(OpenItem.customer_id).group_by(OpenItem.customer_id).having(func.count() == bills)
        moved = select(Payment.customer_id)
        query = select(Customer).where(Customer.id.in_(owes), Customer.id.not_in(moved), ~Customer.auto_deduct)
        return db.session.scalars(query.order_by(Customer.customer_no).limit(1)).one()


def payments_of(works: Tenant, customer: Customer) -> list[Payment]:
    """Movements of the account, in order; the books are right."""
    with at(works):
        found = list(db.session.scalars(select(Payment).where(Payment.customer_id == customer.id).order_by(Payment.id)))
        assert ledger.imbalance() == 0
        assert verify() == []
    return found


def open_periods(works: Tenant, customer: Customer) -> list[str]:
    """Periods of the account's open bills."""
    with at(works):
        return list(
            db.session.scalars(
                select(OpenItem.period).where(OpenItem.customer_id == customer.id).order_by(OpenItem.period)
            )
        )


def pdf_text(page: Page, path: str) -> str:
    status, kind, body = fetch(page, path)
    assert (status, kind) == (200, "application/pdf")
    return re.sub(r"\s+", "", "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(body)).pages))


def test_who_owes_what_and_a_search_finds_one(page: Page, home: str, works: Tenant) -> None:
    with at(works):
        accounts, unpaid = db.session.execute(
            select(func.count(OpenItem.customer_id.distinct()), func.sum(OpenItem.unpaid))
        ).one()
    page.get_by_role("link", name="水费线下缴费").click()
    expect(page.get_by_role("heading", name="水费线下缴费")).to_be_visible()
    expect(page.get_by_text(f"共 {accounts} 户")).to_contain_text(f"水费合计 ¥{unpaid:,.2f}")
    figure(page, "9.1-1")

    who = who_owes(works)
    page.get_by_label("户号、户名、电话、地址、表号、拼音首字母").fill(f"BG{who.customer_no}")  # 表号
    page.get_by_role("button", name="搜索").click()
    expect(page.get_by_text("共 1 户")).to_be_visible()
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(who.holder)
    figure(page, "9.1-2")
    page.reload()
    expect(rows).to_have_count(1)
    _, _, book = fetch(page, page.locator("#list-export").get_attribute("href") or "")
    sheet = list(load_workbook(BytesIO(book)).active.values)  # type: ignore[union-attr]
    assert [row[0] for row in sheet] == ["户号", who.customer_no]

    page.get_by_label(f"选中 {who.customer_no}").check()
    expect(page.get_by_role("button", name="打印催缴通知单")).to_be_visible()
    notice = pdf_text(page, f"/owing/notices.pdf?id={who.id}")
    for words in ("催缴通知单", who.customer_no, "2026-09", "2026-10", "清泉村供水站收费窗口"):
        assert words in notice


def test_one_bill_is_paid_and_the_receipt_is_asked_for(page: Page, home: str, works: Tenant) -> None:
    who = who_owes(works)
    page.goto(f"{home}/owing?q=BG{who.customer_no}")
    page.get_by_role("link", name=f"{who.holder}缴费").click()
    expect(page.get_by_role("heading", name="缴费", exact=True)).to_be_visible()
    boxes = page.locator("input[name=bills]")
    expect(boxes).to_have_count(2)
    boxes.nth(0).uncheck()
    owed = D((boxes.nth(1).get_attribute("value") or "").split(":")[1])
    expect(page.locator("[data-due]")).to_have_text(f"¥{owed:,.2f}")
    page.get_by_role("radio", name="微信").check()
    figure(page, "9.1-3")
    page.get_by_role("button", name="确定 (F9)").click()

    expect(page.get_by_text("是否打印收据")).to_be_visible()
    figure(page, "9.1-4")
    (paid,) = payments_of(works, who)
    assert (paid.kind, paid.method, paid.received) == ("payment", "wechat", owed)
    assert open_periods(works, who) == ["2026-09"]
    with at(works):
        settled = select(Bill.period).join(Settlement, Settlement.bill_id == Bill.id)
        assert db.session.scalars(settled.where(Settlement.payment_id == paid.id)).all() == ["2026-10"]
    with page.context.expect_event("response", lambda answer: answer.url.endswith("/receipt.pdf")) as printed:
        page.get_by_role("link", name="现在打印收据").click()
    assert printed.value.status == 200


def test_change_is_put_to_prepayment_and_the_receipt_says_all_of_it(page: Page, home: str, works: Tenant) -> None:
    who = who_owes(works)
    page.goto(f"{home}/customers/{who.id}/payments")
    owed = D(page.get_by_label("实收", exact=True).input_value())
    page.get_by_label("实收", exact=True).fill(str(owed + 5))
    page.get_by_label("找零转入预存").check()
    expect(page.locator("[data-change]")).to_have_text("¥5.00")
    page.get_by_role("button", name="确定 (F9)").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="网页打印").click()
    paper = opened.value
    (paid,) = payments_of(works, who)
    number = f"{paid.receipt_year}-{paid.receipt_no:06d}"
    for words in (
        number,
        who.customer_no,
        who.holder,
        in_words(owed + 5),
        "找零转入预存",
        "水费（第 1 阶梯）",
        "污水处理费",
    ):
        expect(paper.locator("main")).to_contain_text(words)
    expect(paper.locator("main")).not_to_contain_text("补打")
    figure(paper, "9.1-5")
    assert paid.credit_delta == D("5.00")
    assert open_periods(works, who) == []
    again = pdf_text(page, f"/payments/{paid.id}/receipt.pdf")
    assert "补打" in again
    assert number in again
    roll = PdfReader(BytesIO(fetch(page, f"/payments/{paid.id}/receipt.pdf?paper=roll")[2]))
    assert len(roll.pages) == 1
    assert round(float(roll.pages[0].mediabox.width) / 72 * 25.4) == 80
    with at(works):
        numbers = db.session.scalars(select(Payment.receipt_no).where(Payment.receipt_no.is_not(None))).all()
        assert sorted(numbers) == list(range(1, len(numbers) + 1))  # type: ignore[type-var]


def test_all_orders_a_search_and_the_filter_of_what_is_not_paid(page: Page, home: str, works: Tenant) -> None:
    for _ in range(2):
        page.goto(f"{home}/customers/{who_owes(works).id}/payments")
        page.get_by_role("button", name="确定 (F9)").click()
        expect(page.get_by_text("是否打印收据")).to_be_visible()
    with at(works):
        movements, received = db.session.execute(select(func.count(), func.sum(Payment.received))).one()
        bills = db.session.scalar(select(func.count()).select_from(OpenItem))
        last = db.session.scalars(select(Payment).order_by(Payment.id.desc()).limit(1)).one()
    page.get_by_role("link", name="水费缴费订单管理").click()
    expect(page.get_by_text(f"共 {movements} 笔")).to_contain_text(f"实收合计 ¥{received:,.2f}")
    figure(page, "9.2-1")
    number = f"{last.receipt_year}-{last.receipt_no:06d}"
    page.get_by_label("收据号、户号、户名、电话、地址、表号").fill(number)
    page.get_by_role("button", name="搜索").click()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list tbody tr")).to_contain_text(number)
    figure(page, "9.2-2")
    page.get_by_role("link", name="重置").click()
    page.get_by_label("缴费状态").select_option(label="未缴费")
    expect(page.get_by_text(f"共 {bills} 张")).to_be_visible()
    figure(page, "9.2-3")


def test_an_order_is_reversed_once_with_a_reason_and_nothing_is_deleted(page: Page, home: str, works: Tenant) -> None:
    who = who_owes(works)
    page.goto(f"{home}/customers/{who.id}/payments")
    page.get_by_role("button", name="确定 (F9)").click()
    expect(page.get_by_text("是否打印收据")).to_be_visible()
    (paid,) = payments_of(works, who)
    page.goto(f"{home}/orders/{paid.id}")
    page.get_by_role("link", name="冲红").click()
    page.get_by_role("button", name="确认冲红").click()
    expect(page.get_by_text("请填写冲红原因。").first).to_be_visible()
    page.get_by_label("冲红原因").fill("收错了户")
    page.get_by_role("button", name="确认冲红").click()
    expect(page.get_by_text("冲红成功")).to_be_visible()
    expect(page.get_by_text("原因：收错了户").first).to_be_visible()
    expect(page.get_by_role("link", name="冲红", exact=True)).to_have_count(0)
    original, reversal = payments_of(works, who)
    assert (original.id, reversal.reverses_id, reversal.note) == (paid.id, paid.id, "收错了户")
    assert reversal.received == -original.received
    assert open_periods(works, who) == ["2026-09", "2026-10"]


def test_the_counter_by_keyboard_alone_in_three_enters(page: Page, home: str, works: Tenant) -> None:
    who = who_owes(works)
    page.get_by_role("link", name="前台收费").click()
    for key in ("F2", "回车", "F9", "Esc"):
        expect(page.locator(".keys")).to_contain_text(key)
    expect(page.locator("#desk-q")).to_be_focused()
    page.keyboard.type(who.customer_no)
    page.keyboard.press("Enter")
    expect(page.locator("input[name=bills]:checked")).to_have_count(2)
    expect(page.get_by_role("button", name="确认收费 (F9)")).to_be_visible()
    expect(page.get_by_label("实收", exact=True)).to_be_focused()
    figure(page, "9.3-1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("收费成功")).to_be_visible()
    expect(page.locator("#desk-q")).to_be_focused()
    (paid,) = payments_of(works, who)
    assert open_periods(works, who) == []
    with page.context.expect_event("response", lambda answer: "receipt.pdf" in answer.url) as printed:
        press(page, "Enter")
    assert f"/payments/{paid.id}/" in printed.value.url
    page.bring_to_front()  # the receipt has opened beside it; keys go to the counter again
    press(page, "Escape")
    expect(page.get_by_text("先查到人，再收费")).to_be_visible()


def test_query_pay_and_receipt_without_javascript(browser: Browser, port: int, works: Tenant) -> None:
    who = who_owes(works)
    window = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = window.new_page()
    log_in(page, port, works.slug, "shoufei")
    page.goto(f"http://{works.slug}.localhost:{port}/counter")
    page.get_by_label("户号、户名、电话、地址、表号", exact=True).fill(who.customer_no)
    page.get_by_role("button", name="缴费查询").click()
    page.locator("input[name=bills]").nth(1).uncheck()
    page.get_by_role("button", name="重新计算").click()
    owed = page.get_by_label("实收", exact=True).input_value()
    page.get_by_role("button", name="确认收费 (F9)").click()
    expect(page.get_by_text("收费成功")).to_be_visible()
    (paid,) = payments_of(works, who)
    assert (paid.received, open_periods(works, who)) == (D(owed), ["2026-10"])
    page.goto(f"http://{works.slug}.localhost:{port}/payments/{paid.id}/receipt")
    expect(page.locator("main")).to_contain_text(in_words(D(owed)))
    window.close()


def test_a_top_up_is_charged_once_however_often_it_is_sent(page: Page, home: str, works: Tenant) -> None:
    who = who_owes(works)
    page.goto(f"{home}/customers?q=BG{who.customer_no}")
    page.locator("#list tbody").get_by_role("link", name="充值").click()
    page.get_by_label("充值金额").fill("100")
    page.get_by_role("radio", name="支付宝").check()
    figure(page, "7.1-6")
    form = page.evaluate("[...new FormData(document.querySelector('.desk-top'))]")
    page.get_by_role("button", name="确认 (F9)").dblclick()
    expect(page.get_by_text("充值成功").first).to_be_visible()
    (paid,) = payments_of(works, who)
    assert (paid.kind, paid.method, paid.received, paid.credit_delta) == ("top_up", "alipay", D(100), D(100))
    answered = page.evaluate(
        """async ([path, form]) => (await fetch(path, {method: "POST", body: new URLSearchParams(form)})).url""",
        [f"/customers/{who.id}/top-ups", form],
    )
    assert answered.endswith(f"/counter/payments/{paid.id}")
    assert len(payments_of(works, who)) == 1
    with at(works):
        assert db.session.scalar(select(Customer.credit_balance).where(Customer.id == who.id)) == D(100)
        assert ledger.balances()["alipay"] == D(100)
    assert "人民币壹佰元整" in pdf_text(page, f"/payments/{paid.id}/receipt.pdf")
