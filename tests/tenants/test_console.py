"""The operator's desk: coming in, and opening a plant."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from app.customers.models import Customer
from app.db import db
from app.intake.models import ImportJob
from app.staff.models import StaffUser
from app.tariffs import library
from app.tariffs.models import Tariff
from tenants import context, operator_log, passwords, resolver
from tenants.session import engine
from tests.intake.workbooks import SEEDS
from tests.tenants.conftest import BASE

REGISTER = SEEDS / "liushu" / "水费登记册.xlsx"


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
    assert "清泉村供水站" in console.get("/console/?q=opened-one", base_url=BASE).text


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


def test_a_plant_starts_with_the_standards_ticked_and_its_register(console: FlaskClient) -> None:
    form = console.get("/console/plants/new", base_url=BASE).text
    assert form.count('type="checkbox"') == form.count(" checked ") == len(library.titles())
    data = {"name": "带档供水站", "county": "", "slug": "opened-full", "admin": "admin"}
    files = {"standards": ["居民生活用水", "非居民用水"], "workbook": (REGISTER.open("rb"), REGISTER.name)}
    page = console.post("/console/plants/new", data=data | files, base_url=BASE)
    assert page.status_code == 200
    assert "开通成功" in page.text
    tenant = resolver.by_slug("opened-full")
    assert tenant
    with context.use(tenant):
        assert db.session.scalar(select(func.count(Tariff.id))) == 2
        job = db.session.scalars(select(ImportJob)).one()
        assert job.state == "done"
        assert job.result
        assert db.session.scalar(select(func.count(Customer.id))) == job.result["ok"] > 100
        db.session.remove()
    assert operator_log.of_plant(tenant.id, last=1)[0].action == "opened"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"standards": ["没有这个"]}, "没有这个"),
        ({"workbook": (BytesIO(b"no workbook"), "坏.xlsx")}, "用户档案没有导入"),
        ({"workbook": (BytesIO(b"a,b"), "坏.csv")}, "请上传 .xlsx 工作簿"),
    ],
)
def test_an_opening_that_fails_leaves_nothing(console: FlaskClient, changes: dict[str, object], sentence: str) -> None:
    data = {"name": "半途供水站", "county": "", "slug": "half-way", "admin": "admin"} | changes
    page = console.post("/console/plants/new", data=data, base_url=BASE)
    assert page.status_code == 422
    assert sentence in page.text
    assert resolver.by_slug("half-way") is None
    with engine().connect() as connection:
        assert not connection.scalar(text("SELECT to_regnamespace('plant_half_way')"))


def test_nobody_else_opens_plants(app: Flask) -> None:
    stranger = app.test_client()
    assert stranger.get("/console/plants/new", base_url=BASE).status_code == 302
    stranger.post("/console/plants/new", data={"name": "贼", "slug": "thief", "admin": "admin"}, base_url=BASE)
    assert resolver.by_slug("thief") is None
