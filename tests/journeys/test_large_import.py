"""What takes long, with a real worker and a bar that moves: 5,000 customers (figure 7.1-2), many notices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader
from sqlalchemy import func, select

from app.customers.models import Customer
from app.db import db
from app.intake.models import ImportJob
from app.metering.models import MeterBinding
from tenants.context import Tenant
from tenants.session import engine, quoted
from tests.intake.workbooks import sheet
from tests.journeys.conftest import at, fetch, log_in
from tests.processes import running

MANY = 5_000
HEAD = ("户号", "户名", "区", "册", "水表性质", "表号", "底数", "预存余额")
# A slow disk: each step of the bar takes a while, so that it is seen wherever the test runs.
SLOW = (
    """CREATE FUNCTION {s}.take_time() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END'""",
    """CREATE TRIGGER slow BEFORE UPDATE OF progress ON {s}.import_job FOR EACH ROW EXECUTE FUNCTION {s}.take_time()""",
)
WATCH = """() => {
    window.seen = [];
    setInterval(() => {
        const bar = document.querySelector("#job progress");
        const share = bar && bar.hasAttribute("value") ? Math.floor(100 * bar.value / bar.max) : null;
        if (share !== null && window.seen.at(-1) !== share) window.seen.push(share);
    }, 50);
}"""


@pytest.fixture(scope="module")
def worker(seeded: Flask) -> Iterator[None]:
    """A Celery worker as in production."""
    with running(seeded, "celery", "--app=worker.celery", "worker", "--queues=people,night", "--concurrency=1"):
        yield


@pytest.fixture(scope="module")
def slow(works: Tenant) -> Tenant:
    """The plant, on a slow disk."""
    with engine().begin() as connection:
        for statement in SLOW:
            connection.exec_driver_sql(statement.format(s=quoted(works.schema)))
    return works


def register(folder: Path, letter: str, rows: int = MANY) -> Path:
    """A workbook of so many customers; the last one's 底数 is wrong."""
    lines = [
        (
            f"{letter}{i:05d}",
            f"村民{i}",
            "新区",
            f"{1 + i // 100:02d}册",
            "居民生活用水",
            f"{letter}B{i:05d}",
            i % 900,
            0,
        )
        for i in range(1, rows)
    ]
    wrong = (f"{letter}00000", "底数不对", "新区", "01册", "居民生活用水", f"{letter}B00000", -5, 0)
    file = folder / f"登记册{letter}.xlsx"
    file.write_bytes(sheet(HEAD, *lines, wrong).getvalue())
    return file


def stored(works: Tenant, letter: str) -> tuple[int, int]:
    """Customers, and meters bound to them."""
    with at(works):
        mine = Customer.customer_no.startswith(letter)
        customers = db.session.scalar(select(func.count()).where(mine)) or 0
        bound = select(func.count()).select_from(MeterBinding).join(Customer, Customer.id == MeterBinding.customer_id)
        return customers, db.session.scalar(bound.where(mine)) or 0


def test_five_thousand_customers_with_a_bar_that_moves(
    page: Page, port: int, slow: Tenant, worker: None, tmp_path: Path
) -> None:
    log_in(page, port, slow.slug)
    page.get_by_role("navigation", name="主菜单").get_by_role("link", name="用户档案").click()
    page.get_by_role("link", name="导入", exact=True).click()
    page.get_by_label("工作簿").set_input_files(register(tmp_path, "K"))
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_role("progressbar", name="正在检查")).to_be_visible()
    page.evaluate(WATCH)
    expect(page.get_by_text("还没有保存。请核对下面的结果")).to_be_visible(timeout=60_000)
    assert len(page.evaluate("seen")) >= 2
    expect(page.locator(".import-figures")).to_contain_text("可导入 4,999", use_inner_text=True)
    expect(page.get_by_role("region", name="错误")).to_contain_text("-5 小于零")
    assert stored(slow, "K") == (0, 0)

    page.get_by_role("button", name="确认导入").click()
    expect(page.get_by_role("progressbar", name="正在导入")).to_be_visible()
    page.evaluate(WATCH)
    expect(page.get_by_text("导入成功：4,999 行已保存，1 行有错误没有导入。")).to_be_visible(timeout=60_000)
    shares = page.evaluate("seen")
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert stored(slow, "K") == (MANY - 1, MANY - 1)
    with at(slow):
        job = db.session.scalars(select(ImportJob).order_by(ImportJob.id.desc()).limit(1)).one()
        assert (job.state, job.progress, job.result["stored"]["customers"]) == ("done", MANY, MANY - 1)  # type: ignore[index]
    page.get_by_role("link", name="看用户档案").click()
    expect(page.get_by_text(re.compile(r"共 5,059 户"))).to_be_visible()


def test_the_page_reloads_itself_without_javascript(
    browser: Browser, port: int, slow: Tenant, worker: None, tmp_path: Path
) -> None:
    window = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = window.new_page()
    log_in(page, port, slow.slug)
    page.goto(f"http://{slow.slug}.localhost:{port}/imports/customers")
    page.get_by_label("工作簿").set_input_files(register(tmp_path, "N", 2_501))
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="确认导入").click(timeout=60_000)  # there as soon as the page has come again
    expect(page.get_by_role("progressbar", name="正在导入")).to_be_visible()
    expect(page.get_by_text("导入成功：2,500 行已保存")).to_be_visible(timeout=60_000)
    assert stored(slow, "N") == (2_500, 2_500)
    window.close()


def test_who_leaves_the_page_finds_the_import_again(page: Page, port: int, slow: Tenant, tmp_path: Path) -> None:
    log_in(page, port, slow.slug)
    page.goto(f"http://{slow.slug}.localhost:{port}/imports/customers")
    page.get_by_label("工作簿").set_input_files(register(tmp_path, "L", 20))
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_role("button", name="确认导入")).to_be_visible()
    page.goto(f"http://{slow.slug}.localhost:{port}/imports/customers")
    recent = page.get_by_role("region", name="最近的导入")
    expect(recent.get_by_role("row", name="登记册L.xlsx")).to_contain_text("待确认")
    recent.get_by_role("link", name="登记册L.xlsx").click()
    page.get_by_role("button", name="确认导入").click()
    expect(page.get_by_text("导入成功：19 行已保存")).to_be_visible()
    assert stored(slow, "L") == (19, 19)


def pages_made(tenant: Tenant) -> int:
    """Of the file that was made last."""
    with at(tenant):
        content = db.session.scalars(select(ImportJob.content).order_by(ImportJob.id.desc()).limit(1)).one()
    return len(PdfReader(BytesIO(content or b"")).pages)


def test_many_notices_are_made_while_a_bar_moves(page: Page, port: int, slow: Tenant, worker: None) -> None:
    log_in(page, port, slow.slug)
    page.goto(f"http://{slow.slug}.localhost:{port}/owing")
    page.get_by_label("选中这一页").check()
    page.get_by_label(re.compile("选中全部 60 户")).check()
    page.get_by_role("button", name="打印催缴通知单").click()
    expect(page.get_by_role("progressbar", name="正在生成")).to_be_visible()
    page.evaluate(WATCH)
    expect(page.get_by_role("link", name="打开并打印")).to_be_focused(timeout=60_000)
    shares = page.evaluate("seen")
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert fetch(page, f"{page.url}/content")[:2] == (200, "application/pdf")
    assert pages_made(slow) == 60


def test_notices_come_without_javascript_too(browser: Browser, port: int, slow: Tenant, worker: None) -> None:
    window = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = window.new_page()
    log_in(page, port, slow.slug)
    page.goto(f"http://{slow.slug}.localhost:{port}/owing/notices.pdf?all=1")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("link", name="打开并打印")).to_be_visible(timeout=60_000)
    assert pages_made(slow) == 60
    window.close()
