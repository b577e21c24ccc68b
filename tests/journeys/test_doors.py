"""The second step from the scan to the login, and a 验证码 for who cannot see the picture, in a real browser."""

from __future__ import annotations

import time

import pyotp
from playwright.sync_api import Page, expect

from seeds.plants import PASSWORD
from tenants.context import Tenant
from tests.journeys.conftest import log_in, read_captcha
from tests.journeys.test_every_page import ASK_AXE, ASK_WIDTH, AXE, SIZES


def usable(page: Page) -> None:
    """By keyboard and screen reader, at the office's size and at a phone's."""
    for width, height in reversed(SIZES):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(ASK_AXE) == []
        assert page.evaluate(ASK_WIDTH) <= 0


def test_two_steps_from_the_scan_to_the_login(page: Page, port: int, works: Tenant) -> None:
    page.add_init_script(path=AXE)
    home = f"http://{works.slug}.localhost:{port}"
    log_in(page, port, works.slug)
    with page.expect_request(lambda asked: asked.headers.get("x-by-itself") == "1"):
        pass  # what the home page asks by itself keeps no session alive
    page.goto(f"{home}/me")
    page.get_by_role("link", name="开启两步登录").click()
    expect(page.get_by_role("heading", name="开启两步登录")).to_be_visible()
    usable(page)
    assert page.evaluate("document.querySelector('.scan img').naturalWidth") > 100
    page.get_by_text("扫不了，手工输入").click()
    secret = page.locator(".scan-secret").inner_text().replace(" ", "")
    page.get_by_label("动态码").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="开启").click()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    usable(page)
    page.get_by_role("link", name="抄好了").click()
    expect(page.get_by_text("这台电脑")).to_be_visible()
    usable(page)
    page.get_by_role("link", name="关闭两步登录").click()
    expect(page.get_by_label("登录密码")).to_be_visible()
    usable(page)

    page.context.clear_cookies()
    page.goto(f"{home}/login")
    page.get_by_role("link", name="换成算术题").click()
    expect(page.locator("#captcha-question")).to_contain_text("等于几？")
    usable(page)
    page.get_by_label("用户名").fill("admin")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("验证码", exact=True).fill(read_captcha(page))
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{home}/login/code")
    usable(page)
    page.get_by_label("动态码").fill(pyotp.TOTP(secret).at(time.time() + 30))
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{home}/")
