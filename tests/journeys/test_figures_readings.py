"""抄表记录 (figures 8.3-1 to 8.3-3) with entering and reviewing, and 抄表统计 (10.2-1 to 10.2-4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select, update

from app.areas.models import Route
from app.audit import AuditEntry
from app.billing.models import Bill
from app.customers.models import Customer
from app.db import db, transaction
from app.intake.onboarding import open_plant
from app.metering.models import MeterBinding
from app.readings.models import Reading
from app.staff.models import StaffUser
from app.tariffs.service import import_tariff
from seeds import big
from seeds import plants as seeds
from tenants import context
from tenants.context import Tenant
from tests.factories import TIERED
from tests.journeys.conftest import fetch, figure, log_in, press

NOVEMBER = "2026-11"


@pytest.fixture(autouse=True)
def in_plant(works: Tenant) -> Iterator[None]:
    """What is stored is looked up in the plant."""
    with context.use(works):
        yield
        db.session.rollback()
        db.session.remove()


def ask(query: Any) -> Any:
    """What is stored now."""
    db.session.rollback()
    found = db.session.execute(query.execution_options(populate_existing=True)).all()
    db.session.rollback()
    return found


def book_of(district: int) -> int:
    """The book of the n-th area."""
    return int(ask(select(Route.id).order_by(Route.id).offset(district - 1).limit(1))[0][0])


def in_book(route_id: int) -> list[Any]:
    """(户号, binding, last 止码) of a book, as it is walked."""
    last = select(func.max(Reading.end_reading)).where(Reading.binding_id == MeterBinding.id, Reading.period < NOVEMBER)
    return ask(  # type: ignore[no-any-return]
        select(Customer.customer_no, MeterBinding.id, last.scalar_subquery())
        .join(MeterBinding, MeterBinding.customer_id == Customer.id)
        .where(Customer.route_id == route_id)
        .order_by(Customer.route_seq)
    )


def stored(binding_id: int, period: str = NOVEMBER) -> tuple[Any, ...] | None:
    found = ask(
        select(Reading.end_reading, Reading.volume, Reading.kind, Reading.review).where(
            Reading.binding_id == binding_id, Reading.period == period
        )
    )
    return tuple(found[0]) if found else None


def test_readings_are_listed_and_searched(page: Page, port: int, works: Tenant) -> None:
    log_in(page, port, works.slug)
    page.get_by_role("link", name="抄表记录", exact=True).first.click()
    count, volume = ask(select(func.count(), func.sum(Reading.volume)).where(Reading.period == "2026-10"))[0]
    expect(page.get_by_text(f"共 {count} 条 · 用水量合计 {volume:,.0f} m³")).to_be_visible()
    for name in ("导入", "导出", "复核", "录入一户", "整册录入"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    figure(page, "8.3-1")

    who = page.get_by_role("searchbox", name="户号、户名")
    who.fill("90000021")
    figure(page, "8.3-2")
    page.get_by_role("button", name="搜索").click()
    end, used = ask(
        select(Reading.end_reading, Reading.volume)
        .join(Customer, Customer.id == Reading.customer_id)
        .where(Customer.customer_no == "90000021", Reading.period == "2026-10")
    )[0]
    expect(page.get_by_text(f"共 1 条 · 用水量合计 {used:,.0f} m³")).to_be_visible()
    expect(page.get_by_role("cell", name=f"{end:.0f}", exact=True)).to_be_visible()
    expect(page).to_have_url(f"http://{works.slug}.localhost:{port}/readings?q=90000021&period=2026-10")
    figure(page, "8.3-3")

    base = f"http://{works.slug}.localhost:{port}"
    route, reader = ask(select(Route.id, Route.reader_id).order_by(Route.id))[0]
    for query, condition in (
        (f"route={route}", Reading.route_id == route),
        ("period=2026-09", Reading.period == "2026-09"),
        ("tab=held", Reading.review == "held"),
        (f"reader={reader}", Reading.reader_id == reader),
    ):
        page.goto(f"{base}/readings?{query}")
        asked = select(func.count()).select_from(Reading).where(condition)
        expected = ask(asked if "period" in query else asked.where(Reading.period == "2026-10"))[0][0]
        expect(page.get_by_text(f"共 {expected} 条" if expected else "没有符合条件的抄表记录").first).to_be_visible()


def test_a_book_is_entered_by_the_keyboard_alone_and_nothing_is_lost(page: Page, port: int, works: Tenant) -> None:
    route = book_of(1)
    rows = in_book(route)
    log_in(page, port, works.slug, "li")
    page.goto(f"http://{works.slug}.localhost:{port}/readings/books?period={NOVEMBER}")
    page.get_by_role("link", name="录入第1区001册").click()
    first = page.locator(f"#end-{rows[0].id}")
    expect(first).to_be_focused()
    page.keyboard.type(str(int(rows[0][2]) + 7))
    mark = page.locator(f"#mark-{rows[0].id}")
    expect(mark).to_contain_text("7")  # at once, before anything is sent
    assert stored(rows[0].id) is None
    page.keyboard.press("Enter")
    expect(page.locator(f"#end-{rows[1].id}")).to_be_focused()
    expect(mark.locator("[data-mark=stored]")).to_be_visible()
    expect(page.locator("#entry-progress")).to_contain_text(f"已抄 1 / {len(rows)}")
    assert stored(rows[0].id) == (rows[0][2] + 7, Decimal(7), "actual", "accepted")

    page.keyboard.type(str(int(rows[1][2]) + 500))
    page.keyboard.press("Enter")
    expect(page.locator(f"#row-{rows[1].id}")).to_have_class("entry-bad")
    expect(page.locator(f"#mark-{rows[1].id}")).to_contain_text("待复核：用量偏高")
    page.keyboard.type("99999999")
    page.keyboard.press("Enter")
    expect(page.locator(f"#mark-{rows[2].id}")).to_contain_text("超过量程")
    expect(page.locator(f"#end-{rows[3].id}")).to_be_focused()  # nothing pulls the hands back
    assert stored(rows[2].id) is None

    page.context.set_offline(True)
    page.keyboard.type(str(int(rows[3][2]) + 5))
    page.keyboard.press("Enter")
    expect(page.locator("#entry-unsent")).to_contain_text("1 户还没存上")
    page.context.set_offline(False)
    expect(page.locator(f"#mark-{rows[3].id} [data-mark=stored]")).to_be_visible()
    expect(page.locator("#entry-unsent")).to_be_hidden()
    assert stored(rows[3].id) == (rows[3][2] + 5, Decimal(5), "actual", "accepted")

    page.context.set_offline(True)
    page.keyboard.type(str(int(rows[4][2]) + 4))
    page.keyboard.press("Enter")
    expect(page.locator("#entry-unsent")).to_be_visible()
    assert stored(rows[4].id) is None
    page.context.set_offline(False)
    page.goto(f"http://{works.slug}.localhost:{port}/")  # closed before it could be sent again
    page.goto(f"http://{works.slug}.localhost:{port}/readings/books/{route}?period={NOVEMBER}")
    expect(page.locator(f"#mark-{rows[4].id} [data-mark=stored]")).to_be_visible()
    assert stored(rows[4].id) == (rows[4][2] + 4, Decimal(4), "actual", "accepted")


def test_a_large_book_is_entered_by_keyboard_and_keeps_what_was_not_sent(page: Page, port: int, works: Tenant) -> None:
    """300 rows; rows out of sight are not laid out, but are there for the keys, for what is shown and after a reload."""
    tenant = large_book(300)
    with context.use(tenant):
        route, rows = book_of(1), in_book(book_of(1))
        log_in(page, port, tenant.slug)
        page.goto(f"http://{tenant.slug}.localhost:{port}/readings/books/{route}?period={NOVEMBER}")
        expect(page.locator(f"#end-{rows[0].id}")).to_be_focused()
        for row in rows[:40]:
            page.keyboard.type(str(int(row[2]) + 6))
            page.keyboard.press("Enter")
        expect(page.locator(f"#end-{rows[40].id}")).to_be_focused()
        expect(page.locator(f"#end-{rows[40].id}")).to_be_in_viewport()
        expect(page.get_by_role("columnheader", name="本期止码")).to_be_in_viewport()
        expect(page.locator("#entry-progress")).to_contain_text("已抄 40 / 300")

        page.context.set_offline(True)
        for row in rows[40:60]:
            page.keyboard.type(str(int(row[2]) + 6))
            page.keyboard.press("Enter")
        expect(page.locator("#entry-unsent")).to_contain_text("20 户还没存上")
        stored_now = select(func.count()).where(Reading.period == NOVEMBER, Reading.volume == 6)
        assert ask(stored_now)[0][0] == 40
        page.evaluate("window.stop()")
        page.close()
        again = page.context.new_page()
        page.context.set_offline(False)
        again.goto(f"http://{tenant.slug}.localhost:{port}/readings/books/{route}?period={NOVEMBER}")
        expect(again.locator("#entry-progress")).to_contain_text("已抄 60 / 300")
        expect(again.locator(f"#end-{rows[60].id}")).to_be_focused()
        assert ask(stored_now)[0][0] == 60
        again.keyboard.press("ArrowUp")
        expect(again.locator(f"#mark-{rows[59].id} [data-mark=stored]")).to_be_visible()
        last = again.locator(f"#end-{rows[-1].id}")
        last.fill(str(int(rows[-1][2]) + 900))
        last.press("Enter")
        expect(again.locator("#entry-done")).to_be_focused()
        expect(again.locator(f"#mark-{rows[-1].id}")).to_contain_text("待复核：用量偏高")


def large_book(households: int) -> Tenant:
    """A plant of one book, whose October is read and not billed."""
    tenant = open_plant("one-book", name="一册水厂", admin="admin", password=seeds.PASSWORD)
    with context.use(tenant), transaction():
        import_tariff(TIERED, by_id=None)
        big.fill(households)
        first = select(func.min(Route.id)).scalar_subquery()
        db.session.execute(update(Customer).values(route_id=first, route_seq=Customer.id))
        big.read("2026-10")
    return tenant


def test_without_javascript_a_book_is_saved_in_one_go(browser: Browser, port: int, works: Tenant, page: Page) -> None:
    rows = in_book(book_of(2))
    log_in(page, port, works.slug)
    plain = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    sheet = plain.new_page()
    sheet.goto(f"http://{works.slug}.localhost:{port}/readings/books/{book_of(2)}?period={NOVEMBER}")
    sheet.locator(f"#end-{rows[0].id}").fill(str(int(rows[0][2]) + 6))
    sheet.locator(f"#end-{rows[1].id}").fill("12a")
    sheet.get_by_role("button", name="保存", exact=True).click()
    expect(sheet.get_by_text("止码应是数字")).to_be_visible()
    expect(sheet.locator(f"#end-{rows[1].id}")).to_have_value("12a")
    plain.close()
    assert stored(rows[0].id) == (rows[0][2] + 6, Decimal(6), "actual", "accepted")
    assert stored(rows[1].id) is None


def test_odd_ones_are_reviewed_one_after_the_other_by_keys(page: Page, port: int, works: Tenant) -> None:
    rows = in_book(book_of(3))
    log_in(page, port, works.slug)
    page.goto(f"http://{works.slug}.localhost:{port}/readings/books/{book_of(3)}?period={NOVEMBER}")
    for row, volume in zip(rows, (400, 410, 420, 430), strict=False):
        page.locator(f"#end-{row.id}").fill(str(int(row[2]) + volume))
        page.keyboard.press("Enter")
        expect(page.locator(f"#mark-{row.id} [data-mark=odd]")).to_be_visible()
    ids = [
        ask(select(Reading.id).where(Reading.binding_id == row.id, Reading.period == NOVEMBER))[0][0]
        for row in rows[:4]
    ]
    page.goto(f"http://{works.slug}.localhost:{port}/readings/review?period={NOVEMBER}&at={ids[0]}")
    expect(page.get_by_text("用量偏高").first).to_be_visible()
    expect(page.get_by_role("img", name="近一年用水量")).to_be_visible()
    press(page, "F9")
    expect(page.get_by_text("已通过：")).to_be_visible()
    page.wait_for_load_state()  # keys are heard from here on
    press(page, "F2")
    page.keyboard.type(str(int(rows[1][2]) + 9))
    press(page, "F8")
    expect(page.get_by_text("已更正：")).to_be_visible()
    page.wait_for_load_state()
    press(page, "F7")
    expect(page.get_by_text("已估抄：")).to_be_visible()
    page.wait_for_load_state()
    press(page, "F6")
    expect(page.get_by_text("已退回重抄：")).to_be_visible()
    assert stored(rows[0].id) == (rows[0][2] + 400, Decimal(400), "actual", "accepted")
    assert stored(rows[1].id) == (rows[1][2] + 9, Decimal(9), "actual", "accepted")
    assert (stored(rows[2].id) or ())[2:] == ("estimated", "accepted")
    assert (stored(rows[3].id) or ())[2:] == ("actual", "returned")
    decided = ask(
        select(AuditEntry.changes)
        .where(AuditEntry.action == "reviewed", AuditEntry.entity_id.in_(ids))
        .order_by(AuditEntry.id)
    )
    assert [row.changes["decision"] for row in decided] == ["accept", "correct", "estimate", "return"]


def test_a_billed_reading_is_corrected_with_its_bill(page: Page, port: int, works: Tenant) -> None:
    number, binding_id, end = in_book(book_of(4))[0]
    log_in(page, port, works.slug)
    page.goto(f"http://{works.slug}.localhost:{port}/readings?period=2026-10&q={number}")
    line = page.get_by_role("row").filter(has=page.get_by_role("cell", name=number, exact=True))
    line.get_by_role("link", name="更正").click()
    expect(page.get_by_text("用一张退补水量的账单补收或退回差额")).to_be_visible()
    page.get_by_label("更正后的止码").fill(str(int(end) - 1))
    page.get_by_role("button", name="更正", exact=True).click()
    expect(page.get_by_text("请填写更正原因").first).to_be_visible()
    page.get_by_label("更正原因").fill("抄错一位")
    page.get_by_role("button", name="更正", exact=True).click()
    expect(page.get_by_text("编辑成功：退回 1 m³")).to_be_visible()
    made = ask(select(Bill.volume, Bill.amount).where(Bill.binding_id == binding_id, Bill.kind == "adjustment"))
    assert [(row.volume, row.amount < 0) for row in made] == [(Decimal(-1), True)]
    assert (stored(binding_id, "2026-10") or ())[0] == end - 1


def test_reading_statistics_by_reader_state_and_meter(page: Page, port: int, works: Tenant) -> None:
    base = f"http://{works.slug}.localhost:{port}"
    log_in(page, port, works.slug)
    page.get_by_role("link", name="抄表统计").click()
    page.get_by_label("账期").select_option("2026-10")
    expect(page.get_by_text("2026年10月各抄表员")).to_be_visible()
    volume = ask(select(func.sum(Reading.volume)).where(Reading.period == "2026-10"))[0][0]
    total = page.get_by_role("region", name="各抄表员").locator("tfoot tr")
    expect(total).to_contain_text(f"合计 60 60 0 — — {volume:,.0f}", use_inner_text=True)
    expect(page.get_by_text(f"共 60 块 · 用水量合计 {volume:,.0f} m³")).to_be_visible()
    figure(page, "10.2-1")

    name = ask(select(StaffUser.name).join(Route, Route.reader_id == StaffUser.id).order_by(Route.id))[0][0]
    mine = select(func.count(), func.sum(Reading.volume)).select_from(Reading)
    mine = mine.join(Route, Route.id == Reading.route_id).join(StaffUser, StaffUser.id == Route.reader_id)
    count, used = ask(mine.where(Reading.period == "2026-10", StaffUser.name == name))[0]
    search = page.get_by_role("searchbox", name="抄表员、表号")
    search.fill(name)
    page.get_by_role("button", name="搜索").click()
    expect(page.get_by_text(f"共 {count} 块 · 用水量合计 {used:,.0f} m³")).to_be_visible()
    figure(page, "10.2-2")

    with unread("90000017"):
        page.goto(f"{base}/reports/readings?period=2026-10")
        page.get_by_label("已抄表和未抄表").select_option("未抄表")
        page.get_by_role("button", name="搜索").click()
        expect(page.get_by_text("共 1 块")).to_be_visible()
        expect(page.get_by_role("row", name="BG90000017")).to_contain_text("未抄表")
        status, kind, body = fetch(page, f"{page.url}&export=xlsx")
        assert (status, "sheet" in kind) == (200, True)
        sheet = load_workbook(BytesIO(body)).worksheets[0]
        assert "BG90000017" in [cell.value for row in sheet.iter_rows() for cell in row]
        figure(page, "10.2-3")

    page.goto(f"{base}/reports/readings?period=2026-10")
    search.fill("bg90000025")
    page.get_by_role("button", name="搜索").click()
    expect(page.get_by_text("共 1 块")).to_be_visible()
    expect(page.get_by_role("row", name="BG90000025")).to_contain_text("已抄表")
    figure(page, "10.2-4")


@contextmanager
def unread(customer_no: str) -> Iterator[None]:
    """The household's October is 未抄 for a while."""
    key, end, volume = ask(
        select(Reading.id, Reading.end_reading, Reading.volume)
        .join(Customer, Customer.id == Reading.customer_id)
        .where(Customer.customer_no == customer_no, Reading.period == "2026-10")
    )[0]
    with transaction():
        db.session.execute(
            update(Reading).where(Reading.id == key).values(kind="unread", end_reading=None, volume=None)
        )
    yield
    with transaction():
        db.session.execute(
            update(Reading).where(Reading.id == key).values(kind="actual", end_reading=end, volume=volume)
        )
