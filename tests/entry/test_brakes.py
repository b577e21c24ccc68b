"""Who guesses waits longer each time, and is then shut out: by name and by address, at both doors."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import create_app
from app.audit import AuditEntry
from app.db import db
from app.web.headers import ProxyFix
from tenants import operators
from tenants.context import Tenant
from tenants.entry import attempts, captcha
from tenants.entry.store import redis
from tests.areas.test_readers import hired
from tests.conftest import PASSWORD, Site
from tests.entry.test_second_step import switched_on
from tests.tenants.conftest import BASE

THERE = "203.0.113.9"
FROM_THERE = "这个网络输错 30 次以上，已锁定，请 4 分钟后再登录。"
WRONG = "用户名或密码不正确，请重新输入。"


def at(site: Site, address: str) -> Site:
    """The site, asked from an address."""
    site.client.environ_base["REMOTE_ADDR"] = address
    return site


def waited() -> None:
    """What waiting a while does."""
    for key in (*redis().scan_iter("login:*:pause"), *redis().scan_iter("limits*")):
        redis().delete(key)


def test_an_address_waits_longer_and_longer_and_is_then_locked(plant: Tenant) -> None:
    brake, pauses = attempts.of_address(THERE), []
    for n in range(30):
        assert attempts.begin(f"name{n}", THERE) == ""
        said = attempts.failed(f"name{n}", THERE)
        pauses.append(max(0, redis().ttl(f"{brake.place}:pause")))  # type: ignore[type-var]
        waited()
    assert pauses[:20] == [0] * 14 + [2, 4, 8, 16, 30, 30]
    assert said == "这个网络输错 30 次以上，已锁定，请 15 分钟后再登录。"
    assert "已锁定" in attempts.begin("somebody", THERE)
    assert not redis().exists(attempts.of_name("somebody").place)  # a locked address locks nobody's name


def test_from_a_locked_address_nobody_comes_in_and_from_elsewhere_everybody(site: Site) -> None:
    redis().set(attempts.of_address(THERE).place, 30, ex=200)
    assert FROM_THERE in at(site, THERE).log_in().text
    assert at(site, "203.0.113.10").log_in().status_code == 302


def test_a_lock_is_one_plants_own(app: Flask, site: Site, neighbour: Tenant) -> None:
    redis().set(attempts.of_address(THERE).place, 30, ex=200)
    assert at(Site(app, neighbour), THERE).log_in().status_code == 302


def test_whoever_comes_in_has_not_failed(site: Site) -> None:
    for _ in range(3):
        assert at(site, THERE).log_in().status_code == 302
        site.post("/logout")
    assert redis().get(attempts.of_address(THERE).place) == b"0"


def test_a_household_of_ipv6_is_one_address(plant: Tenant) -> None:
    assert attempts.of_address("2001:db8:1:2::5").place == attempts.of_address("2001:db8:1:2:ffff::9").place
    assert attempts.of_address("2001:db8:1:2::5").place != attempts.of_address("2001:db8:1:3::5").place


def test_behind_a_proxy_it_is_the_callers_address_that_is_locked(app: Flask, site: Site) -> None:
    redis().set(attempts.of_address(THERE).place, 30, ex=200)
    straight, app.wsgi_app = app.wsgi_app, ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    try:
        site.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"6.6.6.6, {THERE}"
        assert FROM_THERE in site.log_in().text
        site.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"{THERE}, 6.6.6.6"
        assert site.log_in().status_code == 302
    finally:
        app.wsgi_app = straight  # type: ignore[method-assign]


def test_a_lock_outlives_the_web_process(app: Flask, plant: Tenant, site: Site) -> None:
    for _ in range(5):
        waited()
        site.log_in(password="wrong")
    names = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
    again = create_app(**{name: app.config[name] for name in names}, TESTING=True, WTF_CSRF_ENABLED=False)
    assert "连续输错 5 次，已锁定" in Site(again, plant).log_in().text


def test_the_manager_sees_who_is_locked_and_unlocks_without_another_password(
    app: Flask, client: Site, plant: Tenant
) -> None:
    key = hired("wangfang", "王芳", "cashier").id
    redis().set(attempts.of_name("wangfang").place, 5, ex=850)
    theirs = Site(app, plant)
    assert "已锁定" in theirs.log_in("wangfang").text
    page = client.get("/staff").text
    assert "已锁定，还剩 15 分钟" in page
    assert f"/staff/{key}/unlocking" in page
    assert client.post(f"/staff/{key}/unlocking").status_code == 302
    page = client.get("/staff").text
    assert "「王芳」已解锁，可以马上登录，密码没有变。" in page
    assert "还剩" not in page
    assert theirs.log_in("wangfang").status_code == 302
    line = db.session.scalars(select(AuditEntry).where(AuditEntry.entity_id == key).order_by(AuditEntry.id.desc()))
    assert line.first().changes == {"locked": [True, False]}  # type: ignore[union-attr]


def knock(client: FlaskClient, password: str = "guess", username: str = "opener", **form: str) -> Any:
    data = {"username": username, "password": password} | form
    return client.post("/console/login", data=data, base_url=BASE)


def solved(page: Any) -> dict[str, str]:
    """The 验证码 that the page asks for, read."""
    key = re.search(r'name="captcha_id" value="([^"]+)"', page.text)
    assert key
    return {"captcha_id": key[1], "captcha": captcha.answer(key[1]) or ""}


def test_the_console_asks_for_a_captcha_after_three_failures(app: Flask, console: FlaskClient) -> None:
    client = app.test_client()
    assert "验证码" not in client.get("/console/login", base_url=BASE).text
    for _ in range(3):
        waited()
        page = knock(client)
        assert page.status_code == 422
    waited()
    assert "图片里的 4 个数字" in page.text
    assert client.get(f"/console/login/captcha/{solved(page)['captcha_id']}.png", base_url=BASE).mimetype == "image/png"
    assert "验证码不正确或已过期" in knock(client, PASSWORD).text
    assert "验证码不正确或已过期" in knock(client, PASSWORD, **solved(page) | {"captcha": "0000"}).text
    assert knock(client, PASSWORD, **solved(client.get("/console/login", base_url=BASE))).status_code == 302


def test_the_console_says_the_same_of_a_name_that_is_none_or_disabled(
    app: Flask, console: FlaskClient, supporter: FlaskClient
) -> None:
    me = next(one for one in operators.everybody() if one.username == "supporter")
    console.post(f"/console/operators/{me.id}/edit", data={"name": me.name, "role": "support"}, base_url=BASE)
    client = app.test_client()
    try:
        for password, username in (("guess", "opener"), (PASSWORD, "nobody"), (PASSWORD, "supporter")):
            waited()
            for key in redis().scan_iter("login:console:*"):
                redis().delete(key)
            answer = knock(client, password, username)
            assert (answer.status_code, WRONG in answer.text) == (422, True)
    finally:
        data = {"name": me.name, "role": "support", "active": "y"}
        console.post(f"/console/operators/{me.id}/edit", data=data, base_url=BASE)


def test_an_operator_is_locked_and_unlocked_by_an_owner(
    app: Flask, console: FlaskClient, supporter: FlaskClient
) -> None:
    redis().set("login:console:from:127.0.0.1", 0, ex=100)
    client = app.test_client()
    said = []
    for _ in range(6):
        waited()
        page = client.get("/console/login", base_url=BASE)
        form = solved(page) if "captcha_id" in page.text else {}
        said.append(re.search(r"<h2>(.*?)</h2>", knock(client, "guess", "supporter", **form).text)[1])  # type: ignore[index]
    locked = "连续输错 5 次，已锁定，请 15 分钟后再登录；急用请找另一位管理员解锁。"
    left = "用户名或密码不正确，再输错 {} 次将锁定 15 分钟。"
    assert said == [WRONG] * 2 + [left.format(2), left.format(1)] + [locked] * 2
    me = next(one.id for one in operators.everybody() if one.username == "supporter")
    assert "已锁定，还剩 15 分钟" in console.get("/console/operators", base_url=BASE).text
    page = f"/console/operators/{me}/unlocking"
    assert supporter.post(page, base_url=BASE).status_code == 403
    assert "密码不变" in console.get(page, base_url=BASE).text
    assert console.post(page, base_url=BASE).status_code == 302
    assert "还剩" not in console.get("/console/operators", base_url=BASE).text
    waited()
    page = client.get("/console/login", base_url=BASE)
    assert knock(client, PASSWORD, "supporter", **solved(page)).status_code == 302


@pytest.mark.parametrize("path", ["/me/password", "/me/second-step/off"])
def test_guesses_inside_count_like_those_at_the_door(client: Site, path: str) -> None:
    switched_on(client)
    for _ in range(5):
        waited()
        answer = client.post(path, data={"old": "guess", "new": "kx7mtp2q", "again": "kx7mtp2q", "password": "guess"})
        assert answer.status_code == 422
    assert "连续输错 5 次，已锁定" in answer.text
    right = {"old": PASSWORD, "new": "kx7mtp2q", "again": "kx7mtp2q", "password": PASSWORD}
    assert "已锁定" in client.post(path, data=right).text
