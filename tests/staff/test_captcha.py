"""验证码 and the brake on guessing (figure 1-1), on a real Redis."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update

from app.db import db, transaction
from app.extensions import redis
from app.staff import service
from app.staff.models import StaffUser
from tenants.context import Tenant
from tenants.entry import attempts, captcha
from tests.conftest import PASSWORD, Site
from tests.tenants.test_hosts import set_plant

WRONG_CAPTCHA = "验证码不正确或已过期，请再填一次密码和新的验证码。"
WRONG_LOGIN = "用户名或密码不正确，请重新输入。"


def key_of(page: Any) -> str:
    return re.search(r'name="captcha_id" value="([^"]+)"', page.text)[1]  # type: ignore[index]


def send(site: Site, **changes: str) -> Any:
    return site.post("/login", data={"username": "admin", "password": PASSWORD} | site.login_form() | changes)


def unbrake(username: str = "admin") -> None:
    """What waiting a few seconds does."""
    redis().delete(f"{attempts.of_name(username).place}:pause")


def test_the_page_shows_a_picture_and_says_what_to_type(site: Site) -> None:
    page = site.get("/login")
    assert "图片里的 4 个数字" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    picture = site.get(f"/login/captcha/{key_of(page)}.png")
    assert (picture.status_code, picture.mimetype, picture.headers["Cache-Control"]) == (200, "image/png", "no-store")
    assert Image.open(BytesIO(picture.data)).size == (150, 60)


def test_the_answer_is_not_in_the_page(site: Site) -> None:
    page = site.get("/login")
    assert captcha.answer(key_of(page)) not in re.findall(r"\b\d{4}\b", page.text)


def test_a_wrong_captcha_is_told_beside_the_field_and_opens_nothing(site: Site) -> None:
    response = send(site, captcha="0000")
    assert response.status_code == 422
    assert re.search(rf'id="captcha-error".*?{WRONG_CAPTCHA}', response.text, re.DOTALL)
    assert site.get("/me").status_code == 302


def test_an_empty_captcha_is_told_beside_the_field(site: Site) -> None:
    assert re.search(r'id="captcha-error".*?请填写验证码', send(site, captcha="").text, re.DOTALL)


def test_a_captcha_serves_one_attempt_right_or_wrong(site: Site) -> None:
    form = site.login_form()
    assert "用户名或密码不正确" in send(site, **form, password="wrong").text
    assert WRONG_CAPTCHA in send(site, **form).text
    form = site.login_form()
    assert WRONG_CAPTCHA in send(site, captcha_id=form["captcha_id"], captcha="0000").text
    assert WRONG_CAPTCHA in send(site, **form).text
    form = site.login_form()
    assert "请填写密码" in send(site, **form, password="").text
    assert WRONG_CAPTCHA in send(site, **form).text


def test_each_answer_brings_a_new_picture(site: Site) -> None:
    first = site.get("/login")
    after = send(site, captcha="0000")
    assert key_of(first) != key_of(after)
    assert captcha.answer(key_of(after))


def test_a_captcha_is_too_old_after_five_minutes(site: Site) -> None:
    form = site.login_form()
    assert 290 < redis().ttl(f"captcha:{form['captcha_id']}") <= 300
    redis().delete(f"captcha:{form['captcha_id']}")
    assert site.get(f"/login/captcha/{form['captcha_id']}.png").status_code == 404
    assert WRONG_CAPTCHA in send(site, **form).text


def test_another_picture_is_had_by_a_click_or_by_a_link(site: Site) -> None:
    page = site.get("/login?next=/customers")
    assert 'href="/login?next=/customers"' in page.text
    assert 'hx-get="/login/captcha?next=/customers"' in page.text
    part = site.get("/login/captcha?next=/customers")
    assert "<html" not in part.text
    assert key_of(part) != key_of(page)
    assert site.get(f"/login/captcha/{key_of(part)}.png").status_code == 200


def test_digits_of_a_chinese_keyboard_and_blanks_are_understood(site: Site) -> None:
    form = site.login_form()
    wide = " ".join(chr(ord(digit) - ord("0") + ord("０")) for digit in form["captcha"])
    assert send(site, captcha_id=form["captcha_id"], captcha=f" {wide} ").status_code == 302


def test_who_cannot_see_the_picture_gets_a_sum_in_words(site: Site) -> None:
    assert 'href="/login?next=/customers&amp;in_words=1"' in site.get("/login?next=/customers").text
    page = site.get("/login?next=/customers&in_words=1")
    assert "<img" not in page.text
    asked = re.search(
        r'id="captcha-question">([一二三四五六七八九十]+)([加减])([一二三四五六七八九])等于几？<', page.text
    )
    assert asked
    assert 'aria-describedby="captcha-question captcha-hint captcha-error"' in page.text
    first, sign, second = asked.groups()
    numbers = {captcha.spoken(n): n for n in range(100)}
    result = numbers[first] + numbers[second] * (1 if sign == "加" else -1)
    form = {"username": "admin", "password": PASSWORD, "captcha_id": key_of(page), "in_words": "1"}
    wrong = site.post("/login", data=form | {"captcha": str(result + 1)})
    assert WRONG_CAPTCHA in wrong.text
    assert "等于几？" in wrong.text  # asked in words again
    answer = captcha.answer(key_of(wrong))
    assert answer
    form |= {"captcha_id": key_of(wrong), "captcha": captcha.spoken(int(answer))}
    assert site.post("/login?next=/customers", data=form).location == "/customers"


def test_a_sum_has_no_picture_and_serves_once(site: Site) -> None:
    page = site.get("/login?in_words=1")
    assert site.get(f"/login/captcha/{key_of(page)}.png").status_code == 404
    form = {"captcha_id": key_of(page), "captcha": captcha.answer(key_of(page)) or ""}
    assert "用户名或密码不正确" in send(site, **form, password="wrong").text
    assert WRONG_CAPTCHA in send(site, **form).text


@pytest.mark.parametrize(("number", "words"), [(2, "二"), (10, "十"), (15, "十五"), (20, "二十"), (47, "四十七")])
def test_numbers_are_asked_as_one_says_them(number: int, words: str) -> None:
    assert captcha.spoken(number) == words
    assert captcha.typed(f" {words} ") == str(number)


def test_a_wrong_captcha_counts_against_nobody(site: Site) -> None:
    for _ in range(6):
        send(site, captcha="0000")
    assert site.log_in().status_code == 302


@pytest.mark.parametrize("name", ["admin", "nobody"])
def test_five_failures_lock_a_name_that_exists_or_not(site: Site, name: str) -> None:
    lines = []
    for _ in range(6):
        unbrake(name)
        lines.append(re.search(r'class="summary".*?<h2>(.*?)</h2>', site.log_in(name, "wrong").text, re.DOTALL)[1])  # type: ignore[index]
    locked = "连续输错 5 次，已锁定，请 15 分钟后再登录；急用请找站长解锁。"
    assert lines[:2] == [WRONG_LOGIN] * 2
    assert lines[2:] == [f"用户名或密码不正确，再输错 {n} 次将锁定 15 分钟。" for n in (2, 1)] + [locked] * 2
    assert locked in site.log_in(name, PASSWORD).text
    assert 890 < redis().ttl(attempts.of_name(name).place) <= 900


def test_the_lock_says_how_long_it_still_lasts(site: Site) -> None:
    redis().set(attempts.of_name("admin").place, 5, ex=200)
    assert "请 4 分钟后再登录" in site.log_in().text
    redis().delete(attempts.of_name("admin").place)
    assert site.log_in().status_code == 302


def test_others_come_in_while_a_name_is_locked(app: Any, site: Site, neighbour: Any) -> None:
    redis().set(attempts.of_name("admin").place, 5, ex=200)
    with transaction():
        service.create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
    assert site.log_in("li").status_code == 302
    assert Site(app, neighbour).log_in().status_code == 302


def test_after_three_failures_one_waits_before_the_next(site: Site) -> None:
    for _ in range(3):
        site.log_in(password="wrong")
    assert re.search(r"输错次数较多，请等 [12] 秒再登录。", site.log_in().text)
    unbrake()
    assert site.log_in().status_code == 302


def test_whoever_comes_in_starts_afresh(site: Site) -> None:
    for _ in range(4):
        unbrake()
        site.log_in(password="wrong")
    unbrake()
    site.log_in()
    site.post("/logout")
    assert WRONG_LOGIN in site.log_in(password="wrong").text


def test_guesses_at_once_are_no_more_than_guesses_one_by_one(site: Site) -> None:
    """Each counts before its password is looked at."""
    here = "203.0.113.7"
    assert [attempts.begin("admin", here) for _ in range(5)] == [""] * 5
    assert "已锁定" in attempts.begin("admin", here)


def test_a_disabled_account_is_told_so_only_after_the_right_password(site: Site) -> None:
    with transaction():
        db.session.execute(update(StaffUser).values(active=False))
    assert "已停用" not in site.log_in(password="wrong").text
    assert "这个账号已停用，请联系站长。" in site.log_in().text


def test_an_address_that_fails_too_often_is_told_to_wait(site: Site) -> None:
    here = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    form = {"username": "x", "password": "x", "captcha_id": "none", "captcha": "1"}
    codes = [site.post("/login", data=form, **here).status_code for _ in range(62)]
    assert codes == [422] * 60 + [429] * 2
    assert re.search(r"操作太频繁，请 15 分钟后再试。", site.post("/login", data=form, **here).text)
    assert site.get("/login", **here).status_code == 200
    assert site.log_in().status_code == 302  # from elsewhere


def test_a_suspended_plant_says_so_instead(site: Site, plant: Tenant) -> None:
    set_plant(plant, state="suspended")
    for response in (site.get("/login"), site.post("/login", data={})):
        assert response.status_code == 503
        assert "本水厂的系统已暂停使用" in response.text
