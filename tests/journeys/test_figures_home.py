"""首页 (figures 2-1 and 2-2): figures that move by themselves, trends with their details, the first steps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from app import clock, periods
from app.billing.models import Bill, OpenItem
from app.customers.models import Customer
from app.db import db, transaction
from app.intake.onboarding import open_plant
from app.metering.models import MeterBinding
from app.money import fmt_yuan
from app.payments.models import Payment
from app.payments.service.take_payment import take_payment
from app.payments.service.take_readings import take_readings
from app.readings.models import Reading
from app.readings.service import NewReading
from app.tariffs.service import import_tariff
from seeds import big
from seeds import plants as seeds
from tenants import context
from tenants.context import Tenant
from tests.factories import TIERED
from tests.journeys.conftest import figure, log_in

_number = itertools.count(1)


@pytest.fixture
def in_works(works: Tenant) -> Iterator[Tenant]:
    """What is stored is looked up, and written, in the plant."""
    with context.use(works):
        yield works
        db.session.rollback()
        db.session.remove()


def reading_block(page: Page) -> str:
    return page.locator("#home-progress dl").inner_text().replace("\n", "")


def test_reading_and_money_move_by_themselves(page: Page, port: int, in_works: Tenant) -> None:
    november = "2026-11"
    bindings = list(db.session.execute(select(MeterBinding.id, MeterBinding.customer_id).order_by(MeterBinding.id)))
    last = dict(
        db.session.execute(select(Reading.binding_id, func.max(Reading.end_reading)).group_by(Reading.binding_id)).all()
    )
    unpaid = db.session.scalar(select(func.sum(OpenItem.unpaid)))
    db.session.rollback()
    log_in(page, port, in_works.slug)
    page.goto(f"http://{in_works.slug}.localhost:{port}/?period={november}")
    page.evaluate("window.sameDocument = true")
    expect(page.locator("#home-progress")).to_contain_text("应抄 60 已抄 0 未抄 60 异常 0", use_inner_text=True)
    expect(page.locator("#home-money")).to_contain_text(f"全部账期欠费 {fmt_yuan(unpaid)}")

    day = periods.first_day(november)
    with transaction():
        new = [NewReading(one.id, last[one.id] + (900 if i == 0 else 8), day) for i, one in enumerate(bindings[:25])]
        take_readings(new, period=november, by_id=None)
    payer = bindings[0].customer_id
    bills = {
        one.bill_id: one.unpaid for one in db.session.scalars(select(OpenItem).where(OpenItem.customer_id == payer))
    }
    db.session.rollback()
    with transaction():
        paid = take_payment(
            payer, bill_ids=list(bills), method="cash", tendered=Decimal(1000), keep_change=False, by_id=None
        )
    expect(page.locator("#home-progress")).to_contain_text("应抄 60 已抄 25 未抄 35 异常 1", use_inner_text=True)
    expect(page.locator("#home-needs")).to_contain_text("1 条异常读数待复核")
    expect(page.locator("#home-money")).to_contain_text(f"全部账期欠费 {fmt_yuan(unpaid - paid.settled)}")
    assert page.evaluate("window.sameDocument") is True

    page.goto(f"http://{in_works.slug}.localhost:{port}/?period=2026-10")
    due, count = db.session.execute(select(func.sum(Bill.amount), func.count()).where(Bill.period == "2026-10")).one()
    households = db.session.scalar(select(func.count()).select_from(Customer))
    arrears = db.session.scalar(select(func.sum(OpenItem.unpaid)).where(OpenItem.period == "2026-10"))
    money = page.locator("#home-money")
    for words in (
        f"用户{households}",
        f"{fmt_yuan(due)}{count} 张账单",
        f"欠费{fmt_yuan(arrears)}",
        "水表 60",
        "预存余额合计 ¥0.00",
    ):
        expect(money).to_contain_text(words)
    figure(page, "2-1")


def test_areas_and_trends_show_what_they_are_made_of(page: Page, port: int, in_works: Tenant) -> None:
    log_in(page, port, in_works.slug)
    page.goto(f"http://{in_works.slug}.localhost:{port}/?period=2026-10")
    district = page.locator(".home-district").first
    district.locator("summary").click()
    expect(district.get_by_text("001册")).to_be_visible()
    expect(district.locator("summary")).to_contain_text("6 / 6")
    expect(page.locator("[data-chart] canvas").first).to_be_visible()
    page.wait_for_function(
        "echarts.getInstanceByDom(document.querySelector('[data-chart]')).getOption().series.length === 2"
    )
    page.locator("#trend").scroll_into_view_if_needed()
    figure(page, "2-2")

    page.get_by_role("button", name="看表格").click()
    months = page.locator("#trend-months tbody tr")
    expect(months).to_have_count(6)
    due = db.session.scalar(select(func.sum(Bill.amount)).where(Bill.period == "2026-10"))
    unpaid = db.session.scalar(select(func.sum(OpenItem.unpaid)).where(OpenItem.period == "2026-10"))
    expect(months.first).to_contain_text("2026年5月 ¥0.00 ¥0.00", use_inner_text=True)  # nothing, but not skipped
    expect(months.last).to_contain_text(f"2026年10月 {fmt_yuan(due)} {fmt_yuan(due - unpaid)}", use_inner_text=True)
    months.last.get_by_role("link").click()
    expect(page.locator("#dialog-title")).to_have_text("2026年10月水费")
    rows = page.locator("#dialog tbody tr")
    expect(rows).to_have_count(10)
    expect(page.locator("#dialog tfoot")).to_contain_text(
        f"{fmt_yuan(due)} {fmt_yuan(due - unpaid)} {fmt_yuan(unpaid)}", use_inner_text=True
    )
    page.get_by_role("button", name="关闭").click()

    page.get_by_role("button", name="近十天").click()
    days = page.locator("#trend-days tbody tr")
    expect(days).to_have_count(10)
    today = clock.today()
    expect(days.first).to_contain_text(f"{today - timedelta(days=9)} ¥0.00 ¥0.00", use_inner_text=True)
    page.get_by_role("button", name="看图").click()
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] - 40, box["y"] + box["height"] / 2)  # the last bar: today
    expect(page.locator("#dialog-title")).to_have_text(f"{today}收款")
    came = db.session.scalar(select(func.sum(Payment.received)).where(Payment.business_date == today)) or Decimal(0)
    if came:
        expect(page.locator("#dialog tbody tr")).to_contain_text(f"现金 1 {fmt_yuan(came)}", use_inner_text=True)


def test_an_empty_plant_is_led_through_the_first_steps(page: Page, port: int, seeded: object) -> None:
    tenant = open_plant(f"leer{next(_number)}", name="新开水厂", admin="admin", password=seeds.PASSWORD)
    log_in(page, port, tenant.slug)
    steps = page.locator("#home-steps")
    expect(steps.locator("li b")).to_have_text(["区册", "收费标准", "用户", "抄表员", "抄表"])
    expect(steps.locator(".step-done")).to_have_count(0)
    with context.use(tenant):
        with transaction():
            seeds.hire()
            import_tariff(TIERED, by_id=None)
            big.fill(20)
        expect(steps.locator(".step-done b")).to_have_text(["区册", "收费标准", "用户"])
        expect(steps.locator(".step-next b")).to_have_text("抄表员")
        with transaction():
            seeds.assign_routes()
            big.read("2026-10")
        expect(steps).to_be_hidden()
        db.session.remove()
