"""The manual's figures of 登录, 个人中心 and 区册管理, on a screen."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from app.areas.models import District, Route
from app.customers.models import Customer
from app.db import db
from app.staff.models import StaffUser
from seeds.plants import PASSWORD
from tenants.context import Tenant
from tenants.entry import captcha
from tests.journeys.areas_desk import book, choose, dialog, inside, open_page, row
from tests.journeys.conftest import figure, log_in, read_captcha

LONG = "石泉镇人民政府机关后勤服务"


__all__ = ["book"]


def test_1_1_the_login_page(page: Page, port: int, works: Tenant) -> None:
    home = f"http://{works.slug}.localhost:{port}"
    page.goto(f"{home}/login")
    expect(page.get_by_text("清泉村供水站").first).to_be_visible()
    picture = page.get_by_role("img", name="验证码图片")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 150
    key = page.locator("input[name=captcha_id]")
    first = key.get_attribute("value") or ""
    page.get_by_label("用户名").fill("admin")
    picture.click()  # another picture, and what was typed stays
    expect(key).not_to_have_value(first)
    expect(page.get_by_label("用户名")).to_have_value("admin")
    expect(page.get_by_label("验证码", exact=True)).to_be_focused()
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("验证码", exact=True).fill("0000")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_text("验证码不正确或已过期").last).to_be_visible()
    expect(page.get_by_label("密码")).to_have_value("")

    used = key.get_attribute("value") or ""
    page.get_by_label("密码").fill("wrong")
    page.get_by_label("验证码", exact=True).fill(read_captcha(page))
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_have_text("用户名或密码不正确，请重新输入。")
    assert captcha.answer(used) is None  # an attempt uses it up

    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("验证码", exact=True).fill(read_captcha(page))
    page.evaluate("document.querySelector('.summary').remove()")
    figure(page, "1-1")
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{home}/")
    with inside(works):
        assert db.session.scalars(select(StaffUser.last_login_at).where(StaffUser.username == "admin")).one()


def test_1_1_without_javascript(port: int, works: Tenant, page: Page) -> None:
    browser = page.context.browser
    assert browser
    plain = browser.new_context(java_script_enabled=False)
    try:
        simple = plain.new_page()
        simple.goto(f"http://{works.slug}.localhost:{port}/login")
        first = simple.locator("input[name=captcha_id]").get_attribute("value")
        simple.get_by_role("img", name="验证码图片").click()
        assert simple.locator("input[name=captcha_id]").get_attribute("value") != first
        log_in(simple, port, works.slug)
    finally:
        plain.close()


def test_3_1_one_s_own_profile(page: Page, port: int, works: Tenant) -> None:
    log_in(page, port, works.slug, "caiwu")
    page.get_by_label("赵敏，个人菜单").click()
    page.get_by_role("link", name="个人中心").click()
    expect(page.get_by_role("heading", name="个人中心")).to_be_visible()
    page.get_by_label("手机号").fill("1380000")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#mobile-error")).to_contain_text("手机号应为 11 位数字")
    page.get_by_label("昵称").fill("赵会计")
    page.get_by_label("手机号").fill("138 0000 1234")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status").get_by_text("编辑成功")).to_be_visible()
    expect(page.get_by_label("赵会计，个人菜单")).to_be_visible()
    figure(page, "3-1")
    with inside(works):
        person = db.session.scalars(select(StaffUser).where(StaffUser.username == "caiwu")).one()
        assert (person.name, person.mobile) == ("赵会计", "13800001234")


def test_4_2_1_and_6_areas_and_books_and_their_workbook(page: Page, port: int, works: Tenant, tmp_path: Path) -> None:
    log_in(page, port, works.slug)
    choose(page, "区册管理")
    expect(page.get_by_role("heading", name="区册管理")).to_be_visible()
    with inside(works):
        stored = db.session.execute(
            select(District.name, Route.name, StaffUser.name, func.count(Customer.id))
            .join(Route, Route.district_id == District.id)
            .outerjoin(StaffUser, StaffUser.id == Route.reader_id)
            .outerjoin(Customer, Customer.route_id == Route.id)
            .group_by(District.id, District.name, Route.id, Route.name, StaffUser.name)
            .order_by(District.id, Route.id)
        ).all()
    assert stored
    for district, name, reader, count in stored:
        shown = row(page, district, name)
        expect(shown).to_contain_text(reader or "未分配")
        expect(shown.get_by_role("link", name=str(count), exact=True)).to_be_visible()
    for word in ("修改", "删除"):
        assert page.get_by_role("link", name=word, exact=True).count() == len(stored)
    figure(page, "4.2-1")
    figure(page, "4.2-6")
    with page.expect_download() as download:
        page.get_by_role("link", name="导出").click()
    file = tmp_path / "区册.xlsx"
    download.value.save_as(file)
    sheet = load_workbook(BytesIO(file.read_bytes())).active
    assert sheet is not None
    assert [tuple(r) for r in sheet.iter_rows(min_row=2, values_only=True)] == [
        (district, book, reader or "未分配", count) for district, book, reader, count in stored
    ]


def test_4_2_2_a_book_in_a_new_area(page: Page, port: int, works: Tenant) -> None:
    open_page(page, port, works, "/areas/")
    page.get_by_role("link", name="新增", exact=True).click()
    form = dialog(page)
    expect(form.get_by_label("新区名")).to_be_hidden()
    form.get_by_role("combobox", name="区名").select_option("新建一个区…")
    form.get_by_label("新区名").fill("东街")
    form.get_by_label("册名").fill(f"{LONG}册")
    figure(page, "4.2-2")
    form.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_role("status").get_by_text("新增成功")).to_be_visible()
    expect(row(page, "东街", f"{LONG}册")).to_contain_text("未分配")

    page.get_by_role("link", name="新增", exact=True).click()
    form = dialog(page)
    form.get_by_role("combobox", name="区名").select_option("东街")
    form.get_by_label("册名").fill(f"{LONG}册")
    form.get_by_role("button", name="保存", exact=True).click()
    expect(form.locator("#name-error")).to_contain_text("「东街」里已经有")
    form.get_by_role("button", name="关闭").click()
    with inside(works):
        assert db.session.scalars(select(Route.name).join(District).where(District.name == "东街")).all() == [
            f"{LONG}册"
        ]


def test_4_2_3_and_4_a_book_is_changed(page: Page, port: int, works: Tenant, book: int) -> None:
    open_page(page, port, works, "/areas/")
    found = row(page, "南街", "一册")
    found.get_by_role("link", name="修改").hover()
    figure(page, "4.2-3")
    found.get_by_role("link", name="修改").click()
    form = dialog(page)
    expect(form.get_by_role("heading", name="修改区册")).to_be_visible()
    expect(form.get_by_label("册名")).to_have_value("一册")
    form.get_by_label("册名").fill("河边册")
    figure(page, "4.2-4")
    form.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status").get_by_text("编辑成功")).to_be_visible()
    expect(row(page, "南街", "河边册")).to_be_visible()
    with inside(works):
        assert db.session.get_one(Route, book).name == "河边册"


def test_4_2_5_a_book_is_deleted_when_it_is_empty(page: Page, port: int, works: Tenant, book: int) -> None:
    open_page(page, port, works, "/areas/")
    row(page, "南街", "一册").get_by_role("link", name="删除").click()
    question = page.locator("#ask")
    expect(question.get_by_role("heading", name="删除提示")).to_be_visible()
    expect(question).to_contain_text("确认删除选中的一条数据？")
    figure(page, "4.2-5")
    question.get_by_role("button", name="取消").click()
    expect(row(page, "南街", "一册")).to_be_visible()
    row(page, "南街", "一册").get_by_role("link", name="删除").click()
    question.get_by_role("button", name="确定").click()
    expect(page.get_by_role("status").get_by_text("删除成功")).to_be_visible()
    expect(row(page, "南街")).to_have_count(0)
    row(page, "第1区").get_by_role("link", name="删除").click()
    question.get_by_role("button", name="确定").click()
    expect(page.locator("#toasts")).to_contain_text(re.compile(r"里还有 \d+ 户，不能删除。.*批量换区册"))
    with inside(works):
        assert db.session.get(Route, book) is None
        assert db.session.scalar(select(func.count()).select_from(District).where(District.name == "第1区")) == 1
