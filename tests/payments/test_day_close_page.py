"""日结 through its page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.payments.models import DayClose
from app.staff import service as staff
from tests.conftest import PASSWORD, Site
from tests.payments import counter

NONE = {"counted_wechat": "0", "counted_alipay": "0", "counted_bank": "0", "note": ""}


@pytest.fixture
def cashier(site: Site) -> int:
    """王芳, logged in, with ¥100 in her drawer on 2026-11-20."""
    customer, _ = counter.billed(14)
    with transaction():
        who = staff.create_staff(username="wf", password=PASSWORD, name="王芳", role="cashier").id
    with counter.on("2026-11-20"):
        counter.put_in(customer, "100", by_id=who)
    site.log_in("wf")
    return who


def words(page: str) -> str:
    return re.sub(r"<[^>]+>|\s+", "", page)


def test_the_day_is_counted_and_locked(site: Site, cashier: int) -> None:
    with counter.on("2026-11-20"):
        page = site.get("/day-close").text
        assert "现金1¥100.00" in words(page)
        done = site.post("/day-close", data=NONE | {"counted_cash": "100"}, follow_redirects=True)
    assert "日结成功" in done.text
    assert "已锁定" in done.text
    close = db.session.scalars(select(DayClose)).one()
    assert (close.cashier_id, close.counted["cash"]) == (cashier, "100.00")


def test_a_difference_needs_a_word_and_keeps_it(site: Site, cashier: int) -> None:
    with counter.on("2026-11-20"):
        asked = site.post("/day-close", data=NONE | {"counted_cash": "99.50"})
        assert asked.status_code == 422
        assert "请在说明里写清原因" in asked.text
        assert 'value="99.50"' in asked.text
        done = site.post("/day-close", data=NONE | {"counted_cash": "99.50", "note": "少找了零"}, follow_redirects=True)
        assert "-¥0.50" in done.text
        assert "说明：少找了零" in done.text
        assert "说明：少找了零" in site.get("/day-close/sheet").text


@pytest.mark.parametrize(("typed", "sentence"), [("", "请输入金额。"), ("abc", "金额只能是数字"), ("-1", "不小于 0")])
def test_what_cannot_be_counted_is_refused(site: Site, cashier: int, typed: str, sentence: str) -> None:
    with counter.on("2026-11-20"):
        answer = site.post("/day-close", data=NONE | {"counted_cash": typed, "note": "?"})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert db.session.scalars(select(DayClose)).all() == []


def test_a_cashier_sees_only_her_own_drawer(site: Site, cashier: int) -> None:
    assert site.get("/day-close?cashier=1").status_code == 403
    assert site.post("/day-close?cashier=1", data=NONE).status_code == 403
    assert "全站收款" not in site.get("/day-close").text


def test_the_accountant_sees_all_drawers_and_days_that_nobody_closed(site: Site, cashier: int) -> None:
    with transaction():
        staff.create_staff(username="cw", password=PASSWORD, name="赵敏", role="accountant")
    site.post("/logout")
    site.log_in("cw")
    with counter.on("2026-11-21"):
        page = site.get("/day-close?day=2026-11-20").text
        assert "全站收款" in page
        assert "王芳1¥100.00" in words(page)
        assert "2026-11-20" in site.get(f"/day-close?cashier={cashier}").text
        done = site.post(f"/day-close?day=2026-11-20&cashier={cashier}", data=NONE | {"counted_cash": "100"})
    assert done.status_code == 302
    assert db.session.scalars(select(DayClose.cashier_id)).all() == [cashier]


def test_the_sheet_lists_the_day_s_movements(site: Site, cashier: int) -> None:
    page = words(site.get("/day-close/sheet?day=2026-11-20").text)
    assert "收费日结单" in page
    assert "2026-000001" in page
    assert "这一天没有收款" in words(site.get("/day-close/sheet?day=2026-11-19").text)


def test_the_page_takes_few_queries(site: Site, cashier: int, count_queries: Any) -> None:
    site.get("/day-close?day=2026-11-20")
    with count_queries() as seen:
        site.get("/day-close?day=2026-11-20")
    assert len(seen) <= 12, seen
