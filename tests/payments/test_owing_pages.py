"""水费线下缴费, 缴费 and 催缴通知单 through their pages. 14 m³ cost 53.10 yuan, 10 m³ 33.50."""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal
from typing import Any

from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select

from app.areas.models import Route
from app.billing.models import OpenItem
from app.customers.models import Customer
from app.db import db, transaction
from app.payments.models import Payment
from tests import factories as make
from tests.conftest import Site
from tests.payments import counter

D = Decimal


def rows(page: str) -> list[str]:
    """Each row of the list in plain words."""
    body = page.split("<tbody>")[1].split("</tbody>")[0] if "<tbody>" in page else ""
    return [re.sub(r"<[^>]+>|\s+", "", row) for row in re.findall(r"<tr>.*?</tr>", body, re.DOTALL)]


def test_the_list_says_who_owes_how_much_since_when_with_late_fee(client: Site) -> None:
    counter.billed(10, 14, customer_no="07000012", holder="刘文海")
    with transaction():
        make.customer(customer_no="07000013", holder="不欠费")
    with counter.on("2026-12-05"):
        page = client.get("/owing").text
    (only,) = rows(page)
    for words in ("07000012", "刘文海", "2026年9月", "¥86.60", "¥0.44", "¥87.04"):
        assert words in only
    assert re.findall(r"共 1 户[^<]*", page) == ["共 1 户 · 账单 2 · 水费合计 ¥86.60 · 违约金合计 ¥0.44"]


def test_the_list_is_the_same_whether_looked_up_or_summed_at_once(client: Site) -> None:
    counter.billed(10, 14, customer_no="07000012", route_seq=2)
    counter.billed(14, customer_no="07000013", route_seq=1)
    with transaction():  # a bill of which only the late fee is left
        mine = select(OpenItem).join(Customer, Customer.id == OpenItem.customer_id)
        item = db.session.scalars(mine.where(Customer.customer_no == "07000013")).one()
        item.unpaid, item.late_fee, item.accrued_to = D(0), D("1.20"), date(2026, 12, 5)
    with counter.on("2026-12-05"):
        along, summed = (client.get(f"/owing?sort={order}").text for order in ("-customer_no", "bills"))
        exported = client.get("/owing?export=xlsx").data
    assert rows(along) == rows(summed)
    assert [row[:8] for row in rows(along)] == ["07000013", "07000012"]
    total = "共 2 户 · 账单 3 · 水费合计 ¥86.60 · 违约金合计 ¥1.64"
    assert [re.findall(r"共 2 户[^<]*", page) for page in (along, summed)] == [[total], [total]]
    book = load_workbook(io.BytesIO(exported)).active
    assert sorted(row[0] for row in book.iter_rows(min_row=2, values_only=True)) == ["07000012", "07000013"]


def test_it_is_narrowed_by_book_reader_months_and_what_is_overdue(client: Site) -> None:
    with transaction():
        west = make.route("西街一册", "西街")
        reader = counter.staff("reader", name="李建国")
        db.session.get_one(Route, west.id).reader_id = reader
    counter.billed(10, 14, customer_no="07000012")
    counter.billed(14, customer_no="07000013", route_id=west.id)
    with counter.on("2026-11-20"):
        found = {
            query: sorted(row[:8] for row in rows(client.get(f"/owing?{query}").text))
            for query in (
                "months=1",
                "months=2",
                f"route={west.id}",
                f"reader={reader}",
                "tab=late",
                "tab=due",
                "q=07000012",
            )
        }
    one, two = "07000012", "07000013"
    assert found == {
        "months=1": [two],
        "months=2": [one],
        f"route={west.id}": [two],
        f"reader={reader}": [two],
        "tab=late": [],
        "tab=due": [one, two],
        "q=07000012": [one],
    }


def test_an_account_is_paid_on_its_own_page_and_goes_back_to_the_list(client: Site) -> None:
    customer, _ = counter.billed(14)
    with counter.on("2026-11-20"):
        page = client.get(f"/customers/{customer}/payments").text
        key = re.search(r'name="key"[^>]* value="(\w+)"', page)
        assert key
        form = {"key": key[1], "bills": re.findall(r'name="bills" [^>]*value="([^"]+)"', page), "method": "bank"}
        wrong = client.post(f"/customers/{customer}/payments", data=form | {"tendered": "60"})
        assert wrong.status_code == 422
        assert "不是现金不能找零" in wrong.text
        answers = [client.post(f"/customers/{customer}/payments", data=form | {"tendered": "53.10"}) for _ in range(2)]
        after = client.get(answers[0].location).text
    assert answers[0].location == answers[1].location
    assert 'href="/owing" data-hotkey="esc"' in after
    paid = db.session.scalars(select(Payment)).one()
    assert (paid.method, paid.received) == ("bank", D("53.10"))


def test_notices_are_a_page_each_with_months_late_fee_and_where_to_pay(client: Site) -> None:
    first, _ = counter.billed(10, 14, customer_no="07000012", holder="石泉镇人民政府机关后勤服务中心职工食堂")
    second, _ = counter.billed(14, customer_no="07000013")
    with transaction():
        settled = make.customer()
    with counter.on("2026-12-05"):
        answer = client.get(f"/owing/notices.pdf?id={first}&id={second}&id={settled.id}")
    pages = [re.sub(r"\s+", "", page.extract_text()) for page in PdfReader(io.BytesIO(answer.data)).pages]
    assert len(pages) == 2
    for words in (
        "催缴通知单",
        "职工食堂",
        "2026-09",
        "2026-10",
        "0.17",
        "人民币捌拾柒元零肆分",
        "到测试水厂收费窗口缴费",
    ):
        assert words in pages[0], words
    assert "07000013" in pages[1]


def test_notices_of_nobody_send_back_with_a_word(client: Site) -> None:
    answer = client.get("/owing/notices.pdf", follow_redirects=True)
    assert "还没有勾选用户" in answer.text
    assert "没有人欠费" in answer.text


def test_the_list_takes_few_queries(client: Site, count_queries: Any) -> None:
    for _ in range(3):
        counter.billed(10, 14)
    client.get("/owing")
    with count_queries() as seen:
        client.get("/owing")
    assert len(seen) <= 12, seen
