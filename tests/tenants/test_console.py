"""The operator's desk: coming in, and opening a plant."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import db
from app.staff.models import StaffUser
from tenants import context, passwords, resolver
from tests.tenants.conftest import BASE


def test_a_plant_is_opened_with_a_first_password_that_must_be_changed(console: FlaskClient) -> None:
    data = {"name": "清泉村供水站", "county": "石泉县", "slug": "opened-one", "admin": "zhanzhang"}
    page = console.post("/console/plants/new", data=data, base_url=BASE)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    shown = re.search(r"初始密码</dt><dd>([^<]+)<", page.text)
    assert shown
    tenant = resolver.by_slug("opened-one")
    assert tenant
    with context.use(tenant):
        manager = db.session.query(StaffUser).filter_by(username="zhanzhang").one()
        assert passwords.matches(manager.password_hash, shown[1])
        assert (manager.role, manager.must_change_password) == ("manager", True)
        db.session.remove()
    assert "清泉村供水站" in console.get("/console/", base_url=BASE).text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"slug": "Shi Quan"}, "请全部用小写字母"),
        ({"slug": "ab"}, "应为 3 到 30 个字符"),
        ({"slug": "console"}, "留作系统自用"),
        ({"name": ""}, "请填写水厂名称"),
    ],
)
def test_what_cannot_be_opened_says_why_and_keeps_what_was_typed(
    console: FlaskClient, changes: dict[str, str], sentence: str
) -> None:
    data = {"name": "好水村供水站", "county": "石泉县", "slug": "haoshui", "admin": "admin"} | changes
    page = console.post("/console/plants/new", data=data, base_url=BASE)
    assert page.status_code == 422
    assert sentence in page.text
    assert "石泉县" in page.text
    assert resolver.by_slug("haoshui") is None


def test_a_second_click_finds_the_address_taken(console: FlaskClient) -> None:
    data = {"name": "二河村供水站", "county": "", "slug": "opened-two", "admin": "admin"}
    assert console.post("/console/plants/new", data=data, base_url=BASE).status_code == 200
    again = console.post("/console/plants/new", data=data, base_url=BASE)
    assert again.status_code == 422
    assert "已被使用，请换一个" in again.text


def test_nobody_else_opens_plants(app: Flask) -> None:
    stranger = app.test_client()
    assert stranger.get("/console/plants/new", base_url=BASE).status_code == 302
    stranger.post("/console/plants/new", data={"name": "贼", "slug": "thief", "admin": "admin"}, base_url=BASE)
    assert resolver.by_slug("thief") is None
