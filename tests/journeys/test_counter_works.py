"""The counter beyond a single payment: 合单收费, 充值 and its 冲红, 退预存, 减免违约金, 日结. On the screen and in the books."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app import clock
from app.billing.models import OpenItem
from app.customers.models import Customer
from app.db import db, transaction
from app.payments.models import DayClose, Payment
from app.payments.service.take_payment import top_up
from app.staff.models import StaffUser
from app.staff.service import create_staff
from seeds.plants import PASSWORD
from tenants import context
from tenants.context import Tenant
from tests.journeys.conftest import at, log_in, press
from tests.journeys.test_figures_payments import open_periods, payments_of, pdf_text, who_owes

D = Decimal
PHONE = {"width": 390, "height": 844}


@pytest.fixture(params=["office", "phone"])
def size(request: pytest.FixtureRequest, page: Page) -> str:
    """The window of the office, or a phone's."""
    if request.param == "phone":
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    return str(request.param)


def owed(works: Tenant, who: Customer) -> Decimal:
    """Yuan of the account's open bills, without late fees."""
    with at(works):
        items = db.session.scalars(select(OpenItem).where(OpenItem.customer_id == who.id)).all()
        return sum((item.unpaid for item in items), D(0))


def credit(works: Tenant, who: Customer) -> Decimal:
    """预存余额."""
    with at(works):
        return db.session.scalars(select(Customer.credit_balance).where(Customer.id == who.id)).one()


def put_in(works: Tenant, who: Customer, yuan: int) -> None:
    """充值 without the screen."""
    with context.use(works), transaction():
        top_up(who.id, amount=D(yuan), method="cash", by_id=None)


def open_account(page: Page, who: Customer) -> None:
    """The account at the counter."""
    page.get_by_label("户号、户名、电话、地址、表号", exact=True).fill(who.customer_no)
    page.keyboard.press("Enter")
    expect(page.locator(".desk-holder")).to_contain_text(who.holder)


def test_two_accounts_are_paid_together_by_the_keyboard(page: Page, port: int, works: Tenant) -> None:
    log_in(page, port, works.slug, "shoufei")
    first = who_owes(works)
    with at(works):
        theirs = select(OpenItem.customer_id).where(OpenItem.customer_id > first.id).distinct()
        second = db.session.scalars(select(Customer).where(Customer.id.in_(theirs)).order_by(Customer.id)).first()
    assert second
    page.get_by_role("link", name="前台收费").click()
    page.get_by_role("link", name="合单收费").click()
    expect(page.get_by_role("heading", name="合单收费")).to_be_visible()
    for who in (first, second):
        expect(page.locator("#desk-q")).to_be_focused()
        page.keyboard.type(who.customer_no)
        page.keyboard.press("Enter")
        expect(page.get_by_role("checkbox", name=f"收 {who.holder}")).to_be_checked()
    due = D((page.locator("[data-due]").inner_text()).removeprefix("¥").replace(",", ""))
    page.get_by_label("实收", exact=True).fill(str(due + 7))
    expect(page.locator("[data-change]")).to_have_text("¥7.00")
    press(page, "F9")
    expect(page.get_by_text("收费成功，2 户")).to_be_visible()
    expect(page.locator(".desk-due")).to_have_text("¥7.00")
    (one,), (other,) = payments_of(works, first), payments_of(works, second)
    assert one.batch == other.batch is not None
    assert one.received + other.received == due
    assert (other.receipt_no or 0) - (one.receipt_no or 0) == 1
    assert open_periods(works, first) + open_periods(works, second) == []
    with page.context.expect_event("response", lambda answer: "receipts.pdf" in answer.url) as printed:
        page.keyboard.press("Enter")
    assert printed.value.status == 200
    papers = pdf_text(page, f"/payments/{one.id}/receipts.pdf")
    assert first.customer_no in papers
    assert second.customer_no in papers


def test_one_of_the_accounts_is_left_out(page: Page, home: str, works: Tenant) -> None:
    first = who_owes(works)
    with at(works):
        theirs = select(OpenItem.customer_id).where(OpenItem.customer_id > first.id).distinct()
        second = db.session.scalars(select(Customer).where(Customer.id.in_(theirs)).order_by(Customer.id)).first()
    assert second
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{home}/counter/together?ids={first.id}&ids={second.id}")
    page.get_by_role("checkbox", name=f"收 {second.holder}").uncheck()
    expect(page.locator("[data-count]")).to_have_text("1")
    page.get_by_role("radio", name="微信").check()
    page.get_by_role("button", name="确认收费 (F9)").click()
    expect(page.get_by_text("收费成功，1 户")).to_be_visible()
    (paid,) = payments_of(works, first)
    assert paid.method == "wechat"
    assert payments_of(works, second) == []
    assert owed(works, second) > 0


def test_a_top_up_is_taken_back_with_what_it_paid(page: Page, home: str, works: Tenant) -> None:
    who = who_owes(works)
    debt = owed(works, who)
    page.goto(f"{home}/counter")
    open_account(page, who)
    page.locator(".desk-who").get_by_role("link", name="充值").click()
    page.get_by_label("充值金额").fill("500")
    press(page, "F9")
    expect(page.get_by_text("充值成功").first).to_be_visible()
    page.goto(f"{home}/counter")
    open_account(page, who)
    page.get_by_role("radio", name="预存").check()
    press(page, "F9")
    expect(page.get_by_text("收费成功")).to_be_visible()
    put, paid = payments_of(works, who)
    assert paid.settled == debt
    assert (paid.method, paid.credit_delta, credit(works, who)) == (
        "prepaid",
        -paid.settled - paid.late_fee,
        500 + paid.credit_delta,
    )

    page.goto(f"{home}/orders/{put.id}")
    page.get_by_role("link", name="冲红").click()
    expect(page.get_by_text("下面 1 笔会一起冲红")).to_be_visible()
    page.get_by_label("冲红原因").fill("充错了户")
    page.get_by_role("button", name="确认冲红").click()
    expect(page.get_by_text("冲红成功")).to_be_visible()
    back = payments_of(works, who)[2:]
    assert {one.reverses_id for one in back} == {put.id, paid.id}
    assert (credit(works, who), owed(works, who)) == (D(0), debt)
    assert open_periods(works, who) == ["2026-09", "2026-10"]


def test_prepaid_money_is_given_back_and_never_more_than_there_is(
    page: Page, size: str, home: str, works: Tenant
) -> None:
    who = who_owes(works)
    put_in(works, who, 80)
    page.goto(f"{home}/counter")
    open_account(page, who)
    page.get_by_role("link", name="退预存").click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_text("预存余额是 ¥80.00")).to_be_visible()
    dialog.get_by_label("退款金额").fill("80.01")
    dialog.get_by_label("退款原因").fill("搬家")
    dialog.get_by_role("button", name="确认退款").click()
    expect(dialog.get_by_text("预存余额只有 ¥80.00，不能退 ¥80.01").first).to_be_visible()
    assert credit(works, who) == 80
    dialog.get_by_label("退款金额").fill("80")
    dialog.get_by_role("button", name="确认退款").click()
    expect(page.get_by_text("退款成功")).to_be_visible()
    expect(page.get_by_role("heading", name="这笔钱从哪里来，到哪里去")).to_be_visible()
    _, given = payments_of(works, who)
    assert (given.kind, given.received, given.credit_delta, given.note) == ("refund", D(-80), D(-80), "搬家")
    assert credit(works, who) == 0
    assert who.customer_no in pdf_text(page, f"/payments/{given.id}/receipt.pdf")
    page.goto(f"{home}/customers/{who.id}/refunds")
    expect(page.get_by_text("没有预存可以退")).to_be_visible()
    expect(page.get_by_role("button", name="确认退款")).to_have_count(0)


def test_a_late_fee_is_let_off_by_a_second_person(page: Page, size: str, port: int, works: Tenant) -> None:
    who = who_owes(works)
    log_in(page, port, works.slug, "caiwu")
    with at(works):
        me = db.session.scalars(select(StaffUser).where(StaffUser.username == "caiwu")).one()
        manager = db.session.scalars(select(StaffUser).where(StaffUser.username == "admin")).one()
    page.goto(f"http://{works.slug}.localhost:{port}/customers/{who.id}/waivers")
    field = page.get_by_role("textbox", name="减免多少").first
    expect(field).to_be_in_viewport(ratio=1)
    fee = D(field.input_value())
    assert fee > 0
    field.fill(str(fee + 1))
    page.get_by_label("减免原因").fill("孤寡老人")
    page.get_by_label("批准人").select_option(label=me.name)
    page.get_by_role("button", name="确认减免").click()
    expect(page.get_by_text("不能自己批准").first).to_be_visible()
    page.get_by_label("批准人").select_option(label=manager.name)
    page.get_by_role("button", name="确认减免").click()
    expect(page.get_by_text(f"违约金只欠 ¥{fee}").first).to_be_visible()
    assert payments_of(works, who) == []
    field.fill(str(fee))
    page.get_by_role("button", name="确认减免").click()
    expect(page.get_by_text("减免成功")).to_be_visible()
    (waiver,) = payments_of(works, who)
    assert (waiver.kind, waiver.waived, waiver.late_fee, waiver.received) == ("waiver", fee, fee, D(0))
    assert open_periods(works, who) == ["2026-09", "2026-10"]


def test_a_day_is_counted_closed_and_locked(page: Page, size: str, port: int, works: Tenant) -> None:
    with context.use(works), transaction():
        cashier = create_staff(username=f"wang-{size}", password=PASSWORD, name="王芳", role="cashier").id
    base = f"http://{works.slug}.localhost:{port}"
    log_in(page, port, works.slug, f"wang-{size}")
    paid = who_owes(works)
    page.goto(f"{base}/customers/{paid.id}/payments")
    page.get_by_role("button", name="确定 (F9)").click()
    expect(page.get_by_text("是否打印收据")).to_be_visible()
    (one,) = payments_of(works, paid)

    page.goto(f"{base}/day-close")
    row = page.locator(".day-count tr", has_text="现金")
    expect(row).to_contain_text(f"¥{one.received:,.2f}")
    cash = page.get_by_label("实点现金")
    cash.fill(str(one.received - 1))
    expect(row.locator("[data-difference]")).to_have_text("短 ¥1.00")
    expect(page.locator(".day-sum [data-counted]")).to_have_text(f"¥{one.received - 1:,.2f}")
    expect(page.locator(".day-sum [data-difference]")).to_have_text("短 ¥1.00")
    page.get_by_role("button", name="确认日结").click()
    expect(page.get_by_text("请在说明里写清原因").first).to_be_visible()
    with at(works):
        assert db.session.scalars(select(DayClose).where(DayClose.cashier_id == cashier)).all() == []
    page.get_by_label("说明").fill("多找了一元")
    page.get_by_role("button", name="确认日结").click()
    expect(page.get_by_text("日结成功，这一天已锁定")).to_be_visible()
    with at(works):
        close = db.session.scalars(select(DayClose).where(DayClose.cashier_id == cashier)).one()
        assert (close.business_date, D(close.expected["cash"]), D(close.counted["cash"])) == (
            clock.today(), one.received, one.received - 1,
        )  # fmt: skip
    page.goto(f"{base}/day-close/sheet")
    expect(page.locator("main")).to_contain_text("多找了一元")

    other = who_owes(works)
    page.goto(f"{base}/customers/{other.id}/payments")
    page.get_by_role("button", name="确定 (F9)").click()
    expect(page.get_by_text("已经日结").first).to_be_visible()
    assert payments_of(works, other) == []
    with at(works):
        assert db.session.scalars(select(Payment.id).where(Payment.cashier_id == cashier)).all() == [one.id]
