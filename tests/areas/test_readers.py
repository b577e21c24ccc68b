"""抄表员管理 (figures 8.1-1 … 8.1-12)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.staff import service
from app.staff.models import StaffUser
from tenants.entry import attempts
from tests import factories as make
from tests.areas.test_books import words
from tests.conftest import PASSWORD, Site

NEW = "another-password-2"


def hired(username: str = "li", name: str = "李建国", role: str = "reader", **values: Any) -> StaffUser:
    with transaction():
        return service.create_staff(username=username, password=PASSWORD, name=name, role=role, **values)


def stored(username: str) -> StaffUser | None:
    db.session.rollback()
    found: StaffUser | None = db.session.scalar(
        select(StaffUser).where(StaffUser.username == username).execution_options(populate_existing=True)
    )
    return found


def told(page: Any) -> list[str]:
    """User name and first password on the page."""
    return re.findall(r'<dd class="figure-big">([^<]+)</dd>', page.text)


def test_the_list_shows_readers_and_their_books(client: Site) -> None:
    reader = hired(mobile="13800001234")
    hired("wang", "王永强")
    hired("shoufei", "王芳", "cashier")
    with transaction():
        make.route("一册").reader_id = reader.id
        make.route("二册").reader_id = reader.id
    rows = words(client.get("/areas/readers"))
    assert [row[:4] for row in rows] == [
        ["李建国", "li", "13800001234", "东街一册、东街二册"],
        ["王永强", "wang", "—", "—"],
    ]


@pytest.mark.parametrize(
    ("text", "found"), [("建国", ["李建国"]), ("WANG", ["王永强"]), ("138", ["李建国"]), ("%", [])]
)
def test_readers_are_found_by_name(client: Site, text: str, found: list[str]) -> None:
    hired(mobile="13800001234")
    hired("wang", "王永强")
    assert [row[0] for row in words(client.get("/areas/readers", query_string={"q": text}))] == found


def test_a_new_reader_gets_a_login_whose_password_is_told_once(app: Any, client: Site, plant: Any) -> None:
    response = client.post("/areas/readers/new", data={"name": "李建国", "username": "li", "mobile": "138 0000 1234"})
    assert response.location == "/areas/readers"
    page = client.get("/areas/readers")
    assert "新增成功" in page.text
    username, password = told(page)
    assert (username, len(password)) == ("li", 8)
    assert password not in client.get("/areas/readers").text
    reader = stored("li")
    assert reader
    assert (reader.name, reader.role, reader.mobile) == ("李建国", "reader", "13800001234")
    assert password not in reader.password_hash

    phone = Site(app, plant)
    assert phone.log_in("li", password).location == "/me/password"
    assert phone.get("/readings").location == "/me/password"
    phone.post("/me/password", data={"old": password, "new": NEW, "again": NEW})
    assert phone.get("/readings").status_code == 200


def test_the_password_is_told_to_whoever_made_it_only(app: Any, client: Site, plant: Any) -> None:
    hired("ziliao", "孙丽", "clerk")
    other = Site(app, plant)
    other.log_in("ziliao")
    client.post("/areas/readers/new", data={"name": "李建国", "username": "li"})
    assert told(other.get("/areas/readers")) == []
    assert len(told(client.get("/areas/readers"))) == 2


def test_an_export_and_a_search_do_not_swallow_the_password(client: Site) -> None:
    client.post("/areas/readers/new", data={"name": "李建国", "username": "li"})
    client.get("/areas/readers?export=xlsx")
    client.get("/areas/readers", headers={"HX-Request": "true", "HX-Target": "list"})
    assert len(told(client.get("/areas/readers"))) == 2


@pytest.mark.parametrize(
    ("form", "field", "words_"),
    [
        ({"name": "", "username": "li"}, "name", "请填写姓名"),
        ({"name": "李建国", "username": ""}, "username", "请填写用户名"),
        ({"name": "李建国", "username": "李"}, "username", "2 到 20 个字母或数字"),
        ({"name": "李建国", "username": "admin"}, "username", "用户名「admin」已存在"),
        ({"name": "李建国", "username": "li", "mobile": "123"}, "mobile", "手机号应为 11 位"),
        ({"name": "李" * 21, "username": "li"}, "name", "姓名最多 20 个字"),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(client: Site, form: dict[str, str], field: str, words_: str) -> None:
    response = client.post("/areas/readers/new", data=form)
    assert response.status_code == 422
    assert re.search(rf'id="{field}-error".*?{words_}', response.text, re.DOTALL)
    assert stored("li") is None


def test_in_the_dialog_the_answer_leads_the_page_on(client: Site) -> None:
    headers = {"HX-Request": "true", "HX-Target": "dialog-body"}
    part = client.get("/areas/readers/new", headers=headers)
    assert "<html" not in part.text
    assert "确认</button>" in part.text
    response = client.post("/areas/readers/new", data={"name": "李建国", "username": "li"}, headers=headers)
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/areas/readers")


def test_a_reader_is_changed(client: Site) -> None:
    key = hired().id
    client.post(f"/areas/readers/{key}/edit", data={"name": "李建军", "mobile": "13900001111"})
    assert "编辑成功" in client.get("/areas/readers").text
    reader = stored("li")
    assert reader
    assert (reader.name, reader.mobile, reader.role) == ("李建军", "13900001111", "reader")


def test_nobody_but_a_reader_is_changed_here(client: Site) -> None:
    key = hired("shoufei", "王芳", "cashier").id
    assert client.get(f"/areas/readers/{key}/edit").status_code == 404
    for action in ("deletion", "return", "password"):
        assert client.post(f"/areas/readers/{key}/{action}").status_code == 404
    assert stored("shoufei")


def test_a_reader_without_a_trace_is_erased(client: Site) -> None:
    key = hired().id
    client.post(f"/areas/readers/{key}/deletion")
    assert "<p>删除成功</p>" in client.get("/areas/readers").text
    assert stored("li") is None


def test_a_reader_with_books_is_refused_with_which(client: Site) -> None:
    reader = hired()
    with transaction():
        make.route("一册").reader_id = reader.id
        make.route("二册").reader_id = reader.id
    client.post(f"/areas/readers/{reader.id}/deletion")
    assert "「李建国」还负责东街一册、东街二册，不能删除。" in client.get("/areas/readers").text
    still = stored("li")
    assert still
    assert still.active


def test_a_reader_who_has_read_is_disabled_and_his_readings_stay(app: Any, client: Site, plant: Any) -> None:
    reader = hired()
    phone = Site(app, plant)
    phone.log_in("li")
    with transaction():
        make.reading(make.binding(), 5, reader_id=reader.id)
    client.post(f"/areas/readers/{reader.id}/deletion")
    page = client.get("/areas/readers")
    assert "删除成功，「李建国」的账号已停用，抄过的记录都保留。" in page.text
    assert words(page) == []
    found = stored("li")
    assert found
    assert not found.active
    assert phone.get("/readings").status_code == 302
    assert [row[0] for row in words(client.get("/areas/readers?state=off"))] == ["李建国"]
    client.post(f"/areas/readers/{reader.id}/return")
    assert [row[0] for row in words(client.get("/areas/readers"))] == ["李建国"]


def test_a_reset_password_ends_sessions_and_the_lock(app: Any, client: Site, plant: Any) -> None:
    reader = hired()
    phone = Site(app, plant)
    phone.log_in("li")
    for _ in range(5):
        attempts.begin("li", "203.0.113.7")
    client.post(f"/areas/readers/{reader.id}/password")
    page = client.get("/areas/readers")
    assert "密码重设成功" in page.text
    assert phone.get("/readings").status_code == 302
    assert phone.log_in("li", told(page)[1]).location == "/me/password"


@pytest.mark.parametrize(("role", "status"), [("cashier", 200), ("reader", 200), ("accountant", 200), ("clerk", 200)])
def test_who_may_look_at_readers_and_who_may_change_them(site: Site, role: str, status: int) -> None:
    key = hired("li2", "李二").id
    hired("me", "本人", role)
    site.log_in("me")
    page = site.get("/areas/readers")
    may = role == "clerk"
    assert page.status_code == status
    assert ("新增" in page.text) == may
    assert site.get("/areas/readers/new").status_code == (200 if may else 403)
    assert site.get(f"/areas/readers/{key}/edit").status_code == (200 if may else 403)
    for action in ("password", "deletion"):
        assert site.post(f"/areas/readers/{key}/{action}").status_code == (302 if may else 403)
    assert (stored("li2") is None) == may
