"""平台运营人员: roles, first passwords, and being shut out."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from tenants import passwords
from tenants.context import Tenant
from tenants.entry.store import redis
from tenants.models import Operator, OperatorLog
from tenants.session import platform
from tests.tenants.conftest import BASE


def by_name(username: str) -> Operator | None:
    with platform() as session:
        return session.scalar(select(Operator).where(Operator.username == username))


@pytest.fixture(autouse=True)
def _nobody_failed(app: Flask) -> None:
    for key in redis().scan_iter("login:console:*"):
        redis().delete(key)
    with platform() as session:
        session.execute(delete(Operator).where(Operator.username == "newcomer"))


def log_in(app: Flask, username: str, password: str) -> tuple[FlaskClient, int, str]:
    client = app.test_client()
    answer = client.post("/console/login", data={"username": username, "password": password}, base_url=BASE)
    return client, answer.status_code, answer.text


def add(console: FlaskClient, role: str = "support") -> str:
    page = console.post(
        "/console/operators/new", data={"username": "newcomer", "name": "新来的", "role": role}, base_url=BASE
    )
    assert page.headers["Cache-Control"] == "no-store"
    shown = re.search(r"初始密码</dt><dd>([^<]+)<", page.text)
    assert shown
    return shown[1]


def test_a_first_password_is_told_once_and_changed_before_anything_else(app: Flask, console: FlaskClient) -> None:
    password = add(console)
    assert password not in console.get("/console/operators", base_url=BASE).text
    client, status, _ = log_in(app, "newcomer", password)
    assert status == 302
    assert client.get("/console/", base_url=BASE).location == "/console/password"
    data = {"old": password, "new": "my-own-password", "again": "my-own-password"}
    assert client.post("/console/password", data=data | {"old": "falsch"}, base_url=BASE).status_code == 422
    assert client.post("/console/password", data=data | {"again": "another"}, base_url=BASE).status_code == 422
    assert client.post("/console/password", data=data, base_url=BASE).status_code == 302
    assert client.get("/console/", base_url=BASE).status_code == 200
    found = by_name("newcomer")
    assert found
    assert passwords.matches(found.password_hash, "my-own-password")


def test_support_looks_and_asks_for_access_and_does_nothing_else(supporter: FlaskClient, plant: Tenant) -> None:
    one = f"/console/plants/{plant.id}"
    for path in ("/console/", one, f"{one}/support", "/console/log", "/console/rollup", "/console/nights/"):
        page = supporter.get(path, base_url=BASE)
        assert page.status_code == 200, path
        assert "/operators" not in page.text
    assert supporter.get("/console/operators", base_url=BASE).status_code == 403
    assert "停用" not in supporter.get(one, base_url=BASE).text.replace("已停用", "")
    for path in (f"{one}/suspended", f"{one}/resumed", f"{one}/archived", f"{one}/edit", "/console/plants/new",
                 "/console/operators/new", "/console/operators/1/edit",
                 "/console/operators/1/password"):  # fmt: skip
        for answer in (supporter.get(path, base_url=BASE), supporter.post(path, data={"reason": "x"}, base_url=BASE)):
            assert (answer.status_code, "要由管理员来做" in answer.text) == (403, True), path


def test_a_disabled_operator_is_out_at_once(app: Flask, console: FlaskClient) -> None:
    client, _, _ = log_in(app, "newcomer", add(console))
    found = by_name("newcomer")
    assert found
    edit = f"/console/operators/{found.id}/edit"
    assert console.post(edit, data={"name": "新来的", "role": "support"}, base_url=BASE).status_code == 302
    assert client.get("/console/", base_url=BASE).location == "/console/login"
    with platform() as session:
        last = session.scalars(select(OperatorLog).order_by(OperatorLog.id.desc()).limit(1)).one()
    assert (last.action, last.what) == ("operator_changed", "新来的（newcomer），技术支持，停用")


def test_nobody_takes_the_console_away_from_themselves(console: FlaskClient) -> None:
    me = by_name("opener")
    assert me
    for data in ({"name": "周运营", "role": "support", "active": "y"}, {"name": "周运营", "role": "owner"}):
        page = console.post(f"/console/operators/{me.id}/edit", data=data, base_url=BASE)
        assert (page.status_code, "不能改自己的角色和状态" in page.text) == (422, True)
    again = by_name("opener")
    assert again
    assert (again.role, again.active) == ("owner", True)


def test_a_reset_password_ends_the_session_and_works(app: Flask, console: FlaskClient) -> None:
    old = add(console)
    client, _, _ = log_in(app, "newcomer", old)
    found = by_name("newcomer")
    assert found
    page = f"/console/operators/{found.id}/password"
    assert "给「新来的」（newcomer）重设密码" in console.get(page, base_url=BASE).text
    shown = re.search(r"初始密码</dt><dd>([^<]+)<", console.post(page, base_url=BASE).text)
    assert shown
    assert client.get("/console/password", base_url=BASE).location == "/console/login"
    assert (log_in(app, "newcomer", old)[1], log_in(app, "newcomer", shown[1])[1]) == (422, 302)


def test_a_taken_user_name_is_said_beside_the_field(console: FlaskClient) -> None:
    add(console)
    data = {"username": "newcomer", "name": "又一个", "role": "support"}
    page = console.post("/console/operators/new", data=data, base_url=BASE)
    assert (page.status_code, "用户名「newcomer」已有人用" in page.text) == (422, True)
