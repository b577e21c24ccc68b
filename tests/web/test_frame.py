"""What surrounds every page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.db import transaction
from app.permissions import Permission, requires
from app.staff import service
from app.web.confirm import confirm_url
from tests import factories as make
from tests.conftest import PASSWORD

TEMPLATES = [
    *Path("app").glob("**/templates/**/*.html"),
]


def person(role: str) -> str:
    with transaction():
        service.create_staff(username=role, password=PASSWORD, name=f"{role}先生", role=role)
    return role


def test_the_frame_names_the_plant_the_month_and_the_person(client: Any) -> None:
    page = client.get("/customers").text
    assert "测试水厂" in page
    assert '<html lang="zh-CN">' in page
    assert re.search(r'class="chip".*?20\d\d年\d+月', page, re.DOTALL)
    assert "站长，个人菜单" in page
    assert '<a class="skip" href="#content">跳到正文</a>' in page


def test_the_open_page_is_lit_in_the_menu(client: Any) -> None:
    page = client.get("/readings").text
    assert re.findall(r'aria-current="page">.*?<span>(.*?)</span>', page) == ["抄表记录"]


def test_the_menu_shows_what_the_role_may_open(site: Any) -> None:
    site.log_in(person("reader"))
    page = site.get("/customers").text
    assert "用户档案" in page
    assert "前台收费" not in page


def test_the_menu_keeps_the_order_of_the_manual(client: Any) -> None:
    labels = re.findall(r'class="side-link".*?<span>(.*?)</span>', client.get("/customers").text)
    manual = [
        "首页", "定额管理", "区册管理", "水费收费标准", "水表列表管理", "用户档案", "水表性质变更", "抄表员管理", "抄表范围",
        "抄表记录", "水费线下缴费", "水费缴费订单管理", "前台收费", "水费综合统计", "抄表统计", "用户统计",
    ]  # fmt: skip
    assert [label for label in labels if label in manual] == [label for label in manual if label in labels]


@pytest.mark.parametrize("file", TEMPLATES, ids=str)
def test_templates_carry_no_inline_style_or_script(file: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", file.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("file", TEMPLATES, ids=str)
def test_every_post_form_carries_the_csrf_token(file: Path) -> None:
    for form in re.findall(r'<form[^>]*method="post".*?</form>', file.read_text("utf-8"), re.DOTALL):
        assert "csrf_token()" in form or "hidden_tag()" in form


def test_every_icon_that_a_template_names_is_in_the_list() -> None:
    known = set(Path("app/web/icons.txt").read_text().split())
    used = {name for file in TEMPLATES for name in re.findall(r'icon\("([a-z0-9-]+)"', file.read_text("utf-8"))}
    assert used <= known


def test_a_forbidden_page_says_so_inside_the_frame(app: Flask, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = requires(Permission.EDIT_SETTINGS)(lambda: "secret")
    monkeypatch.setitem(app.view_functions, "readings.index", closed)
    site.log_in(person("reader"))
    response = site.get("/readings")
    assert response.status_code == 403
    assert "您的岗位没有这项权限" in response.text
    assert 'id="menu"' in response.text


def test_a_missing_page_is_shown_inside_the_frame(client: Any) -> None:
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "没有这个页面" in response.text
    assert 'id="menu"' in response.text


def test_an_error_for_htmx_is_a_toast(client: Any) -> None:
    response = client.get("/no/such/page", headers={"HX-Request": "true"})
    assert response.headers["HX-Retarget"] == "#toasts"
    assert "没有这个页面" in response.text
    assert "<html" not in response.text


def test_a_crash_is_told_without_asking_the_database(app: Flask, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst() -> str:
        raise RuntimeError("burst pipe")

    monkeypatch.setitem(app.view_functions, "customers.index", burst)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    response = client.get("/customers")
    assert response.status_code == 500
    assert "系统出了点问题" in response.text
    assert "burst pipe" not in response.text
    assert 'id="menu"' not in response.text


def test_an_id_too_long_for_a_key_is_no_page(client: Any) -> None:
    assert client.get("/customers/99999999999999999999999").status_code == 404


def test_searching_from_anywhere_leads_to_the_list(client: Any) -> None:
    response = client.get("/search?q=刘文")
    assert response.status_code == 302
    assert response.location == "/customers?q=%E5%88%98%E6%96%87"


def test_searching_a_number_from_anywhere_opens_the_customer(client: Any) -> None:
    with transaction():
        bound = make.binding(make.customer(customer_no="07000012"))
        meter_no = bound.meter.meter_no
        key = bound.customer_id
    assert client.get("/search?q=07000012").location == f"/customers/{key}"
    assert client.get(f"/search?q={meter_no}").location == f"/customers/{key}"
    assert client.get("/search?q=%00").status_code == 302


def test_a_question_without_javascript_is_a_page_of_its_own(app: Flask, client: Any) -> None:
    with app.test_request_context():
        address = confirm_url("/routes/3/deletion", title="删除提示", sentence="删除 东街一册？", button="确定")
    page = client.get(address).text
    assert "删除 东街一册？" in page
    assert 'method="post" action="/routes/3/deletion"' in page
    assert "确定" in page
    assert "取消" in page


def test_nobody_else_can_word_our_questions(app: Flask, client: Any) -> None:
    with app.test_request_context():
        address = confirm_url("/routes/3/deletion", title="删除提示", sentence="删除？", button="确定")
    assert client.get(address[:-3] + "abc").status_code == 404
