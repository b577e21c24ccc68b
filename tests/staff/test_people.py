"""员工管理: who may log in, and as what."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from app.db import db, transaction
from app.errors import DomainError
from app.permissions import ROLES
from app.staff import service
from app.staff.models import StaffUser
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.areas.test_books import words
from tests.areas.test_readers import hired, stored, told
from tests.conftest import Site

FORM = {"name": "王芳", "username": "wangfang", "role": "cashier", "mobile": ""}


def person(username: str) -> StaffUser:
    found = stored(username)
    assert found
    return found


def test_the_list_shows_everybody_with_role_and_state(client: Site) -> None:
    hired("shoufei", "王芳", "cashier")
    with transaction():
        service.set_active(hired("li", "李建国"), active=False)
    rows = words(client.get("/staff"))
    assert [[row[0], row[1], row[2], row[5]] for row in rows] == [
        ["李建国", "li", "抄表员", "停用"],
        ["王芳", "shoufei", "收费员", "在用"],
        ["站长", "admin", "站长", "在用"],
    ]
    assert len(words(client.get("/staff?role=cashier"))) == 1
    assert len(words(client.get("/staff?tab=off"))) == 1
    assert len(words(client.get("/staff", query_string={"q": "建国"}))) == 1


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_colleague_of_each_role_is_added_and_may_do_what_it_allows(
    app: Flask, client: Site, plant: Tenant, role: str
) -> None:
    client.post("/staff/new", data=FORM | {"role": role})
    page = client.get("/staff")
    assert "新增成功" in page.text
    username, password = told(page)
    assert (person(username).role, person(username).must_change_password) == (role, True)
    theirs = Site(app, plant)
    theirs.log_in(username, password)
    theirs.post("/me/password", data={"old": password, "new": "another-password-2", "again": "another-password-2"})
    assert theirs.get("/staff").status_code == (200 if role == "manager" else 403)
    assert theirs.get("/areas/new").status_code == (200 if role in ("manager", "clerk") else 403)
    assert theirs.get("/counter").status_code == (200 if role in ("manager", "cashier") else 403)


@pytest.mark.parametrize("role", ["cashier", "reader", "accountant", "clerk"])
def test_nobody_but_the_manager_manages_staff(site: Site, role: str) -> None:
    hired("me", "本人", role)
    key = hired("other", "同事", "cashier").id
    site.log_in("me")
    assert "员工管理" not in site.get("/me").text
    for path in ("/staff", "/staff/new", f"/staff/{key}/edit"):
        response = site.get(path)
        assert response.status_code == 403
        assert "您的岗位没有这项权限，请联系站长开通。" in response.text
    for path in ("/staff/new", f"/staff/{key}/state", f"/staff/{key}/password"):
        assert site.post(path, data=FORM).status_code == 403
    assert person("other").active
    assert stored("wangfang") is None


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"role": ""}, "role", "请选择岗位"),
        ({"role": "king"}, "role", "请选择岗位"),
        ({"username": "admin"}, "username", "用户名「admin」已存在"),
        ({"name": " "}, "name", "请填写姓名"),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(client: Site, change: dict[str, str], field: str, said: str) -> None:
    response = client.post("/staff/new", data=FORM | change)
    assert response.status_code == 422
    assert re.search(rf'id="{field}-error".*?{said}', response.text, re.DOTALL)
    assert stored("wangfang") is None


def test_a_colleague_gets_another_role(client: Site) -> None:
    key = hired("wangfang", "王芳", "cashier").id
    client.post(f"/staff/{key}/edit", data={"name": "王芳芳", "role": "accountant", "mobile": "13800001234"})
    assert "编辑成功" in client.get("/staff").text
    found = person("wangfang")
    assert (found.name, found.role, found.mobile) == ("王芳芳", "accountant", "13800001234")


def test_a_disabled_colleague_is_out_at_once_and_comes_back(app: Flask, client: Site, plant: Tenant) -> None:
    key = hired("wangfang", "王芳", "cashier").id
    theirs = Site(app, plant)
    theirs.log_in("wangfang")
    client.post(f"/staff/{key}/state?active=no")
    assert "「王芳」已停用" in client.get("/staff").text
    assert theirs.get("/counter").status_code == 302
    assert "这个账号已停用" in theirs.log_in("wangfang").text
    client.post(f"/staff/{key}/state?active=yes")
    assert theirs.log_in("wangfang").status_code == 302


def test_one_cannot_disable_or_demote_oneself(client: Site) -> None:
    hired("second", "副站长", "manager")
    key = person("admin").id
    client.post(f"/staff/{key}/state?active=no")
    assert "不能改自己的账号状态" in client.get("/staff").text
    response = client.post(f"/staff/{key}/edit", data={"name": "站长", "role": "clerk"})
    assert "不能改自己的岗位" in response.text
    assert client.post(f"/staff/{key}/password").status_code == 302
    assert "改自己的密码请到「修改密码」" in client.get("/staff").text
    assert (person("admin").role, person("admin").active, person("admin").must_change_password) == (
        "manager",
        True,
        False,
    )
    client.post(f"/staff/{key}/edit", data={"name": "老站长", "role": "manager"})
    assert person("admin").name == "老站长"


def test_the_last_manager_stays(plant: Tenant) -> None:
    with pytest.raises(DomainError, match="唯一在用的站长"), transaction():
        service.set_active(person("admin"), active=False)
    with pytest.raises(DomainError, match="唯一在用的站长"), transaction():
        service.change_staff(person("admin"), {"role": "clerk"})
    with transaction():
        service.set_active(hired("second", "副站长", "manager"), active=False)
    with pytest.raises(DomainError, match="唯一在用的站长"), transaction():
        service.set_active(person("admin"), active=False)


def test_two_managers_cannot_disable_each_other_at_once(app: Flask, plant: Tenant) -> None:
    hired("second", "副站长", "manager")
    start = threading.Barrier(2)

    def disable(username: str) -> str:
        with app.app_context(), context.use(plant):
            try:
                victim = person(username)
                start.wait(30)
                with transaction():
                    service.set_active(victim, active=False)
                return ""
            except DomainError as refused:
                return refused.message
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(disable, ("admin", "second")))
    assert said[0] == ""
    assert "唯一在用的站长" in said[1]
    assert [person(name).active for name in ("admin", "second")].count(True) == 1


def test_a_reader_with_books_keeps_his_post_until_they_are_given_back(client: Site) -> None:
    reader = hired()
    with transaction():
        make.route("一册").reader_id = reader.id
    client.post(f"/staff/{reader.id}/state?active=no")
    assert "「李建国」还负责东街一册，请先在「抄表范围」里收回或转给别人。" in client.get("/staff").text
    response = client.post(f"/staff/{reader.id}/edit", data={"name": "李建国", "role": "clerk"})
    assert "还负责东街一册" in response.text
    assert (person("li").active, person("li").role) == (True, "reader")


def test_a_reset_password_is_told_once_and_must_be_changed(app: Flask, client: Site, plant: Tenant) -> None:
    key = hired("wangfang", "王芳", "cashier").id
    client.post(f"/staff/{key}/password")
    page = client.get("/staff")
    assert "密码重设成功" in page.text
    password = told(page)[1]
    assert told(client.get("/staff")) == []
    theirs = Site(app, plant)
    assert theirs.log_in("wangfang").status_code == 422
    assert theirs.log_in("wangfang", password).location == "/me/password"


def test_the_list_is_another_plant_s_own(client: Site, neighbour: Tenant) -> None:
    with context.use(neighbour), transaction():
        made: Any = service.create_staff(username="next", password="a-long-password", name="邻居", role="clerk")
        key = made.id
    assert "邻居" not in client.get("/staff").text
    assert client.get(f"/staff/{key + 1000}/edit").status_code == 404


@pytest.mark.parametrize(
    ("path", "lit"),
    [("/me", []), ("/me/password", []), ("/staff/new", ["员工管理"]), ("/areas/readers/new", ["抄表员管理"])],
)
def test_the_menu_shows_where_one_is(client: Site, path: str, lit: list[str]) -> None:
    page = client.get(path).text
    assert re.findall(r'class="side-link"[^>]*aria-current="page">.*?<span>(.*?)</span>', page) == lit
