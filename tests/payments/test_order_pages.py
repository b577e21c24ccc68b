"""水费缴费订单管理, 冲红, 退预存 and 减免 through their pages. 14 m³ cost 53.10 yuan."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db import db, transaction
from app.payments.models import Payment
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.reverse_payment import standing_in_the_way
from app.staff import service as staff
from tests.conftest import PASSWORD, Site
from tests.payments import counter
from tests.payments.test_owing_pages import rows

D = Decimal


def form_of(client: Site, path: str) -> dict[str, str]:
    """The hidden fields of a form's page."""
    page = client.get(path).text
    return {
        name: found[1]
        for name in ("key", "chain")
        if (found := re.search(rf'name="{name}"[^>]* value="([\w,]*)"', page))
    }


def movements() -> list[tuple[str, Decimal]]:
    db.session.rollback()
    return [(one.kind, one.credit_delta) for one in db.session.scalars(select(Payment).order_by(Payment.id)).all()]


def test_all_orders_are_listed_and_found_by_receipt_number_method_and_day(client: Site) -> None:
    customer, bills = counter.billed(14, customer_no="07000012")
    with counter.on("2026-11-20"):
        counter.pay(customer, bills, "53.10", by_id=1)
    with counter.on("2026-11-21"):
        counter.put_in(customer, "20", method="wechat")
    page = client.get("/orders").text
    assert len(rows(page)) == 2
    assert "共 2 笔 · 实收合计 ¥73.10 · 其中水费 ¥53.10" in page
    assert "2026-000002" in rows(page)[0]
    for query, number in (
        ("q=2026-000001", "2026-000001"),
        ("q=2026-2", "2026-000002"),
        ("method=wechat", "2026-000002"),
        ("cashier=1", "2026-000001"),
        ("on_from=2026-11-21", "2026-000002"),
        ("tab=top_up", "2026-000002"),
    ):
        (only,) = rows(client.get(f"/orders?{query}").text)
        assert only.startswith(number), query


def test_what_is_not_paid_is_a_list_of_bills(client: Site) -> None:
    customer, bills = counter.billed(10, 14)
    with counter.on("2026-11-20"):  # before it is late
        counter.pay(customer, bills[:1], "33.50")
    (only,) = rows(client.get("/orders?state=unpaid").text)
    assert only.startswith("2026年10月")
    assert "¥53.10" in only


def test_an_order_explains_its_money(client: Site) -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-12-05"):
        payment = counter.pay(customer, bills, "100", keep_change=True, by_id=1)
        client.get(f"/payments/{payment.id}/receipt.pdf")
        page = re.sub(r"<[^>]+>|\s+", "", client.get(f"/orders/{payment.id}").text)
    for words in (
        "¥100.00=水费¥53.10+违约金¥0.27+预存¥46.63",
        "2026年10月¥53.10¥53.10¥0.27",
        "现金¥100.00",
        "应收水费¥53.10",
        "打印收据（第1次）",
    ):
        assert words in page, words
    assert client.get("/orders/99999").status_code == 404


def test_a_top_up_that_was_used_goes_back_with_what_used_it(client: Site) -> None:
    customer, bills = counter.billed(14, auto_deduct=True)
    with counter.on("2026-11-20"):
        first = counter.put_in(customer, "60")
        with transaction():
            deduct_prepayments(on=first.business_date, customer_id=customer)
        (used,) = standing_in_the_way(first.id)
        assert used.kind == "auto_deduct"
        path = f"/orders/{first.id}/reversal"
        form = form_of(client, path)
        assert form["chain"] == str(used.id)
        assert "下面 1 笔会一起冲红" in client.get(path).text
        answers = [client.post(path, data=form | {"reason": "收错了户"}) for _ in range(2)]
    assert [answer.location for answer in answers] == [f"/orders/{first.id}"] * 2
    assert movements() == [
        ("top_up", D("60.00")),
        ("auto_deduct", D("-53.10")),
        ("reversal", D("53.10")),
        ("reversal", D("-60.00")),
    ]
    assert [(bill, unpaid) for bill, unpaid, _ in counter.owed(customer)] == [(bills[0], D("53.10"))]
    counter.books()


def test_what_used_it_after_the_page_was_shown_is_not_taken_back_unseen(client: Site) -> None:
    customer, bills = counter.billed(14)
    first = counter.put_in(customer, "60")
    form = form_of(client, f"/orders/{first.id}/reversal")
    counter.pay(customer, bills, "0", method="prepaid")
    answer = client.post(f"/orders/{first.id}/reversal", data=form | {"reason": "收错了户"})
    assert answer.status_code == 422
    assert "又有新的使用" in answer.text
    assert [kind for kind, _ in movements()] == ["top_up", "payment"]


def test_only_as_much_as_is_in_the_way_goes_back(client: Site) -> None:
    customer, bills = counter.billed(10, 14)
    with counter.on("2026-11-20"):
        first = counter.put_in(customer, "60")
        counter.pay(customer, bills[:1], "0", method="prepaid")
        counter.put_in(customer, "30")
        later = counter.pay(customer, bills[1:], "0", method="prepaid")
    assert [one.id for one in standing_in_the_way(first.id)] == [later.id, later.id - 2]


def test_an_order_is_reversed_once_and_asks_why(client: Site) -> None:
    customer, bills = counter.billed(14)
    payment = counter.pay(customer, bills, "53.10")
    path = f"/orders/{payment.id}/reversal"
    assert "请填写冲红原因" in client.post(path, data=form_of(client, path)).text
    assert client.post(path, data=form_of(client, path) | {"reason": "收错了"}).status_code == 302
    again = client.post(path, data=form_of(client, path) | {"reason": "收错了"})
    assert again.status_code == 422
    assert "已经冲红过" in again.text
    page = client.get(f"/orders/{payment.id}").text
    assert "原因：收错了" in page
    assert f'href="{path}"' not in page
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 2


def test_prepayment_is_given_back_with_a_reason_once(client: Site) -> None:
    customer, _ = counter.billed(14)
    counter.put_in(customer, "60")
    path = f"/customers/{customer}/refunds"
    form = form_of(client, path) | {"amount": "20", "method": "cash", "reason": "搬家"}
    answers = [client.post(path, data=form) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert "退还预存" in client.get(answers[0].location.replace("orders", "payments") + "/receipt").text
    assert counter.credit(customer) == D("40.00")
    too_much = client.post(path, data=form_of(client, path) | {"amount": "41", "method": "cash", "reason": "搬家"})
    assert too_much.status_code == 422
    assert "不能退 ¥41.00" in too_much.text


def test_late_fees_are_let_off_by_bill_with_reason_and_approver(client: Site) -> None:
    customer, (first, second) = counter.billed(10, 14)
    with counter.on("2026-12-05"):
        path = f"/customers/{customer}/waivers"
        form = form_of(client, path) | {f"fee-{first}": "0.17", f"fee-{second}": "", "approved_by": "1"}
        assert "请填写减免原因" in client.post(path, data=form).text
        wrong = client.post(path, data=form | {f"fee-{first}": "9", "reason": "孤寡老人"})
        assert wrong.status_code == 422
        assert "不能减免 ¥9.00" in wrong.text
        assert client.post(path, data=form_of(client, path) | form | {"reason": "孤寡老人"}).status_code == 302
        assert [fee for _, _, fee in counter.owed(customer)] == [D("0.00"), D("0.27")]


@pytest.mark.parametrize("path", ["/orders/1/reversal", "/customers/1/refunds", "/customers/1/waivers"])
def test_a_cashier_sees_orders_but_corrects_nothing(site: Site, path: str) -> None:
    with transaction():
        cashier = staff.create_staff(username="wf", password=PASSWORD, name="王芳", role="cashier").id
    counter.put_in(counter.billed(14)[0], "10", by_id=cashier)
    site.log_in("wf")
    page = site.get("/orders").text
    assert "查看" in page
    assert "/reversal" not in page
    assert site.get(path).status_code == 403
    assert site.post(path).status_code == 403


def test_the_list_takes_few_queries(client: Site, count_queries: Any) -> None:
    customer, bills = counter.billed(10, 14)
    counter.pay(customer, bills, "86.60")
    client.get("/orders")
    for path in ("/orders", "/orders?state=unpaid", "/orders/1"):
        with count_queries() as seen:
            client.get(path)
        assert len(seen) <= 12, seen
