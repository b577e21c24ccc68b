"""水费综合统计 (figures 10.1-1, 10.1-2). 14 m³ cost 53.10 yuan, 8 m³ 25.20."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from app.db import db, transaction
from app.ledger.models import LedgerEntry, Posting
from app.staff import service as staff
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter

D = Decimal


def rows(site: Site, **query: Any) -> dict[str, list[str]]:
    """The table by book: headings and cells as they are read; '' is the heading row."""
    page = site.get("/reports/summary", query_string=query).text

    def cells(row: str) -> list[str]:
        return [re.sub(r"<[^>]+>|\s+", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]

    table = page[page.index("<table") : page.index("</table>")] if "<table" in page else ""
    found = [cells(row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)]
    return {("" if number == 0 else row[0]): row for number, row in enumerate(found)} | {"page": [page]}


def column(found: dict[str, list[str]], book: str, heading: str) -> str:
    return found[book][found[""].index(heading)]


@pytest.fixture
def paid(plant: Tenant) -> dict[str, int]:
    """Two books with a reader each; both accounts pay in November, one in cash and one by 微信, and one tops up."""
    with transaction():
        make.tariff()
        li = staff.create_staff(username="li", password=PASSWORD, name="李建国", role="reader").id
        ma = staff.create_staff(username="ma", password=PASSWORD, name="马成林", role="reader").id
        east, west = make.route(), make.route("西街一册", "西街")
        east.reader_id, west.reader_id = li, ma
        ids = {"east": east.id, "west": west.id, "li": li, "ma": ma}
    first, first_bills = counter.billed(14, route_id=ids["east"])
    second, second_bills = counter.billed(8, route_id=ids["west"])
    with counter.on("2026-11-10"):
        counter.pay(first, first_bills, "60")
        counter.pay(second, second_bills, "25.20", method="wechat")
        counter.put_in(first, "40", method="alipay")
    return ids


def test_sums_by_book_and_method_with_a_total(client: Site, paid: dict[str, int]) -> None:
    with counter.on("2026-11-15"):
        found = rows(client)
    for book, heading, amount in (
        ("东街一册李建国", "账单", "1"),
        ("东街一册李建国", "用水量m³", "14"),
        ("东街一册李建国", "应收", "¥53.10"),
        ("东街一册李建国", "笔数", "2"),
        ("东街一册李建国", "现金", "¥53.10"),
        ("东街一册李建国", "支付宝", "¥40.00"),
        ("东街一册李建国", "预存变动", "¥40.00"),
        ("西街一册马成林", "现金", "—"),
        ("西街一册马成林", "微信", "¥25.20"),
        ("合计", "应收", "¥78.30"),
        ("合计", "现金", "¥53.10"),
        ("合计", "微信", "¥25.20"),
    ):
        assert column(found, book, heading) == amount, (book, heading)
    assert "与总账一致" in found["page"][0]


def test_the_days_are_both_included_and_may_be_given_either_way_round(client: Site, paid: dict[str, int]) -> None:
    for since, until in (("2026-11-10", "2026-11-10"), ("2026-11-12", "2026-11-10")):
        found = rows(client, since=since, until=until)
        assert column(found, "合计", "现金") == "¥53.10"
        assert column(found, "合计", "应收") == "—"  # issued on the 1st
    assert column(rows(client, since="2026-11-11", until="2026-11-30"), "合计", "现金") == "—"


def test_a_reader_s_books_alone(client: Site, paid: dict[str, int]) -> None:
    found = rows(client, since="2026-11-01", until="2026-11-30", reader=paid["ma"])
    assert list(found) == ["", "西街一册马成林", "合计", "page"]
    assert column(found, "合计", "微信") == "¥25.20"
    assert "与总账一致" in found["page"][0]


def test_one_book_alone(client: Site, paid: dict[str, int]) -> None:
    found = rows(client, since="2026-11-01", until="2026-11-30", route=paid["east"])
    assert list(found) == ["", "东街一册李建国", "合计", "page"]
    assert "与总账一致" in found["page"][0]


def test_one_way_of_paying_alone(client: Site, paid: dict[str, int]) -> None:
    found = rows(client, since="2026-11-01", until="2026-11-30", method="wechat")
    assert "现金" not in found[""]
    assert column(found, "合计", "微信") == "¥25.20"
    assert column(found, "合计", "应收") == "¥78.30"
    assert "与总账一致" in found["page"][0]


def test_nonsense_in_the_address_is_passed_over(client: Site, paid: dict[str, int]) -> None:
    answer = client.get("/reports/summary?since=x&until=2026-99-99&method=gold&route=x&reader=0x1")
    assert answer.status_code == 200


def test_a_difference_from_the_ledger_is_not_hidden(client: Site, paid: dict[str, int]) -> None:
    with transaction():
        entry = LedgerEntry(business_date=counter.date(2026, 11, 9), kind="payment", at=make.clock.now())
        db.session.add(entry)
        db.session.flush()
        db.session.add(Posting(entry_id=entry.id, account="cash", route_id=paid["east"], amount=D("1.00")))
        db.session.add(Posting(entry_id=entry.id, account="receivable", route_id=paid["east"], amount=D("-1.00")))
    page = rows(client, since="2026-11-01", until="2026-11-30")["page"][0]
    assert "与总账不一致" in page
    assert "实收现金报表 ¥53.10、总账 ¥54.10" in page


def test_reports_take_few_queries(client: Site, paid: dict[str, int], count_queries: Any) -> None:
    client.get("/reports/summary")
    for path in ("/reports/summary", "/reports/summary?method=cash", "/reports/monthly"):
        with count_queries() as seen:
            client.get(path)
        assert len(seen) <= 12, seen


def test_a_reader_sees_no_reports(site: Site, paid: dict[str, int]) -> None:
    site.log_in("li")
    for path in ("/reports/summary", "/reports/monthly", "/reports/monthly.pdf", "/reports/monthly.xlsx"):
        assert site.get(path).status_code == 403


def test_many_books_are_turned_over_and_the_total_is_of_all(client: Site, paid: dict[str, int]) -> None:
    with transaction():
        for number in range(60):
            make.route(f"{number:02d}册", "新区")
    query = {"since": "2026-11-01", "until": "2026-11-30"}
    first, second = rows(client, **query), rows(client, **query, page=2)
    assert (len(first), len(second)) == (53, 15)  # 50 and 12 books, headings, total, page
    for found in (first, second):
        assert column(found, "合计62册", "现金") == "¥53.10"
    assert column(first, "东街一册李建国", "现金") == "¥53.10"
    assert "东街一册李建国" not in second
    for path, some, all_ in (
        ("/reports/monthly?period=2026-11", 50, 62),
        ("/reports/monthly?period=2026-11&page=9", 12, 62),
    ):
        page = client.get(path).text
        assert page.count('<td class="wrap m-book">') == some
        assert f"共 {all_} 册" in page
        assert "data-print-page" not in page  # the screen has not all of it: the PDF has
    book = load_workbook(io.BytesIO(client.get("/reports/monthly.xlsx?period=2026-11").data))
    assert book["分册"].max_row == 3 + 62 + 1
