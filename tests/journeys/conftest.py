"""A real Chromium at a real server with the two seed plants."""

from __future__ import annotations

import base64
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from app import periods
from app.billing.service import issue_bills
from app.db import db, transaction
from app.intake.onboarding import open_plant
from app.tariffs.service import import_tariff
from seeds import big
from seeds import plants as seeds
from tenants import context, resolver
from tenants.context import Tenant
from tenants.entry import captcha
from tests.factories import TIERED
from tests.processes import ROOT, web_server

FIGURES = ROOT / "docs" / "manual" / "figures"
# People are slower than tests: a click that comes before the page's scripts is made again as soon as they are there.
SLOW_HAND = """(() => {
    let ready = false;
    addEventListener("DOMContentLoaded", () => { ready = true; });
    addEventListener("click", (event) => {
        if (ready) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        const meant = event.target.closest("a, button, input, label, summary") || event.target; // not the icon in it
        addEventListener("DOMContentLoaded", () => meant.click(), {once: true});
    }, true);
})()"""
_numbers = itertools.count(1)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def seeded(app: Flask) -> Flask:
    """石泉镇供水站 and 柳树村供水站 with October billed."""
    seeds.seed_all(lambda _line: None)
    db.session.remove()
    return app


@pytest.fixture(scope="session")
def port(seeded: Flask) -> Iterator[int]:
    """The web server's port."""
    with web_server(seeded) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium where it is installed, without a window if it can be had so: that takes a third of the time.

    Else Playwright's own.
    """
    expect.set_options(timeout=15_000)  # as the pages have; a busy machine is no failure
    with sync_playwright() as playwright:
        program = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
        launched = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    """A clean browser window of a village office: 1366×768."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", timezone_id="Asia/Shanghai")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    """A page; the test fails where a script throws or something breaks the content security policy."""
    page = window.new_page()
    page.add_init_script(SLOW_HAND)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda said: troubles.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield page
    assert troubles == []


@pytest.fixture(scope="session")
def shiquan(seeded: Flask) -> Tenant:
    """石泉镇供水站."""
    tenant = resolver.by_slug("shiquan")
    assert tenant
    return tenant


@pytest.fixture(scope="session")
def liushu(seeded: Flask) -> Tenant:
    """柳树村供水站."""
    tenant = resolver.by_slug("liushu")
    assert tenant
    return tenant


@pytest.fixture(scope="module")
def works(seeded: Flask) -> Tenant:
    """A plant of the test file's own: 60 households in 3 books, September and October read and billed, the seeds' staff."""
    tenant = open_plant(f"works{next(_numbers)}", name="清泉村供水站", admin="admin", password=seeds.PASSWORD)
    with context.use(tenant):
        with transaction():
            seeds.hire()
            import_tariff(TIERED, by_id=None)
            big.fill(60)
            seeds.assign_routes()
        for period in ("2026-09", "2026-10"):
            with transaction():
                big.read(period)
                issue_bills(period, on=periods.first_day(periods.shift(period, 1)), by_id=None)
        db.session.remove()
    return tenant


def read_captcha(page: Page) -> str:
    """What the picture on the login page shows."""
    return captcha.answer(page.locator("input[name=captcha_id]").get_attribute("value") or "") or ""


@contextmanager
def at(works: Tenant) -> Iterator[None]:
    """The plant's database, as it is now; what was read may be used afterwards."""
    with context.use(works):
        db.session.rollback()
        try:
            yield
        finally:
            db.session.expunge_all()
            db.session.rollback()


@pytest.fixture
def home(page: Page, port: int, works: Tenant) -> str:
    """The plant's address, the manager logged in."""
    log_in(page, port, works.slug)
    return f"http://{works.slug}.localhost:{port}"


def log_in(page: Page, port: int, slug: str, username: str = "admin") -> None:
    """Fill the login page of a plant; the 验证码 is read where the server keeps it. Needs an app context."""
    page.goto(f"http://{slug}.localhost:{port}/login")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(seeds.PASSWORD)
    page.get_by_label("验证码", exact=True).fill(read_captcha(page))
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"http://{slug}.localhost:{port}/")


def press(page: Page, key: str) -> None:
    """A key, once what is shown has loaded its scripts: before that nobody hears it."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def figure(page: Page, name: str) -> Path:
    """Save the screen as a figure of the manual (kept out of git)."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    file = FIGURES / f"{name}.png"
    page.screenshot(path=file)
    return file


def fetch(page: Page, path: str) -> tuple[int, str, bytes]:
    """What the browser gets from a path of the site it is on: status, content type, body."""
    status, kind, body = page.evaluate(
        """async path => {
            const answer = await fetch(path, {redirect: "manual"});
            const bytes = new Uint8Array(await answer.arrayBuffer());
            let text = "";
            for (const byte of bytes) text += String.fromCharCode(byte);
            return [answer.status, answer.headers.get("content-type") || "", btoa(text)];
        }""",
        path,
    )
    return status, kind, base64.b64decode(body)
