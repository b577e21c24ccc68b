"""The operator's list of plants, and what may be done to one: stored, shown, and written into the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import update

from tenants import backup, context, lifecycle, migrate, operator_log, resolver
from tenants.context import Tenant
from tenants.models import OperatorLog, Plant
from tenants.operator_log import By, Wanted
from tenants.provisioning import PlantError
from tenants.session import platform
from tests.conftest import Site
from tests.tenants.conftest import BASE
from tests.tenants.test_night_board import words

ME = By(None, "测试", "127.0.0.1")


def stored(plant: Tenant) -> Plant:
    with platform() as session:
        return session.get_one(Plant, plant.id)


def put(plant: Tenant, **values: object) -> None:
    with platform() as session:
        session.execute(update(Plant).where(Plant.id == plant.id).values(**values))
    resolver.forget()


def last_line(plant: Tenant) -> OperatorLog:
    return operator_log.of_plant(plant.id, last=1)[0]


def get(console: FlaskClient, path: str) -> str:
    answer = console.get(f"/console{path}", base_url=BASE)
    assert answer.status_code == 200, path
    return str(answer.text)


def test_the_list_says_size_revision_and_state_and_finds_a_plant(console: FlaskClient, plant: Tenant) -> None:
    put(plant, name="找得到供水站", county="凤凰县", households=2450)
    page = words(get(console, "/?q=凤凰县"))
    assert "找得到供水站凤凰县" in page
    assert f"正常2,450——{migrate.head('tenant')}" in page
    assert "全部1正常1已停用0已归档0" in page
    assert "没有这样的水厂" in get(console, "/?q=没有的县")


def test_a_tab_shows_one_state_and_those_that_are_behind_are_marked(console: FlaskClient, plant: Tenant) -> None:
    put(plant, county="回龙县", revision=migrate._newest_first("tenant")[-1])
    assert "待升级1" in words(get(console, "/?q=回龙县"))
    assert plant.slug in get(console, "/?q=回龙县&state=behind")
    assert plant.slug not in get(console, "/?q=回龙县&state=suspended")
    put(plant, revision=migrate.head("tenant"))
    assert "待升级" not in get(console, "/?q=回龙县")


def test_the_list_is_paged(console: FlaskClient, app: Flask) -> None:
    now = datetime.now(UTC)
    with platform() as session:
        for n in range(25):
            keys = {"slug": f"paged-{n}", "schema_name": f"paged_{n}", "role_name": f"paged_{n}"}
            session.add(Plant(name=f"第 {n:02} 水厂", county="翻页县", revision="x", created_at=now, **keys))
    try:
        first, second = get(console, "/?q=翻页县"), get(console, "/?q=翻页县&page=2")
        assert ("第 00 水厂" in first, "第 24 水厂" in first, "第 24 水厂" in second) == (True, False, True)
        assert "共25座" in words(second)
    finally:
        with platform() as session:
            session.query(Plant).where(Plant.county == "翻页县").delete()


def test_suspending_needs_a_reason_and_the_staff_read_it_at_the_next_click(
    console: FlaskClient, client: Site, plant: Tenant
) -> None:
    page = f"/console/plants/{plant.id}/suspended"
    assert client.get("/").status_code == 200
    refused = console.post(page, data={"reason": " "}, base_url=BASE)
    assert (refused.status_code, "请填写原因" in refused.text, stored(plant).state) == (422, True, "active")
    assert console.post(page, data={"reason": "欠平台服务费"}, base_url=BASE).status_code == 302
    notice = client.get("/")
    assert notice.status_code == 503
    assert ("暂停使用" in notice.text, "原因：欠平台服务费" in notice.text) == (True, True)
    assert (last_line(plant).action, last_line(plant).what, last_line(plant).operator) == (
        "suspended", "欠平台服务费", "周运营",
    )  # fmt: skip
    assert "欠平台服务费" in get(console, f"/plants/{plant.id}")
    assert console.post(f"/console/plants/{plant.id}/resumed", base_url=BASE).status_code == 302
    assert client.get("/").status_code == 200
    assert (stored(plant).state, stored(plant).state_reason) == ("active", "")


def test_doing_it_twice_changes_and_logs_nothing(console: FlaskClient, plant: Tenant) -> None:
    for reason in ("第一次", "第二次"):
        console.post(f"/console/plants/{plant.id}/suspended", data={"reason": reason}, base_url=BASE)
    assert stored(plant).state_reason == "第一次"
    assert [line.what for line in operator_log.of_plant(plant.id, last=9)] == ["第一次"]


def test_a_plant_gets_another_name_county_and_domain(console: FlaskClient, site: Site, plant: Tenant) -> None:
    data = {"name": "新名供水站", "county": "新县", "domain": "Water.Example.CN"}
    assert console.post(f"/console/plants/{plant.id}/edit", data=data, base_url=BASE).status_code == 302
    assert (stored(plant).name, stored(plant).county, stored(plant).domain) == (
        "新名供水站",
        "新县",
        "water.example.cn",
    )
    assert "新名供水站" in site.get("/login").text
    assert site.client.get("/login", base_url="http://water.example.cn").status_code == 200
    assert "名称：测试水厂 → 新名供水站；所在县：无 → 新县" in last_line(plant).what
    console.post(f"/console/plants/{plant.id}/edit", data=data | {"domain": ""}, base_url=BASE)
    assert stored(plant).domain is None


def test_a_domain_of_another_plant_is_refused(console: FlaskClient, plant: Tenant, neighbour: Tenant) -> None:
    put(neighbour, domain="taken.example.cn")
    data = {"name": "甲", "county": "", "domain": "taken.example.cn"}
    page = console.post(f"/console/plants/{plant.id}/edit", data=data, base_url=BASE)
    assert (page.status_code, "已经给了别的水厂" in page.text, stored(plant).domain) == (422, True, None)
    put(neighbour, domain=None)


@pytest.mark.parametrize(
    "domain",
    [
        "localhost",
        "x.localhost",
        "http://a.cn",
        "a b.cn",
        "a.cn/x",
        "a",
        "127.0.0.1",
        "-a.cn",
        "a..cn",
        "a" * 64 + ".cn",
    ],
)
def test_what_is_no_domain_of_ones_own_is_refused(app: Flask, domain: str) -> None:
    with pytest.raises(PlantError):
        lifecycle.check_domain(domain)


def test_a_chinese_domain_is_kept_as_browsers_send_it(app: Flask) -> None:
    assert lifecycle.check_domain("石泉供水.中国") == "xn--vsq001ezmax28a.xn--fiqs8s"


def test_an_archived_plant_is_gone_from_its_address_and_comes_back(
    console: FlaskClient, site: Site, plant: Tenant
) -> None:
    console.post(f"/console/plants/{plant.id}/archived", data={"reason": "并入邻村"}, base_url=BASE)
    assert site.get("/login").status_code == 404
    assert "以后才能删除" in get(console, f"/plants/{plant.id}")
    console.post(f"/console/plants/{plant.id}/resumed", base_url=BASE)
    assert site.get("/login").status_code == 200


def grown_old(plant: Tenant) -> None:
    """Archived, and its grace period over."""
    lifecycle.move(plant.id, "archived", reason="并入邻村", by=ME)
    put(plant, state_since=datetime.now(UTC) - lifecycle.GRACE - timedelta(minutes=1))


def test_why_a_plant_cannot_be_deleted_yet_stands_in_the_form_s_place(
    console: FlaskClient, plant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"/plants/{plant.id}/deletion"

    def refused(why: str) -> bool:
        sent = console.post(f"/console{page}", data={"slug": plant.slug}, base_url=BASE)
        shown = get(console, page)
        return sent.status_code == 422 and why in sent.text and why in shown and 'name="slug"' not in shown

    assert refused("先归档")
    lifecycle.move(plant.id, "archived", reason="并入邻村", by=ME)
    assert refused("归档后保留 30 天")
    grown_old(plant)
    assert refused("没有设置放文件的文件夹（EXPORT_DIR）")
    assert resolver.by_slug(plant.slug)
    monkeypatch.setitem(current_app.config, "EXPORT_DIR", str(tmp_path))
    assert 'name="slug"' in get(console, page)


def test_a_plant_is_deleted_with_its_export_handed_over(
    console: FlaskClient, plant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(typed: str) -> Any:
        return console.post(f"/console/plants/{plant.id}/deletion", data={"slug": typed}, base_url=BASE)

    monkeypatch.setitem(current_app.config, "EXPORT_DIR", str(tmp_path))
    grown_old(plant)
    assert f"/console/plants/{plant.id}/deletion" in get(console, f"/plants/{plant.id}")
    refused = send("别的水厂")
    assert (refused.status_code, "一字不差" in refused.text) == (422, True)
    assert "不能撤销" in get(console, f"/plants/{plant.id}/deletion")
    done = send(plant.slug)
    assert done.status_code == 302
    assert resolver.by_slug(plant.slug) is None
    file = done.location.rsplit("/", 1)[1]
    assert "请下载后交给水厂保管" in console.get(done.location, base_url=BASE).text
    with context.use(None):  # as at the console's own host: the log of a plant that is gone takes no line
        sent = console.get(f"{done.location}/file", base_url=BASE)
    assert (sent.status_code, file in sent.headers["Content-Disposition"]) == (200, True)
    assert sent.data == (tmp_path / "deleted" / file).read_bytes()
    assert (last_line(plant).action, last_line(plant).what) == ("deleted", file)
    backup.import_plant(tmp_path / "deleted" / file)
    assert resolver.by_slug(plant.slug)
    for wrong in ("nothing.zip", "..%2Fsecret"):
        assert console.get(f"/console/deleted/{wrong}/file", base_url=BASE).status_code == 404


def test_the_log_is_searched_by_plant_operator_and_day(console: FlaskClient, plant: Tenant) -> None:
    lifecycle.move(plant.id, "suspended", reason="查日志用", by=By(7, "钱运营", "10.0.0.7"))
    today = datetime.now(operator_log.HERE).date()
    for query, found in (
        ("q=查日志用", True), (f"q={plant.slug}（", False), (f"q={plant.slug}）", True), ("operator=钱运营", True),
        ("operator=周运营&q=查日志用", False), (f"day={today}&q=查日志用", True),
        (f"day={today - timedelta(days=1)}&q=查日志用", False), ("day=错&q=查日志用", True),
    ):  # fmt: skip
        assert ("10.0.0.7" in get(console, f"/log?{query}")) is found, query
    assert operator_log.count(Wanted(words="查日志用")) == 1


def test_nobody_may_do_it_without_logging_in(app: Flask, plant: Tenant) -> None:
    stranger = app.test_client()
    for path in ("suspended", "archived", "edit", "support", "deletion"):
        answer = stranger.post(f"/console/plants/{plant.id}/{path}", data={"reason": "贼", "name": "贼"}, base_url=BASE)
        assert (answer.status_code, answer.location) == (302, "/console/login")
    assert (stored(plant).state, stored(plant).name) == ("active", plant.name)
