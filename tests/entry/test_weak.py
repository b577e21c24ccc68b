"""New passwords: long enough, and nothing that a guess would find; symbols are nobody's business."""

from __future__ import annotations

import random
import re

import pytest
from flask.testing import FlaskClient

from tenants.entry import weak
from tests.conftest import PASSWORD, Site
from tests.tenants.conftest import BASE

GUESSED = [
    "12345678", "87654321", "1234567890", "11111111", "12121212", "abcabcabc", "qwertyui", "1qaz2wsx", "qazwsxedc",
    "asdf1234", "password", "Password1", "p@ssw0rd", "PASS-word-123", "admin123", "Admin@2026", "iloveyou520", "a1234567",
    "woaini1314", "WoAiNi_520", "5201314a", "1314woaini", "mima1234", "zhangsan888", "shuichang2026", "gongshuizhan1",
    "19851012", "wl19851012", "zhang19900101", "13800001234", "lj13800001234", "１２３４５６７８", "123123123", "88888888a",
]  # fmt: skip
FINE = [
    "another-password-2",
    "柳树发芽下雨了呀",
    "kx7mtp2q",
    "hongshu tudou",
    "xiangjiao4271",
    "three-blue-pails",
    "zxmvnbal",
]
ABOUT = ("liming", "李明", "13912345678", "shiquan", "石泉镇供水站")


@pytest.mark.parametrize("password", GUESSED)
def test_what_everybody_thinks_of_is_refused(password: str) -> None:
    assert weak.why_not(password) == weak.COMMON


@pytest.mark.parametrize("password", FINE)
def test_what_nobody_guesses_is_taken_without_symbols_too(password: str) -> None:
    assert weak.why_not(password, about=ABOUT) == ""


@pytest.mark.parametrize(
    "password", ["liming123", "LiMing2026", "shiquan8888", "石泉镇供水站12", "139-1234-5678", "1234liming"]
)
def test_what_others_know_of_the_person_is_refused(password: str) -> None:
    assert weak.why_not(password, about=ABOUT) in (weak.PERSONAL, weak.COMMON)
    assert weak.why_not("liming123", about=ABOUT) == weak.PERSONAL


@pytest.mark.parametrize(("length", "refused"), [(7, True), (8, False), (200, False), (201, True)])
def test_the_length_is_what_counts(length: int, refused: bool) -> None:
    dice = random.Random(2026)
    assert bool(weak.why_not("".join(dice.choice("kxmtpqvz") for _ in range(length)))) == refused


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("1234567", "新密码至少 8 位"),
        ("woaini1314", "太常见"),
        ("admin-2026", "不能用用户名"),
        ("{slug}2026", "不能用"),
    ],
)
def test_staff_are_told_so_beside_the_field(client: Site, new: str, said: str) -> None:
    new = new.format(slug=client.base.removeprefix("http://").partition(".")[0] + "-")
    answer = client.post("/me/password", data={"old": PASSWORD, "new": new, "again": new})
    assert answer.status_code == 422
    assert re.search(rf'id="new-error".*?{said}', answer.text, re.DOTALL)
    client.post("/logout")
    assert client.log_in(password=PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("new", "said"), [("kx7mtp2q9", "新密码至少 10 位"), ("woaini1314", "太常见"), ("opener2026", "不能用用户名")]
)
def test_operators_are_told_so_beside_the_field(console: FlaskClient, new: str, said: str) -> None:
    answer = console.post("/console/password", data={"old": PASSWORD, "new": new, "again": new}, base_url=BASE)
    assert answer.status_code == 422
    assert re.search(rf'id="new-error".*?{said}', answer.text, re.DOTALL)
