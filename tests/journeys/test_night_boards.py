"""One plant's tariff is broken: it alone is red on the boards, says why, and is done once it is mended and retried."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete

from app import clock
from app.billing.models import Bill
from app.db import db, transaction
from app.intake.onboarding import open_plant
from app.tariffs.service import import_tariff
from seeds import big
from seeds import plants as seeds
from tenants import context, nights, passwords
from tenants.context import Tenant
from tenants.models import Operator, PlantJob
from tenants.session import platform
from tests.factories import TIERED
from tests.journeys.conftest import at, log_in
from tests.journeys.test_every_page import ASK_AXE, ASK_WIDTH, AXE, SIZES
from tests.nights import states
from tests.processes import running, wait_until

NIGHT = date(2026, 11, 1)
WORKER = ("celery", "-A", "worker.celery", "worker", "-Q", "night", "--concurrency", "1", "-l", "warning")


def village(slug: str, name: str, *, tariff_since: str) -> Tenant:
    """Twenty households that October was read of, and a standard."""
    tenant = open_plant(slug, name=name, county="石泉县", admin="admin", password=seeds.PASSWORD)
    with context.use(tenant):
        with transaction():
            import_tariff(TIERED | {"effective_from": tariff_since}, by_id=None)
            big.fill(20)
            big.read("2026-10")
        db.session.remove()
    return tenant


@pytest.fixture(scope="module")
def villages(seeded: Flask) -> tuple[Tenant, Tenant]:
    """One whose standard is in force, one whose standard was typed with a wrong year."""
    return (
        village("night-good", "上河村供水站", tariff_since="2026-01-01"),
        village("night-bad", "石泉镇人民政府机关后勤服务中心供水站", tariff_since="2062-01-01"),
    )


@pytest.fixture(scope="module")
def worker(seeded: Flask, villages: tuple[Tenant, Tenant]) -> Iterator[None]:
    """A real worker that has done the night of both."""
    with platform() as session:
        session.execute(delete(PlantJob).where(PlantJob.business_date == NIGHT))
        session.add(
            Operator(
                username="nightwatch",
                password_hash=passwords.hashed(seeds.PASSWORD),
                name="周运营",
                active=True,
                created_at=datetime.now(UTC),
            )
        )
    with running(seeded, *WORKER):
        for one in villages:
            nights.plan_by_hand(NIGHT, clock.now(), slug=one.slug)
            seeded.extensions["celery"].send_task("worker.tasks.run_plant_night", args=[one.slug], queue="night")
        wait_until(lambda: set(states(villages[0], NIGHT).values()) == {"done"}, "the good plant's night was not done")
        wait_until(lambda: states(villages[1], NIGHT)["bills"] == "failed", "the broken standard was not noticed")
        yield


def to_console(page: Page, port: int) -> None:
    """The operator comes in and opens the night."""
    page.goto(f"http://console.localhost:{port}/console/login")
    page.get_by_label("用户名").fill("nightwatch")
    page.get_by_label("密码").fill(seeds.PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_role("link", name="夜间任务").click()
    page.goto(f"http://console.localhost:{port}/console/nights/?day={NIGHT}")


def looks_right(page: Page) -> None:
    """Usable by keyboard and screen reader and nothing hanging out, in the office and on a phone."""
    page.add_init_script(path=AXE)  # into every page, though our policy lets no foreign script in
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        assert page.evaluate(ASK_AXE) == []
        assert page.evaluate(ASK_WIDTH) <= 0, f"{page.url} is too wide at {width}"
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})


@pytest.mark.usefixtures("worker")
def test_the_broken_plant_alone_is_red_and_done_after_mending(
    page: Page, port: int, villages: tuple[Tenant, Tenant]
) -> None:
    good, bad = villages
    to_console(page, port)
    row = page.get_by_role("row").filter(has_text=bad.name)
    expect(page.get_by_role("row").nth(1)).to_contain_text(bad.name)
    expect(row).to_contain_text("没有可用的收费标准，请先到「水费收费标准」新增，再出账。")
    expect(page.get_by_role("row").filter(has_text=good.name)).to_contain_text("出账 20 户")
    expect(page.locator("#nights")).to_contain_text("2 座水厂：完成 1，进行中 0，等待 0，失败 1；出账 20 户")
    looks_right(page)
    row.get_by_role("link", name=bad.name).click()
    expect(page.locator("#nights")).to_contain_text("等前面失败的一步先做成")
    looks_right(page)
    with context.use(bad):
        with transaction():
            import_tariff(TIERED, by_id=None)
        db.session.remove()
    page.go_back()
    row.get_by_role("link", name="重试").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"重新做「{bad.name}」")
    page.get_by_role("button", name="重试").click()
    expect(page.locator("#toasts")).to_contain_text("的夜间任务已重新排队")
    expect(page.locator("#nights")).to_contain_text("2 座水厂：完成 2，进行中 0，等待 0，失败 0；出账 40 户")
    assert set(states(bad, NIGHT).values()) == {"done"}
    with at(bad):
        assert db.session.query(Bill).filter_by(period="2026-10").count() == 20


@pytest.mark.usefixtures("worker")
def test_the_plant_mends_and_does_its_own_night_again(page: Page, port: int, seeded: Flask) -> None:
    plant = village("night-own", "下河村供水站", tariff_since="2062-01-01")
    nights.plan_by_hand(NIGHT, clock.now(), slug=plant.slug)
    log_in(page, port, plant.slug)
    here = f"http://{plant.slug}.localhost:{port}/nights"
    page.goto(here)
    expect(page.locator("#nights")).to_contain_text("已排队，轮到就做，这一页会自己更新。")
    seeded.extensions["celery"].send_task("worker.tasks.run_plant_night", args=[plant.slug], queue="night")
    expect(page.locator("#nights")).to_contain_text("出账没有做成")  # by itself
    looks_right(page)
    with context.use(plant):
        with transaction():
            import_tariff(TIERED, by_id=None)
        db.session.remove()
    page.get_by_role("button", name="再做一次").click()
    expect(page.locator("#nights")).to_contain_text("出账 20 户")
    looks_right(page)
    assert set(states(plant, NIGHT).values()) == {"done"}


@pytest.mark.usefixtures("worker")
def test_the_console_works_without_javascript(page: Page, port: int) -> None:
    assert page.context.browser
    plain = page.context.browser.new_context(java_script_enabled=False, locale="zh-CN")
    plant = village("night-plain", "中河村供水站", tariff_since="2062-01-01")
    nights.plan_by_hand(NIGHT, clock.now(), slug=plant.slug)
    with platform() as session:
        session.query(PlantJob).filter_by(plant_id=plant.id, kind="bills").update(
            {"state": "failed", "error": "坏了。"}
        )
    try:
        window = plain.new_page()
        to_console(window, port)
        window.get_by_role("row").filter(has_text=plant.name).get_by_role("link", name="重试").click()
        expect(window.locator("main")).to_contain_text(f"重新做「{plant.name}」{NIGHT} 夜里没做成的任务？")
        window.get_by_role("button", name="重试").click()
        expect(window.locator("#toasts")).to_contain_text("已重新排队")
    finally:
        plain.close()
