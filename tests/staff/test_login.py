"""Coming in (figure 1-1), going out, and what a person changes about themselves (figure 3-1)."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select

from app.audit import AuditEntry
from app.db import db, transaction
from app.staff.models import StaffUser
from tests.conftest import PASSWORD, Site
from tests.processes import ROOT

NEW = "another-password-2"


def manager() -> StaffUser:
    return db.session.scalars(select(StaffUser).where(StaffUser.username == "admin")).one()


def test_the_login_page_names_the_plant(site: Any) -> None:
    page = site.get("/login").text
    for words in ("测试水厂", "用户名", "密码", ">登录</button>"):
        assert words in page


def test_the_right_password_opens_the_door(site: Any) -> None:
    response = site.log_in()
    assert response.status_code == 302
    assert site.get("/me").status_code == 200
    assert manager().last_login_at is not None


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "wrong"), ("nobody", PASSWORD), ("admin", "\0"), ("a\0b", "x")]
)
def test_a_refusal_does_not_tell_what_was_wrong(site: Any, username: str, password: str) -> None:
    response = site.log_in(username, password)
    assert response.status_code == 422
    assert "用户名或密码不正确，请重新输入。" in response.text


def test_what_was_typed_is_kept_but_not_the_password(site: Any) -> None:
    page = site.log_in("admin", "wrong-secret").text
    assert 'value="admin"' in page
    assert "wrong-secret" not in page


def test_an_empty_form_says_so_beside_its_fields(site: Any) -> None:
    page = site.log_in("", "").text
    assert re.search(r'id="username-error".*?请填写用户名。', page, re.DOTALL)
    assert re.search(r'id="password-error".*?请填写密码。', page, re.DOTALL)


def test_a_disabled_account_is_told_so_and_is_out_at_once(client: Any) -> None:
    with transaction():
        manager().active = False
    assert client.get("/me").status_code == 302
    assert "这个账号已停用" in client.log_in().text


def test_after_login_one_is_where_one_wanted_to_go(site: Any) -> None:
    asked = site.get("/customers?q=张")
    response = site.post(asked.location, data={"username": "admin", "password": PASSWORD} | site.login_form())
    assert response.location == "/customers?q=%E5%BC%A0"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
)
def test_login_leads_nowhere_outside(site: Any, target: str) -> None:
    filled = {"username": "admin", "password": PASSWORD} | site.login_form()
    response = site.post("/login", query_string={"next": target}, data=filled)
    assert response.status_code == 302
    assert "evil" not in response.location
    assert "javascript" not in response.location


def test_a_fragment_sends_the_whole_page_to_the_login(site: Any) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{site.base}/customers?page=2"}
    response = site.get("/customers?page=3", headers=headers)
    assert (response.status_code, response.headers["HX-Redirect"]) == (401, "/login?next=/customers?page%3D2")


def test_going_out_ends_the_session(client: Any) -> None:
    assert client.post("/logout").location == "/login"
    assert client.get("/me").status_code == 302


def test_a_cookie_carried_to_the_neighbour_is_nobody_there(app: Any, client: Any, neighbour: Any) -> None:
    cookie = client.client.get_cookie("qingqu", domain=client.base.removeprefix("http://"))
    other = Site(app, neighbour)
    other.client.set_cookie("qingqu", cookie.value, domain=other.base.removeprefix("http://"))
    assert other.get("/me").status_code == 302


def test_name_and_mobile_are_changed_and_logged(client: Any) -> None:
    response = client.post("/me", data={"name": " 王站长 ", "mobile": "138 0000 1234"})
    assert response.status_code == 302
    assert (manager().name, manager().mobile) == ("王站长", "13800001234")
    changes = db.session.scalars(select(AuditEntry.changes).where(AuditEntry.action == "changed")).one()
    assert changes == {"name": ["站长", "王站长"], "mobile": ["", "13800001234"]}
    assert "编辑成功" in client.get("/me").text


@pytest.mark.parametrize("mobile", ["12345678901", "1380000123", "138000012345", "abc", "１３８００００１２３４５"])
def test_a_wrong_mobile_is_refused_beside_the_field(client: Any, mobile: str) -> None:
    response = client.post("/me", data={"name": "王站长", "mobile": mobile})
    assert response.status_code == 422
    assert re.search(r'id="mobile-error".*?手机号应为 11 位数字', response.text, re.DOTALL)
    assert f'value="{mobile}"' in response.text
    assert manager().name == "站长"


def test_the_password_is_changed_when_the_old_one_is_known(site: Any, client: Any) -> None:
    response = client.post("/me/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
    assert response.status_code == 302
    assert "密码修改成功" in client.get("/me").text
    client.post("/logout")
    assert client.log_in(password=PASSWORD).status_code == 422
    assert client.log_in(password=NEW).status_code == 302


def test_a_new_password_ends_the_sessions_elsewhere(app: Any, plant: Any, client: Any) -> None:
    elsewhere = Site(app, plant)
    elsewhere.log_in()
    assert elsewhere.get("/me").status_code == 200
    client.post("/me/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
    assert elsewhere.get("/me").status_code == 302
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"old": "wrong", "new": NEW, "again": NEW}, "old", "原密码不正确"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "new", "新密码至少 8 位"),
        ({"old": PASSWORD, "new": NEW, "again": NEW + "x"}, "again", "两次输入的新密码不一样"),
        ({"old": "", "new": NEW, "again": NEW}, "old", "请填写原密码"),
    ],
)
def test_a_password_is_refused(client: Any, form: dict[str, str], field: str, words: str) -> None:
    response = client.post("/me/password", data=form)
    assert response.status_code == 422
    assert re.search(rf'id="{field}-error".*?{words}', response.text, re.DOTALL)
    assert client.log_in(password=PASSWORD).status_code == 302


def test_the_same_password_again_is_none(client: Any) -> None:
    client.post("/me/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
    response = client.post("/me/password", data={"old": NEW, "new": NEW, "again": NEW})
    assert re.search(r'id="new-error".*?与原密码相同', response.text, re.DOTALL)


def test_a_first_password_must_be_changed_before_anything_else(site: Any) -> None:
    with transaction():
        manager().must_change_password = True
    assert site.log_in().location == "/me/password"
    assert site.get("/customers").location == "/me/password"
    site.post("/me/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
    assert site.get("/customers").status_code == 200


def test_outside_the_tests_a_stored_password_is_dear_to_guess() -> None:
    program = "from tenants import passwords; print(passwords.hashed('x'))"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
