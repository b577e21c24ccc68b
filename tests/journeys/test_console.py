"""The operator opens a plant, shuts it and opens it again, and looks into it without being able to change anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from app.audit import AuditEntry
from app.db import db
from app.staff.models import StaffUser
from seeds import plants as seeds
from tenants import operator_log, passwords, resolver
from tenants.context import Tenant
from tenants.models import Operator
from tenants.session import platform
from tests.journeys.conftest import at, read_captcha
from tests.journeys.test_night_boards import looks_right
from tests.processes import ROOT


@pytest.fixture(scope="module")
def operator(seeded: Flask) -> str:
    """周运营, who may do everything."""
    with platform() as session:
        session.add(
            Operator(
                username="zhou",
                password_hash=passwords.hashed(seeds.PASSWORD),
                name="周运营",
                active=True,
                created_at=datetime.now(UTC),
            )
        )
    return "zhou"


@pytest.fixture
def desk(page: Page, port: int, operator: str) -> Page:
    """The operator's window, logged in."""
    page.goto(f"http://console.localhost:{port}/console/login")
    page.get_by_label("用户名").fill(operator)
    page.get_by_label("密码").fill(seeds.PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="水厂", exact=True)).to_be_visible()
    return page


@pytest.fixture
def office(browser: Browser) -> Iterator[Page]:
    """The plant's own window, in another browser."""
    window: BrowserContext = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    window.set_default_timeout(15_000)
    yield window.new_page()
    window.close()


def shot(page: Page, name: str) -> None:
    """A picture to look at, where SHOTS names a folder."""
    if os.environ.get("SHOTS"):
        for width, height in ((1366, 768), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=Path(os.environ["SHOTS"]) / f"{name}-{width}.png", full_page=width < 400)
        page.set_viewport_size({"width": 1366, "height": 768})


def test_a_plant_is_opened_suspended_and_resumed(desk: Page, office: Page, port: int) -> None:
    desk.get_by_role("link", name="开通水厂").click()
    looks_right(desk)
    shot(desk, "open")
    desk.get_by_label("水厂名称").fill("新泉村供水站")
    desk.get_by_label("所在县").fill("石泉县")
    desk.get_by_label("子域名").fill("journey-new")
    desk.get_by_label("用户档案").set_input_files(ROOT / "seeds" / "liushu" / "水费登记册.xlsx")
    desk.get_by_role("button", name="开通").click()
    expect(desk.locator("main")).to_contain_text("开通成功")
    looks_like_told = desk.locator(".facts").inner_text().split()
    password = looks_like_told[looks_like_told.index("初始密码") + 1]
    shot(desk, "opened")

    here = f"http://journey-new.localhost:{port}"
    office.goto(f"{here}/login")
    office.get_by_label("用户名").fill("admin")
    office.get_by_label("密码").fill(password)
    office.get_by_label("验证码", exact=True).fill(read_captcha(office))
    office.get_by_role("button", name="登录").click()
    expect(office.get_by_role("heading", name="修改密码")).to_be_visible()
    expect(office.locator(".brand").first).to_contain_text("新泉村供水站")

    desk.goto(f"http://console.localhost:{port}/console/?q=journey-new")
    looks_right(desk)
    shot(desk, "list")
    desk.get_by_role("link", name="新泉村供水站").click()
    looks_right(desk)
    shot(desk, "plant")
    desk.get_by_role("link", name="停用").click()
    expect(desk.locator("main")).to_contain_text("停用「新泉村供水站」")
    desk.get_by_role("button", name="停用").click()
    expect(desk.locator("main")).to_contain_text("请填写原因")
    looks_right(desk)
    shot(desk, "suspend")
    desk.get_by_label("原因").fill("欠平台服务费")
    desk.get_by_role("button", name="停用").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("已停用")
    office.reload()
    expect(office.locator("main")).to_contain_text("暂停使用")
    expect(office.locator("main")).to_contain_text("欠平台服务费")
    desk.get_by_role("link", name="恢复").click()
    desk.get_by_role("button", name="恢复").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("正常")
    office.goto(f"{here}/")
    expect(office.get_by_role("heading", name="修改密码")).to_be_visible()
    found = resolver.by_slug("journey-new")
    assert found
    assert [line.action for line in operator_log.of_plant(found.id, last=9)] == ["resumed", "suspended", "opened"]


def test_an_operator_looks_and_changes_nothing(desk: Page, port: int, works: Tenant) -> None:
    desk.goto(f"http://console.localhost:{port}/console/plants/{works.id}")
    desk.get_by_role("link", name="进入查看").click()
    looks_right(desk)
    shot(desk, "support")
    desk.get_by_label("原因").fill("站长来电，账单对不上")
    desk.get_by_role("button", name="申请进入").click()
    desk.get_by_role("link", name=f"进入「{works.name}」").click()
    banner = desk.get_by_role("region", name="只读查看")
    expect(banner).to_contain_text("运营人员 周运营 正在只读查看")
    for path in ("/", "/customers", "/tariffs"):
        desk.goto(f"http://{works.slug}.localhost:{port}{path}")
        expect(banner).to_contain_text("站长来电，账单对不上")
        looks_right(desk)
    shot(desk, "looking")
    with at(works):
        before = db.session.execute(select(StaffUser.id, StaffUser.name)).all()
    status, said = desk.evaluate("""async () => {
        const token = document.querySelector("meta[name=csrf-token]").content;
        const body = new URLSearchParams({csrf_token: token, name: "改了", username: "new", role: "manager"});
        const answer = await fetch("/staff/new", {method: "POST", body});
        return [answer.status, await answer.text()];
    }""")
    assert (status, "不能修改或办理任何业务" in said) == (403, True)
    with at(works):
        assert db.session.execute(select(StaffUser.id, StaffUser.name)).all() == before
    banner.get_by_role("button", name="结束查看").click()
    expect(desk.locator("main")).to_contain_text("查看已结束")
    desk.goto(f"http://{works.slug}.localhost:{port}/")
    expect(desk.get_by_role("button", name="登录")).to_be_visible()
    with at(works):
        log = db.session.scalars(
            select(AuditEntry.action).where(AuditEntry.entity == "support").order_by(AuditEntry.id)
        )
        assert log.all() == ["support_began", "support_ended"]


def test_every_page_of_the_console_fits_and_reads_well(desk: Page, port: int) -> None:
    for path in ("", "plants/1", "plants/1/edit", "plants/1/archived", "plants/1/deletion", "rollup", "log",
                 "operators", "operators/new", "operators/1/edit", "operators/1/password", "operators/1/unlocking",
                 "operators/1/second-step/off", "password", "me", "me/second-step", "nights/"):  # fmt: skip
        answer = desk.goto(f"http://console.localhost:{port}/console/{path}")
        assert answer
        assert answer.ok, path
        looks_right(desk)
        shot(desk, f"page-{path.replace('/', '-')}")


def test_the_console_works_without_javascript(browser: Browser, port: int, operator: str, liushu: Tenant) -> None:
    plain = browser.new_context(java_script_enabled=False, locale="zh-CN")
    try:
        window = plain.new_page()
        window.goto(f"http://console.localhost:{port}/console/login")
        window.get_by_label("用户名").fill(operator)
        window.get_by_label("密码").fill(seeds.PASSWORD)
        window.get_by_role("button", name="登录").click()
        window.goto(f"http://console.localhost:{port}/console/plants/{liushu.id}/edit")
        window.get_by_label("所在县").fill("柳河新县")
        window.get_by_role("button", name="保存").click()
        expect(window.locator("#toasts")).to_contain_text("编辑成功")
        expect(window.locator("main")).to_contain_text("柳河新县")
    finally:
        plain.close()
