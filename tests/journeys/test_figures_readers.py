"""The manual's figures of 抄表员管理 and 抄表范围, on a screen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.areas.models import Route
from app.db import db
from app.staff.models import StaffUser
from tenants.context import Tenant
from tests.journeys.areas_desk import book, choose, dialog, inside, open_page, row
from tests.journeys.conftest import figure, log_in, read_captcha

__all__ = ["book"]


def test_8_1_1_to_4_a_new_reader(page: Page, port: int, works: Tenant) -> None:
    log_in(page, port, works.slug)
    choose(page, "抄表员管理")
    for name in ("李建国", "王永强", "陈小军", "马成林", "何文斌"):
        expect(row(page, name)).to_be_visible()
    figure(page, "8.1-1")
    page.get_by_role("link", name="新增", exact=True).hover()
    figure(page, "8.1-2")
    page.get_by_role("link", name="新增", exact=True).click()
    form = dialog(page)
    form.get_by_label("姓名").fill("周小燕")
    form.get_by_label("用户名").fill("admin")
    form.get_by_role("button", name="确认").click()
    expect(form.locator("#username-error")).to_contain_text("用户名「admin」已存在")
    form.get_by_label("用户名").fill("zhou")
    form.get_by_label("手机号").fill("13800005678")
    figure(page, "8.1-3")
    form.get_by_role("button", name="确认").click()
    expect(page.get_by_role("status").get_by_text("新增成功")).to_be_visible()
    password = page.locator(".told dd").nth(1).inner_text()
    expect(page.locator(".told dd").first).to_have_text("zhou")
    figure(page, "8.1-4")
    with inside(works):
        person = db.session.scalars(select(StaffUser).where(StaffUser.username == "zhou")).one()
        assert (person.name, person.role, person.mobile) == ("周小燕", "reader", "13800005678")
        assert person.must_change_password
    page.reload()
    expect(page.locator(".told")).to_have_count(0)

    browser = page.context.browser
    assert browser
    phone = browser.new_context(viewport={"width": 390, "height": 844})
    try:
        his = phone.new_page()
        his.goto(f"http://{works.slug}.localhost:{port}/login")
        his.get_by_label("用户名").fill("zhou")
        his.get_by_label("密码").fill(password)
        his.get_by_label("验证码", exact=True).fill(read_captcha(his))
        his.get_by_role("button", name="登录").click()
        expect(his.get_by_role("heading", name="修改密码")).to_be_visible()
    finally:
        phone.close()


def test_8_1_5_to_7_a_reader_is_changed(page: Page, port: int, works: Tenant) -> None:
    open_page(page, port, works, "/areas/readers")
    row(page, "王永强").get_by_role("link", name="修改").hover()
    figure(page, "8.1-5")
    row(page, "王永强").get_by_role("link", name="修改").click()
    form = dialog(page)
    form.get_by_label("手机号").fill("13900001111")
    figure(page, "8.1-6")
    form.get_by_role("button", name="确认").click()
    expect(page.get_by_role("status").get_by_text("编辑成功")).to_be_visible()
    expect(row(page, "王永强")).to_contain_text("13900001111")
    figure(page, "8.1-7")
    with inside(works):
        assert db.session.scalars(select(StaffUser.mobile).where(StaffUser.username == "wang")).one() == "13900001111"


def test_8_1_8_to_10_a_reader_is_deleted_when_he_has_no_books(page: Page, port: int, works: Tenant) -> None:
    with inside(works):
        model = db.session.scalars(select(StaffUser).where(StaffUser.username == "li")).one()
        spare = StaffUser(
            username="spare",
            name="赵临时",
            role="reader",
            password_hash=model.password_hash,
            created_at=model.created_at,
        )
        db.session.add(spare)
        db.session.commit()
    open_page(page, port, works, "/areas/readers")
    row(page, "赵临时").get_by_role("link", name="删除").hover()
    figure(page, "8.1-8")
    row(page, "赵临时").get_by_role("link", name="删除").click()
    question = page.locator("#ask")
    expect(question).to_contain_text("确认删除选中的一条数据？")
    figure(page, "8.1-9")
    question.get_by_role("button", name="确定").click()
    expect(page.get_by_role("status").get_by_text("删除成功")).to_be_visible()
    expect(row(page, "赵临时")).to_have_count(0)
    figure(page, "8.1-10")
    row(page, "李建国").get_by_role("link", name="删除").click()
    question.get_by_role("button", name="确定").click()
    expect(page.locator("#toasts")).to_contain_text(re.compile(r"「李建国」还负责第1区001册.*不能删除"))
    with inside(works):
        left = db.session.scalars(select(StaffUser.username).where(StaffUser.username.in_(["spare", "li"]))).all()
        assert left == ["li"]


def test_8_1_11_and_12_a_reader_is_found(page: Page, port: int, works: Tenant) -> None:
    open_page(page, port, works, "/areas/readers")
    page.get_by_placeholder("姓名、用户名、手机号").fill("陈小")
    figure(page, "8.1-11")
    page.get_by_role("button", name="搜索").click()
    expect(page.get_by_text("共 1 人")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/areas/readers\?q="))
    expect(page.locator(".list-table tbody tr")).to_have_count(1)
    expect(row(page, "陈小军")).to_be_visible()
    figure(page, "8.1-12")


def test_8_2_1_and_2_who_reads_which_books(page: Page, port: int, works: Tenant) -> None:
    log_in(page, port, works.slug)
    choose(page, "抄表范围")
    with inside(works):
        books = db.session.scalars(
            select(Route.id).join(StaffUser, StaffUser.id == Route.reader_id).where(StaffUser.username == "li")
        ).all()
    expect(row(page, "李建国")).to_contain_text("第1区001册")
    expect(row(page, "李建国").locator("td").nth(2)).to_have_text(str(len(books)))
    figure(page, "8.2-1")
    page.get_by_placeholder("抄表员姓名、区册").fill("第3区")
    page.get_by_role("button", name="搜索").click()
    expect(page.get_by_text("共 1 人")).to_be_visible()
    expect(row(page, "陈小军")).to_contain_text("第3区001册")
    figure(page, "8.2-2")


def reader_of(works: Tenant, key: int) -> str | None:
    with inside(works):
        found: str | None = db.session.scalar(
            select(StaffUser.username).join(Route, Route.reader_id == StaffUser.id).where(Route.id == key)
        )
        return found


def test_8_2_3_and_4_books_are_assigned_and_taken_back(page: Page, port: int, works: Tenant, book: int) -> None:
    open_page(page, port, works, "/areas/scope")
    page.get_by_role("link", name="李建国", exact=True).click(button="right")
    form = dialog(page)
    free, own = form.get_by_role("group", name="未分配的区册"), form.get_by_role("group", name="李建国负责的区册")
    free.get_by_label("南街一册").check()
    figure(page, "8.2-3")
    form.get_by_role("button", name="分配").click()
    expect(own.get_by_label("南街一册")).to_be_visible()
    expect(free.get_by_label("南街一册")).to_have_count(0)
    form.get_by_role("button", name="确定").click()
    expect(page.get_by_role("status").get_by_text("分配成功")).to_be_visible()
    expect(row(page, "李建国")).to_contain_text("南街一册")
    figure(page, "8.2-4")
    assert reader_of(works, book) == "li"

    page.get_by_role("link", name="给王永强分配区册").click()  # what one has, another is not offered
    form = dialog(page)
    expect(form.get_by_label("南街一册")).to_have_count(0)
    form.get_by_role("button", name="关闭").click()

    page.get_by_role("link", name="给李建国分配区册").click()
    form = dialog(page)
    form.get_by_role("group", name="李建国负责的区册").get_by_label("南街一册").check()
    form.get_by_role("button", name="收回").click()
    form.get_by_role("button", name="确定").click()
    expect(page.get_by_text("还有").filter(has_text="南街一册")).to_be_visible()
    assert reader_of(works, book) is None


def test_8_2_4_two_at_once_and_without_javascript(page: Page, port: int, works: Tenant, book: int) -> None:
    browser = page.context.browser
    assert browser
    plain = browser.new_context(java_script_enabled=False)
    try:
        open_page(page, port, works, "/areas/scope")
        page.get_by_role("link", name="给王永强分配区册").click()
        mine = dialog(page)
        mine.get_by_label("南街一册").check()
        mine.get_by_role("button", name="分配").click()

        other = plain.new_page()
        open_page(other, port, works, "/areas/scope")
        other.get_by_role("link", name="给陈小军分配区册").click()
        other.get_by_label("南街一册").check()
        other.get_by_role("button", name="确定").click()
        expect(other.get_by_text("分配成功")).to_be_visible()
        assert reader_of(works, book) == "chen"

        mine.get_by_role("button", name="确定").click()
        expect(mine.get_by_role("alert")).to_contain_text("刚刚已分给别的抄表员")
        expect(mine.get_by_label("南街一册")).to_have_count(0)
        assert reader_of(works, book) == "chen"
    finally:
        plain.close()
