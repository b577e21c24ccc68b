"""Where somebody is logged in: seen and ended by its owner, and over by itself."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.db import transaction
from app.staff import service
from tenants.context import Tenant
from tenants.entry import browsers
from tenants.entry.store import redis
from tests.areas.test_readers import hired, stored
from tests.conftest import PASSWORD, Site
from tests.tenants.conftest import BASE
from tests.web.test_frame import TEMPLATES

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
WECHAT = (
    "Mozilla/5.0 (Linux; Android 13; V2238A) AppleWebKit/537.36 Chrome/116.0 Mobile Safari/537.36 MicroMessenger/8.0"
)
NEW = "another-password-2"


def coming(app: Flask, plant: Tenant, agent: str, address: str = "203.0.113.9", username: str = "admin") -> Site:
    """Logged in from another place."""
    site = Site(app, plant)
    site.client.environ_base |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address}
    assert site.log_in(username).status_code == 302
    return site


def is_in(site: Site) -> bool:
    return bool(site.get("/me").status_code == 200)


def place(plant: Tenant, username: str = "admin") -> str:
    person = stored(username)
    assert person
    return f"sittings:{plant.id}:{person.id}"


def others(page: Any) -> list[str]:
    """Addresses of the buttons that end another session."""
    return re.findall(r'action="(/(?:console/)?me/sittings/[^"/]+/end)"', page.text)


def aged(plant: Tenant, minutes: float) -> None:
    """Every session of the manager was last used so long ago."""
    for field in redis().hkeys(place(plant)):  # type: ignore[union-attr]
        if field.endswith(b":seen"):
            redis().hset(place(plant), field, str(time.time() - minutes * 60))


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (CHROME, "Chrome · Windows"),
        (WECHAT, "微信 · 安卓手机"),
        (CHROME.replace("Safari/", "Safari/537.36 Edg/"), "Edge · Windows"),
        (f"{CHROME} QIHU 360SE", "360 浏览器 · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", "Safari · 苹果手机"),
        ("<script>", "其他浏览器"),
        ("", "其他浏览器"),
    ],
)
def test_a_browser_is_named_as_its_owner_knows_it(agent: str, words: str) -> None:
    assert browsers.in_words(agent) == words


def test_one_sees_where_one_is_logged_in(app: Flask, plant: Tenant) -> None:
    here = coming(app, plant, CHROME, "203.0.113.8")
    coming(app, plant, WECHAT)
    page = here.get("/me").text
    seen = re.findall(r"<b>(\S+ · \S+)</b>(.*?)地址 ([\d.]+)</p>", page, re.DOTALL)
    assert [(name, address) for name, _, address in seen] == [
        ("Chrome · Windows", "203.0.113.8"),
        ("微信 · 安卓手机", "203.0.113.9"),
    ]
    assert ["这台电脑" in words for _, words, _ in seen] == [True, False]
    assert len(others(here.get("/me"))) == 1


def test_another_session_is_ended_at_once_and_this_one_goes_on(app: Flask, plant: Tenant, client: Site) -> None:
    phone, office = coming(app, plant, WECHAT), coming(app, plant, CHROME)
    assert len(others(client.get("/me"))) == 2
    mine = others(phone.get("/me"))
    theirs = set(others(client.get("/me"))) - set(mine)  # only the telephone's own is not offered to the telephone
    assert client.post(theirs.pop()).status_code == 302
    assert [is_in(site) for site in (phone, office, client)] == [False, True, True]


def test_all_other_sessions_are_ended_at_once(app: Flask, plant: Tenant, client: Site) -> None:
    phone, office = coming(app, plant, WECHAT), coming(app, plant, CHROME)
    assert client.post("/me/sittings/end").status_code == 302
    assert [is_in(site) for site in (phone, office, client)] == [False, False, True]


def test_nobody_ends_the_session_of_somebody_else(app: Flask, plant: Tenant, client: Site) -> None:
    hired("wangfang", "王芳", "cashier")
    coming(app, plant, WECHAT)
    theirs = coming(app, plant, CHROME, username="wangfang")
    for address in others(client.get("/me")):
        theirs.post(address)
    theirs.post("/me/sittings/end")
    assert is_in(client)
    assert len(others(client.get("/me"))) == 1


def test_going_out_takes_the_session_away(client: Site, plant: Tenant) -> None:
    cookie = client.client.get_cookie("qingqu", domain=client.base.removeprefix("http://"))
    assert cookie
    client.post("/logout")
    assert not redis().exists(place(plant))
    client.client.set_cookie("qingqu", cookie.value, domain=client.base.removeprefix("http://"))
    assert not is_in(client)  # somebody has kept the cookie


@pytest.mark.parametrize("what", ["password", "reset", "disabled"])
def test_what_shuts_a_person_out_ends_every_session(app: Flask, plant: Tenant, client: Site, what: str) -> None:
    hired("wangfang", "王芳", "cashier")
    theirs = [coming(app, plant, agent, username="wangfang") for agent in (CHROME, WECHAT)]
    person = stored("wangfang")
    assert person
    if what == "password":
        theirs[0].post("/me/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
    elif what == "reset":
        client.post(f"/staff/{person.id}/password")
    else:
        client.post(f"/staff/{person.id}/state?active=no")
    assert [is_in(site) for site in theirs] == [what == "password", False]
    assert redis().hlen(place(plant, "wangfang")) == (2 if what == "password" else 0)


def test_a_rolled_back_change_ends_nothing(app: Flask, plant: Tenant, client: Site) -> None:
    person = hired("wangfang", "王芳", "cashier")
    theirs = coming(app, plant, CHROME, username="wangfang")

    def spoil() -> None:
        with transaction():
            service.set_active(person, active=False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spoil()
    assert is_in(theirs)


def test_a_session_left_alone_is_over(plant: Tenant, client: Site) -> None:
    aged(plant, 119)
    assert is_in(client)
    aged(plant, 121)
    assert client.get("/customers").location == "/login?next=/customers"
    assert client.get("/login").status_code == 200


def test_what_a_page_asks_by_itself_keeps_no_session_alive(plant: Tenant, client: Site) -> None:
    aged(plant, 118)
    before = redis().hgetall(place(plant))
    assert client.get("/", headers={"HX-Request": "true", "X-By-Itself": "1"}).status_code == 200
    assert redis().hgetall(place(plant)) == before
    client.get("/")
    assert redis().hgetall(place(plant)) != before


@pytest.mark.parametrize("template", [t for t in TEMPLATES if 'hx-trigger="every' in t.read_text("utf-8")], ids=str)
def test_every_part_that_renews_itself_says_so(template: Path) -> None:
    text = template.read_text("utf-8")
    assert text.count('hx-trigger="every') == text.count("""hx-headers='{"X-By-Itself": "1"}'""")


def test_a_session_is_over_after_half_a_day_however_busy(
    app: Flask, plant: Tenant, client: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SESSION_LONGEST", 0)
    assert not is_in(client)


def test_a_flushed_redis_asks_everybody_to_log_in_again(plant: Tenant, client: Site) -> None:
    redis().delete(place(plant))
    assert not is_in(client)
    assert client.log_in().status_code == 302
    assert is_in(client)


def test_a_session_outlives_the_web_process_and_a_silent_redis(app: Flask, plant: Tenant, client: Site) -> None:
    cookie = client.client.get_cookie("qingqu", domain=client.base.removeprefix("http://"))
    assert cookie
    urls = {name: app.config[name] for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")}
    for changes in ({}, {"REDIS_URL": "redis://127.0.0.1:1"}):
        again = Site(create_app(**urls | changes, TESTING=True), plant)
        again.client.set_cookie("qingqu", cookie.value, domain=client.base.removeprefix("http://"))
        assert again.get("/me/password").status_code == 200, changes


def test_a_request_asks_redis_once_for_its_session(client: Site) -> None:
    def asked() -> int:
        found: Any = redis().info("commandstats")
        return int(found.get("cmdstat_hmget", {"calls": 0})["calls"])

    client.get("/me/password")
    before = asked()
    client.get("/me/password")
    assert asked() - before == 1


def test_an_old_cookie_without_a_session_is_nobody(client: Site) -> None:
    with client.client.session_transaction(base_url=client.base) as cookie:
        del cookie["sitting"]
    assert not is_in(client)


def test_operators_see_and_end_their_sessions(app: Flask, console: FlaskClient) -> None:
    console.post("/console/me/sittings/end", base_url=BASE)
    elsewhere = app.test_client()
    data = {"username": "opener", "password": PASSWORD}
    assert elsewhere.post("/console/login", data=data, base_url=BASE, headers={"User-Agent": WECHAT}).status_code == 302
    page = console.get("/console/me", base_url=BASE)
    assert "微信 · 安卓手机" in page.text
    assert console.post(others(page)[0], base_url=BASE).status_code == 302
    assert elsewhere.get("/console/", base_url=BASE).location == "/console/login"
    assert console.get("/console/", base_url=BASE).status_code == 200
    console.post("/console/logout", base_url=BASE)
    assert console.get("/console/", base_url=BASE).location == "/console/login"
