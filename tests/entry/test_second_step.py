"""两步登录: a code of the telephone after the password, once each; recovery codes; who can switch it off."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.audit import AuditEntry
from app.db import db, transaction
from app.staff.models import StaffUser
from tenants import context, operators
from tenants.context import Tenant
from tenants.entry import attempts
from tenants.entry.store import redis
from tenants.session import platform
from tests.areas.test_readers import hired, stored
from tests.conftest import PASSWORD, Site
from tests.tenants.conftest import BASE

WRONG = "动态码不正确或已用过，再输错"


def shown_secret(page: Any) -> str:
    return re.search(r'scan-secret">([A-Z2-7 ]+)<', page.text)[1].replace(" ", "")  # type: ignore[index]


def code(secret: str, steps: int = 0) -> str:
    """What the telephone shows now, or so many steps of half a minute later."""
    return pyotp.TOTP(secret).at(time.time() + 30 * steps)


def switched_on(client: Site) -> tuple[str, list[str]]:
    """The manager has scanned and confirmed: the secret and the recovery codes."""
    secret = shown_secret(client.get("/me/second-step"))
    done = client.post("/me/second-step", data={"code": code(secret)})
    return secret, re.findall(r'<li class="code">([^<]+)</li>', done.text)


def half_way(app: Flask, plant: Tenant, username: str = "admin") -> Site:
    """Somebody whose password was right."""
    site = Site(app, plant)
    assert site.log_in(username).location == "/login/code"
    return site


def waited() -> None:
    for key in redis().scan_iter("login:*:pause"):
        redis().delete(key)


def manager() -> StaffUser:
    found = stored("admin")
    assert found
    return found


def test_it_is_switched_on_by_scanning_and_confirming(client: Site) -> None:
    assert "没有开启" in client.get("/me").text
    page = client.get("/me/second-step")
    assert 'src="/me/second-step/qr.svg"' in page.text
    picture = client.get("/me/second-step/qr.svg")
    assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml")
    assert picture.text.startswith("<svg")
    assert client.post("/me/second-step", data={"code": "000000"}).status_code == 422
    assert not manager().two_steps
    secret, codes = switched_on(client)
    assert secret == shown_secret(page)  # a second look shows the same, as the telephone has scanned the first
    assert len(set(codes)) == 10
    assert "已开启" in client.get("/me").text
    changes = db.session.scalars(select(AuditEntry.changes).order_by(AuditEntry.id.desc())).first()
    assert changes == {"second_step": [False, True]}


def test_secret_and_codes_are_told_once_and_stored_so_that_nobody_reads_them(client: Site) -> None:
    secret, codes = switched_on(client)
    assert client.get("/me/second-step").location == "/me"
    assert client.get("/me/second-step/qr.svg").status_code == 404
    row = db.session.scalar(text("SELECT CAST(to_jsonb(s) AS text) FROM staff_user s WHERE username = 'admin'"))
    for told in (secret, *codes, *(one.replace("-", "") for one in codes)):
        assert told not in row
        assert told not in client.get("/me").text
    kept = [value for key in redis().scan_iter("second-step:*") if (value := redis().get(key))]
    assert secret.encode() not in kept


def test_the_password_alone_opens_nothing_any_more(app: Flask, plant: Tenant, client: Site) -> None:
    secret, _ = switched_on(client)
    site = half_way(app, plant)
    assert site.get("/").location.startswith("/login")
    assert site.get("/me").status_code == 302
    assert site.post("/login/code", data={"code": code(secret, 1)}).location == "/"
    assert site.get("/me").status_code == 200


def test_after_both_steps_one_is_where_one_wanted_to_go(app: Flask, plant: Tenant, client: Site) -> None:
    secret, _ = switched_on(client)
    site = Site(app, plant)
    form = {"username": "admin", "password": PASSWORD} | site.login_form()
    assert site.post("/login?next=/customers", data=form).location == "/login/code"
    assert (
        site.post("/login/code", data={"code": f" {code(secret, 1)[:3]} {code(secret, 1)[3:]}"}).location
        == "/customers"
    )


def test_a_code_is_good_once_and_only_now(app: Flask, plant: Tenant, client: Site) -> None:
    secret, _ = switched_on(client)
    for used in (code(secret, 0), code(secret, -1), code(secret, -5), code(secret, 5)):
        assert half_way(app, plant).post("/login/code", data={"code": used}).status_code == 422
        attempts.forget("admin")
    good = code(secret, 1)
    assert half_way(app, plant).post("/login/code", data={"code": good}).status_code == 302
    answer = half_way(app, plant).post("/login/code", data={"code": good})
    assert (answer.status_code, "动态码不正确或已用过" in answer.text) == (422, True)


def test_a_recovery_code_serves_once_instead(app: Flask, plant: Tenant, client: Site) -> None:
    _, codes = switched_on(client)
    assert half_way(app, plant).post("/login/code", data={"code": codes[3].upper()}).status_code == 302
    assert half_way(app, plant).post("/login/code", data={"code": codes[3]}).status_code == 422
    for typed in (codes[4].replace("-", " "), codes[5].replace("-", "")):
        assert half_way(app, plant).post("/login/code", data={"code": typed}).status_code == 302
    assert "恢复码还剩 7 个" in client.get("/me").text


def test_wrong_codes_count_like_wrong_passwords(app: Flask, plant: Tenant, client: Site) -> None:
    secret, _ = switched_on(client)
    for n in range(5):
        waited()
        site = half_way(app, plant)  # the right password in between forgives nothing
        answer = site.post("/login/code", data={"code": "000000"})
        assert answer.status_code == 422
        assert (WRONG in answer.text) == (n in (2, 3))
    assert "连续输错 5 次，已锁定" in answer.text
    assert "已锁定" in site.post("/login/code", data={"code": code(secret, 1)}).text
    assert "已锁定" in site.log_in().text


def test_half_way_is_over_when_the_password_or_the_plant_is_another(
    app: Flask, plant: Tenant, client: Site, neighbour: Tenant
) -> None:
    secret, _ = switched_on(client)
    site = half_way(app, plant)
    cookie = site.client.get_cookie("qingqu", domain=site.base.removeprefix("http://"))
    assert cookie
    there = Site(app, neighbour)
    there.client.set_cookie("qingqu", cookie.value, domain=there.base.removeprefix("http://"))
    assert there.get("/login/code").location == "/login"
    client.post("/me/password", data={"old": PASSWORD, "new": "another-password-2", "again": "another-password-2"})
    assert "请从用户名和密码重新登录" in site.post("/login/code", data={"code": code(secret, 1)}).text
    with site.client.session_transaction(base_url=site.base) as kept:
        kept["halfway"][1] -= 301
        kept.modified = True
    assert site.get("/login/code").location == "/login"


@pytest.mark.parametrize("typed", ["１２３４５６", "码", "\0", "😀", "-" * 40, "000000"])
def test_anything_else_is_no_code(app: Flask, plant: Tenant, client: Site, typed: str) -> None:
    assert client.post("/me/second-step", data={"code": typed}).status_code == 422
    switched_on(client)
    assert half_way(app, plant).post("/login/code", data={"code": typed}).status_code == 422


def test_nobody_is_half_way_who_has_not_been_at_the_door(site: Site) -> None:
    assert site.get("/login/code").location == "/login"
    assert site.post("/login/code", data={"code": "123456"}).location == "/login"


def test_it_is_switched_off_with_the_password(client: Site) -> None:
    switched_on(client)
    answer = client.post("/me/second-step/off", data={"password": "wrong"})
    assert re.search(r'id="password-error".*?登录密码不正确', answer.text, re.DOTALL)
    assert manager().two_steps
    assert client.post("/me/second-step/off", data={"password": PASSWORD}).location == "/me"
    found = manager()
    assert (found.totp_secret, found.totp_step, found.recovery_codes) == (None, None, None)
    client.post("/logout")
    assert client.log_in().location == "/"


def test_a_colleague_switches_it_off_for_who_lost_the_telephone(app: Flask, plant: Tenant, client: Site) -> None:
    hired("second", "副站长", "manager")
    other = Site(app, plant)
    other.log_in("second")
    switched_on(other)
    person = stored("second")
    assert person
    assert "两步登录" in client.get("/staff").text
    assert other.post(f"/staff/{person.id}/second-step/off").status_code == 302
    assert "请在「个人中心」里关闭" in other.get("/staff").text  # oneself only with the password
    client.post(f"/staff/{person.id}/second-step/off")
    assert "「副站长」的两步登录已关闭" in client.get("/staff").text
    assert Site(app, plant).log_in("second").location == "/"
    line = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert line
    assert (line.entity_id, line.changes, line.by_name) == (person.id, {"second_step": [True, False]}, "站长")


def test_it_is_for_the_manager(site: Site) -> None:
    hired("wangfang", "王芳", "cashier")
    site.log_in("wangfang")
    assert "两步登录" not in site.get("/me").text
    assert site.get("/me/second-step").status_code == 403


def test_after_another_secret_key_the_recovery_codes_still_serve(
    app: Flask, client: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, codes = switched_on(client)
    monkeypatch.setitem(app.config, "SECRET_KEY", "another-key-0123456789")
    with transaction():
        person = db.session.get_one(StaffUser, manager().id)
        assert not person.passes(code(secret, 1))
        assert person.passes(codes[0])


def test_operators_have_it_too_and_an_owner_switches_it_off(
    app: Flask, console: FlaskClient, supporter: FlaskClient
) -> None:
    secret = shown_secret(supporter.get("/console/me/second-step", base_url=BASE))
    assert supporter.get("/console/me/second-step/qr.svg", base_url=BASE).mimetype == "image/svg+xml"
    done = supporter.post("/console/me/second-step", data={"code": code(secret)}, base_url=BASE)
    codes = re.findall(r'<li class="code">([^<]+)</li>', done.text)
    assert len(codes) == 10
    with platform() as session:
        row = session.scalar(
            text("SELECT CAST(to_jsonb(o) AS text) FROM platform.operator o WHERE username = 'supporter'")
        )
    assert row
    assert not any(told in row for told in (secret, *codes))
    client, form = app.test_client(), {"username": "supporter", "password": PASSWORD}
    assert client.post("/console/login", data=form, base_url=BASE).location == "/console/login/code"
    assert client.get("/console/", base_url=BASE).location == "/console/login"
    assert client.post("/console/login/code", data={"code": "000000"}, base_url=BASE).status_code == 422
    assert client.post("/console/login/code", data={"code": code(secret, 1)}, base_url=BASE).location == "/console/"
    assert client.get("/console/", base_url=BASE).status_code == 200
    me = next(one for one in operators.everybody() if one.username == "supporter")
    assert "两步登录" in console.get("/console/operators", base_url=BASE).text
    off = f"/console/operators/{me.id}/second-step/off"
    assert supporter.post(off, base_url=BASE).status_code == 403
    assert "确认是他本人" in console.get(off, base_url=BASE).text
    assert console.post(off, base_url=BASE).status_code == 302
    client = app.test_client()
    assert client.post("/console/login", data=form, base_url=BASE).location == "/console/"


def test_a_command_lets_in_the_only_manager_who_has_lost_everything(app: Flask, plant: Tenant, client: Site) -> None:
    switched_on(client)
    redis().set(attempts.of_name("admin").place, 5, ex=200)
    with context.use(None):
        ran = app.test_cli_runner().invoke(args=["plants", "let-in", plant.slug, "admin", "--json"])
        missing = app.test_cli_runner().invoke(args=["plants", "let-in", plant.slug, "nobody"])
    assert (ran.exit_code, missing.exit_code) == (0, 2)
    assert client.get("/me").status_code == 302
    assert client.log_in(password=json.loads(ran.stdout)["password"]).location == "/me/password"
