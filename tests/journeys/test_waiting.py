"""Whoever waits sees a bar that moves and what is being done, and cannot ask for it twice."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect


def held(page: Page, path: str) -> list[Route]:
    """Requests to the path stand still until they are let go."""
    found: list[Route] = []
    page.route(path, lambda route: found.append(route))
    return found


def test_previewing_bills_says_what_it_does_while_it_lasts(page: Page, home: str) -> None:
    page.goto(f"{home}/bills/?period=2026-10")
    stopped = held(page, "**/bills/preview*")
    page.evaluate(  # nobody can look at a page that is being left, so it writes down what it shows
        """() => new MutationObserver(() => {
            const bar = document.querySelector("#busy");
            const off = [...document.querySelectorAll("button:disabled")].map((one) => one.textContent);
            if (!bar.hidden) sessionStorage.seen = bar.textContent + off;
        }).observe(document.querySelector("#busy"), {attributes: true, childList: true, subtree: true})"""
    )
    page.get_by_role("button", name="预览账单").evaluate("one => setTimeout(() => one.click())")
    page.wait_for_timeout(1200)
    assert len(stopped) == 1
    stopped[0].continue_()
    expect(page.get_by_role("heading", name="预览 2026年10月 账单")).to_be_visible()
    seen = page.evaluate("sessionStorage.seen")
    assert "正在算这个月的账单" in seen
    assert "预览账单" in seen
    expect(page.locator("#busy")).to_be_hidden()


def test_a_file_is_fetched_once_under_its_own_name(page: Page, home: str) -> None:
    page.goto(f"{home}/customers")
    stopped = held(page, "**/customers?export=xlsx*")
    link = page.get_by_role("link", name="导出")
    link.click()
    expect(page.locator("#busy")).to_contain_text("正在准备文件")
    expect(page.locator("#busy")).to_contain_text("1 秒")
    link.dispatch_event("click")
    assert len(stopped) == 1
    with page.expect_download() as download:
        stopped[0].continue_()
    assert download.value.suggested_filename.startswith("清泉村供水站_用户档案_")
    assert download.value.path().stat().st_size > 5000
    expect(page.locator("#busy")).to_be_hidden()
    expect(link).not_to_have_attribute("aria-disabled", "true")


def test_a_dead_line_says_that_no_file_came(page: Page, home: str) -> None:
    page.goto(f"{home}/customers")
    page.route("**/customers?export=xlsx*", lambda route: route.abort())
    page.get_by_role("link", name="导出").click()
    expect(page.locator("#toasts")).to_contain_text("网络不通，文件没有下载下来")
    expect(page.locator("#busy")).to_be_hidden()


def test_a_form_in_the_dialog_shows_the_bar_above_it(page: Page, home: str) -> None:
    page.goto(f"{home}/bills/?period=2026-10")
    page.get_by_role("link", name="撤销").first.click()
    dialog = page.get_by_role("dialog", name="撤销开账")
    dialog.get_by_label("撤销原因").fill("读数录错了一册")
    stopped = held(page, "**/bills/runs/*/undo")
    dialog.get_by_role("button", name="确认撤销").click()
    expect(page.locator("#busy")).to_be_visible()
    expect(page.locator("#busy")).to_contain_text("正在撤销这次开账")
    expect(page.locator("#busy:popover-open")).to_have_count(1)  # above the dialog
    expect(dialog.get_by_role("button", name="确认撤销")).to_be_disabled()
    stopped[0].continue_()
    expect(page.locator("#toasts")).to_contain_text("撤销成功")
