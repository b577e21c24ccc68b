"""One working day: a plant is opened, set up, read, billed overnight, paid at the counter, and its books add up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Page, expect
from pypdf import PdfReader
from sqlalchemy import func, select

from app.billing.models import Bill, OpenItem
from app.customers.models import Customer
from app.db import db
from app.ledger import queries as ledger
from app.metering.models import MeterBinding
from app.payments.models import Payment
from app.payments.verify import verify
from app.readings.models import Reading
from seeds import plants as seeds
from tenants import context, resolver
from tests.factories import TIERED
from tests.intake.workbooks import sheet
from tests.journeys.conftest import fetch, press, read_captcha
from tests.processes import ROOT, environment

D = Decimal
SLUG, PERIOD, NIGHT = "qushui", "2026-10", "2026-11-01"
OWN_PASSWORD = "gangxin-2026"
PEOPLE = ("陈玉梅", "周永福", "何秀兰", "马德山", "吴小军", "赵丽霞")
USED = (9, 14, 6, 22, 480, 11)  # m³; the fifth is far too high, waits for a decision and is corrected to 8
BILLED = (9, 14, 6, 22, 8, 11)


@contextmanager
def books() -> Iterator[None]:
    """What is stored in the plant now."""
    tenant = resolver.by_slug(SLUG)
    assert tenant
    with context.use(tenant):
        db.session.rollback()
        yield
        db.session.rollback()
        db.session.remove()


def come_in(page: Page, site: str, username: str, password: str, *, first: bool = False) -> None:
    """Log in; the first time with a password of one's own."""
    page.context.clear_cookies()
    page.goto(f"{site}/login")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(password)
    page.get_by_label("验证码", exact=True).fill(read_captcha(page))
    page.get_by_role("button", name="登录").click()
    if first:
        page.get_by_label("原密码").fill(password)
        for label in ("新密码", "再输一次新密码"):
            page.get_by_label(label).first.fill(OWN_PASSWORD)
        page.get_by_role("button", name="修改密码").click()
        expect(page.get_by_text("密码修改成功")).to_be_visible()
    else:
        page.wait_for_url(f"{site}/")


def test_from_opening_a_plant_to_its_month_s_report(page: Page, port: int, seeded: Flask, tmp_path: Path) -> None:
    site = f"http://{SLUG}.localhost:{port}"
    password = the_operator_opens_a_plant(page, port)
    come_in(page, site, "admin", password, first=True)
    the_register_comes_in(page, site)
    the_tariff_is_set(page, site)
    reader_password = a_reader_gets_the_book(page, site)
    come_in(page, site, "zhou", reader_password, first=True)
    the_month_is_entered(page, site)
    come_in(page, site, "admin", OWN_PASSWORD)
    the_odd_one_is_corrected(page, site)
    one_pays_ahead(page, site)
    night = [sys.executable, "-m", "flask", "nightly", "--date", NIGHT, "--plant", SLUG]
    subprocess.run(night, cwd=ROOT, env=environment(seeded), check=True, capture_output=True)
    the_night_has_billed_and_deducted()
    the_rest_is_paid_and_printed(page, site)
    the_report_adds_up(page, site)


def the_operator_opens_a_plant(page: Page, port: int) -> str:
    page.goto(f"http://console.localhost:{port}/console/login")
    page.get_by_label("用户名").fill("operator")
    page.get_by_label("密码").fill(seeds.PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_role("link", name="开通水厂").click()
    page.get_by_label("水厂名称").fill("曲水村供水站")
    page.get_by_label("所在县").fill("石泉县")
    page.get_by_label("子域名").fill(SLUG)
    for standard in page.locator("[name=standards]").all():
        standard.uncheck()  # the plant makes its own
    page.get_by_role("button", name="开通").click()
    expect(page.get_by_text("「曲水村供水站」开通成功")).to_be_visible()
    return page.locator(".facts dd").nth(2).inner_text()


def the_register_comes_in(page: Page, site: str) -> None:
    rows = [[n, f"曲水村{n}号", name, f"1390000{n:04d}", f"QS{n:05d}", 3] for n, name in enumerate(PEOPLE, 1)]
    register = sheet(["水费登记册"], ["曲水镇村委会：曲水村"], ["序号", "地址", "户名", "电话", "表号", "人口"], *rows)
    page.goto(f"{site}/imports/customers")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.locator("input[type=file]").set_input_files(
        {"name": "登记册.xlsx", "mimeType": kind, "buffer": register.getvalue()}
    )
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_text("还没有保存")).to_be_visible()
    page.get_by_role("button", name="确认导入").click()
    expect(page.get_by_text("导入成功").first).to_be_visible()
    with books():
        assert db.session.scalar(select(func.count()).select_from(MeterBinding)) == len(PEOPLE)


def the_tariff_is_set(page: Page, site: str) -> None:
    page.goto(f"{site}/tariffs/new")
    page.get_by_label("名称", exact=False).first.fill(TIERED["name"])
    page.get_by_label("水表性质").select_option(TIERED["use_category"])
    page.get_by_label("生效日期").fill("2026-01-01")
    for tier, (up_to, price) in enumerate((("8", "2"), ("13", "3"), ("", "6")), 1):
        if up_to:
            page.get_by_label(f"第 {tier} 档用到多少吨（含）").fill(up_to)
        page.get_by_label(f"第 {tier} 档单价").fill(price)
    for number, (item, price) in enumerate((("污水处理费", "0.95"), ("水资源税", "0.20")), 1):
        page.get_by_label(f"其他费用 {number} 名称").fill(item)
        page.get_by_label(f"其他费用 {number} 怎么收").select_option("volume")
        page.get_by_label(f"其他费用 {number} 单价").fill(price)
    expect(page.locator("#trial-result")).to_contain_text("用 25 吨 = ¥131.75")  # 8×2 + 5×3 + 12×6 + 25×1.15
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("新增成功")).to_be_visible()


def a_reader_gets_the_book(page: Page, site: str) -> str:
    page.goto(f"{site}/areas/readers")
    page.get_by_role("link", name="新增", exact=True).click()
    form = page.locator("dialog[open]")
    form.get_by_label("姓名").fill("周小燕")
    form.get_by_label("用户名").fill("zhou")
    form.get_by_role("button", name="确认").click()
    expect(page.get_by_role("status").get_by_text("新增成功")).to_be_visible()
    password = page.locator(".told dd").nth(1).inner_text()
    page.goto(f"{site}/areas/scope")
    page.get_by_role("link", name="给周小燕分配区册").click()
    form = page.locator("dialog[open]")
    form.get_by_role("group", name="未分配的区册").get_by_role("checkbox").first.check()
    form.get_by_role("button", name="分配").click()
    form.get_by_role("button", name="确定").click()
    expect(page.get_by_role("status").get_by_text("分配成功")).to_be_visible()
    return password


def the_month_is_entered(page: Page, site: str) -> None:
    page.goto(f"{site}/readings/books?period={PERIOD}")
    page.get_by_role("link", name="录入").last.click()
    page.wait_for_load_state()  # a reader types when the page is there: its scripts make Enter go on to the next row
    with books():
        ids = db.session.scalars(select(MeterBinding.id).order_by(MeterBinding.id)).all()
    for binding, used in zip(ids, USED, strict=True):
        page.locator(f"#end-{binding}").fill(str(used))
        page.keyboard.press("Enter")
        expect(page.locator(f"#mark-{binding} [data-mark]").first).to_be_visible()
    expect(page.locator("#entry-progress")).to_contain_text("已抄 6 / 6")
    with books():
        assert db.session.scalars(select(Reading.review).order_by(Reading.end_reading)).all()[-1] == "held"


def the_odd_one_is_corrected(page: Page, site: str) -> None:
    page.goto(f"{site}/readings/review?period={PERIOD}")
    expect(page.get_by_text("吴小军").first).to_be_visible()
    press(page, "F2")
    page.keyboard.type("8")
    press(page, "F8")
    expect(page.get_by_text("已更正：")).to_be_visible()
    with books():
        assert sorted(db.session.scalars(select(Reading.volume))) == sorted(map(D, BILLED))


def one_pays_ahead(page: Page, site: str) -> None:
    """陈玉梅 lets her water be taken from what she puts in."""
    page.goto(f"{site}/customers?q={PEOPLE[0]}")
    page.get_by_role("link", name="详情").first.click()
    page.get_by_role("link", name="修改").first.click()
    page.get_by_role("group", name="自动扣费").get_by_text("是", exact=True).click()
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_text("编辑成功")).to_be_visible()
    page.get_by_role("link", name="充值").first.click()
    page.get_by_label("充值金额").fill("100")
    page.get_by_role("button", name="确认 (F9)").click()
    expect(page.get_by_text("充值成功").first).to_be_visible()


def the_night_has_billed_and_deducted() -> None:
    with books():
        volumes = db.session.scalars(select(Bill.volume)).all()
        assert sorted(volumes) == sorted(map(D, BILLED))
        taken = db.session.scalars(select(Payment).where(Payment.kind == "auto_deduct")).one()
        assert taken.settled == D("29.35")  # 8×2 + 1×3 + 9×1.15
        credit = db.session.scalars(select(Customer.credit_balance).where(Customer.holder == PEOPLE[0])).one()
        assert credit == D("100.00") - D("29.35")
        assert db.session.scalar(select(func.count()).select_from(OpenItem)) == len(PEOPLE) - 1


def the_rest_is_paid_and_printed(page: Page, site: str) -> None:
    for name in PEOPLE[1:]:
        page.goto(f"{site}/counter")
        expect(page.locator("#desk-q")).to_be_focused()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="确认收费 (F9)")).to_be_visible()
        expect(page.get_by_label("实收", exact=True)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_text("收费成功")).to_be_visible()
    with books():
        assert db.session.scalar(select(func.count()).select_from(OpenItem)) == 0
        last = db.session.scalars(select(Payment.id).where(Payment.kind == "payment").order_by(Payment.id)).all()[-1]
    assert PEOPLE[-1] in pdf_text(page, f"/payments/{last}/receipt.pdf")


def pdf_text(page: Page, path: str) -> str:
    status, kind, body = fetch(page, path)
    assert (status, kind) == (200, "application/pdf")
    return "".join(leaf.extract_text() for leaf in PdfReader(BytesIO(body)).pages)


def the_report_adds_up(page: Page, site: str) -> None:
    page.goto(f"{site}/reports/summary")
    expect(page.get_by_text("与总账一致")).to_be_visible()
    page.get_by_role("link", name="打印当月报表").click()
    expect(page.get_by_role("heading", name="水费月报")).to_be_visible()
    with books():
        assert verify() == []
        balances: dict[str, Any] = ledger.balances()
        cash = balances["cash"]
        billed = db.session.scalar(select(func.sum(Bill.amount)))
        assert cash == billed - D("29.35") + 100
        assert balances["receivable"] == 0
    expect(page.locator(".report-sheet tr.total")).to_contain_text(f"{cash:,.2f}")
