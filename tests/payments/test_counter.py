"""前台收费 through its pages: figures 9.1-3, 9.1-4, 9.3-1 and 7.1-6. 14 m³ cost 53.10 yuan."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app.billing.models import Bill
from app.customers.models import Customer
from app.db import db, transaction
from app.payments.models import Payment
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter

D = Decimal
NO = "07000012"


class Desk:
    """A cashier who reads the page and fills its form."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.form: dict[str, Any] = {}
        self.page = ""

    def query(self, text: str) -> str:
        """「缴费查询」."""
        self.page = self.site.get("/counter", query_string={"q": text}).text
        self._read()
        return self.page

    def _read(self) -> None:
        def value(pattern: str) -> str:
            found = re.search(pattern, self.page)
            return found[1] if found else ""

        self.form = {
            "key": value(r'name="key"[^>]* value="(\w+)"'),
            "customer_id": value(r'name="customer_id" value="(\d+)"'),
            "bills": re.findall(r'name="bills" [^>]*value="([^"]+)"', self.page),
            "method": "cash",
            "tendered": value(r'name="tendered" value="([^"]*)"'),
        }

    def pay(self, **changes: Any) -> Any:
        """「确认收费」."""
        return self.site.post("/counter/payments", data=self.form | changes)


@pytest.fixture
def desk(client: Site) -> Desk:
    return Desk(client)


def payments() -> list[Payment]:
    db.session.rollback()
    return list(db.session.scalars(select(Payment).order_by(Payment.id)))


def test_the_house_number_opens_the_account_with_all_bills_ticked_and_the_sum_ready(desk: Desk) -> None:
    counter.billed(10, 14, customer_no=NO, holder="刘文海", holder_initials="lwh")
    with counter.on("2026-11-20"):
        page = desk.query(NO)
    assert "刘文海" in page
    assert [text.split(":")[1] for text in desk.form["bills"]] == ["33.50", "53.10"]
    assert len(re.findall(r'name="bills"[^>]* checked', page)) == 2
    assert desk.form["tendered"] == "86.60"
    assert "¥86.60" in page
    for key in ("F2", "F9", "Esc"):
        assert f"<kbd>{key}</kbd>" in page


def test_a_bill_says_why_it_is_what_it_is(desk: Desk) -> None:
    counter.billed(14, customer_no=NO)
    with counter.on("2026-12-05"):
        page = re.sub(r"<[^>]+>|\s+", "", desk.query(NO))
    assert (
        "2026年10月14m³＝8×¥2.00＋5×¥3.00＋1×¥6.00＝¥37.00水费＋14×¥0.95＝¥13.30污水处理费＋14×¥0.20＝¥2.80水资源税＝¥53.10"
        in page
    )
    assert "违约金¥0.27：2026-11-25以前应缴，到今天过了10天，每天0.05%" in page


@pytest.mark.parametrize("text", ["刘文海", "lwh", "13912345678", "东街 8 号", "SQ99"])
def test_one_hit_by_name_initials_phone_address_or_meter_opens_at_once(desk: Desk, text: str) -> None:
    customer, _ = counter.billed(14, customer_no=NO, holder="刘文海", phone="13912345678", address="东街 8 号")
    with transaction():
        make.binding(db.session.get_one(Customer, customer), meter_id=make.meter(meter_no="SQ99").id)
        make.customer(holder="马秀英", holder_initials="mxy", phone="", address="")
    assert "确认收费" in desk.query(text)
    assert desk.form["customer_id"] == str(customer)


def test_several_hits_are_offered_and_none_is_said_so(desk: Desk) -> None:
    with transaction():
        for number in range(10):
            make.customer(customer_no=f"0800000{number}", holder="刘文海")
    page = desk.query("刘文海")
    assert page.count("desk-pick") == 8
    assert "只列出前 8 户" in page
    assert "没有找到「赵六」" in desk.query("赵六")


def test_an_exact_number_wins_over_those_that_contain_it(desk: Desk) -> None:
    counter.billed(14, customer_no="0700001")
    counter.billed(14, customer_no="07000012")
    desk.query("0700001")
    assert desk.form["customer_id"]
    assert "0700001 /" in desk.page


def test_nothing_owed_says_so(desk: Desk) -> None:
    with transaction():
        make.customer(customer_no=NO)
    page = desk.query(NO)
    assert "没有欠费" in page
    assert "确认收费</button>" not in page


def test_query_and_pay_settle_and_show_change_and_the_question_of_printing(desk: Desk) -> None:
    customer, _ = counter.billed(14, customer_no=NO)
    with counter.on("2026-11-20"):
        desk.query(NO)
        answer = desk.pay(tendered="60")
        page = desk.site.get(answer.location).text
    assert answer.status_code == 302
    for words in ("收费成功", "是否打印收据", "现在打印收据", "¥6.90", "2026-000001"):
        assert words in page
    assert re.search(r'id="desk-q" value=""[^>]*autofocus', page)
    assert counter.owed(customer) == []
    assert counter.books()["cash"] == D("53.10")


def test_an_empty_query_after_a_payment_prints_its_receipt(desk: Desk) -> None:
    counter.billed(14, customer_no=NO)
    desk.query(NO)
    paid = desk.pay().location
    number = paid.rsplit("/", 1)[1]
    assert f'name="receipt" value="{number}"' in desk.site.get(paid).text
    assert desk.site.get(f"/counter?q=&receipt={number}").location == f"/payments/{number}/receipt.pdf"


def test_the_same_form_sent_twice_charges_once(desk: Desk) -> None:
    counter.billed(14, customer_no=NO)
    desk.query(NO)
    first, second = desk.pay(), desk.pay()
    assert first.location == second.location
    assert len(payments()) == 1


def test_the_same_form_with_another_amount_is_refused(desk: Desk) -> None:
    counter.billed(10, 14, customer_no=NO)
    desk.query(NO)
    desk.pay(bills=desk.form["bills"][:1], tendered="33.50")
    again = desk.pay(bills=desk.form["bills"][1:], tendered="53.10")
    assert again.status_code == 422
    assert "内容却不一样" in again.text
    assert len(payments()) == 1


def test_only_the_ticked_bills_are_charged(desk: Desk) -> None:
    customer, (september, _) = counter.billed(10, 14, customer_no=NO)
    with counter.on("2026-11-20"):
        desk.query(NO)
        desk.pay(bills=desk.form["bills"][1:], tendered="53.10")
    assert counter.owed(customer) == [(september, D("33.50"), D("0.00"))]


def test_change_goes_to_prepayment_when_asked(desk: Desk) -> None:
    customer, _ = counter.billed(14, customer_no=NO)
    desk.query(NO)
    desk.pay(tendered="100", keep_change="y")
    assert counter.credit(customer) == D("46.90")


def test_the_account_s_prepayment_pays(desk: Desk) -> None:
    customer, _ = counter.billed(14, customer_no=NO)
    counter.put_in(customer, "60")
    desk.query(NO)
    assert desk.pay(method="prepaid", tendered="").status_code == 302
    assert counter.credit(customer) == D("6.90")
    assert counter.owed(customer) == []


def test_part_payment_is_taken_once_the_cashier_is_sure(desk: Desk) -> None:
    customer, bills = counter.billed(14, customer_no=NO)
    with counter.on("2026-11-20"):
        desk.query(NO)
        asked = desk.pay(tendered="20")
        assert asked.status_code == 422
        assert "实收 ¥20.00 比应收 ¥53.10 少 ¥33.10" in asked.text
        assert 'name="sure" value="20.00"' in asked.text
        assert payments() == []
        assert desk.pay(tendered="20", sure="20.00").status_code == 302
    assert counter.owed(customer) == [(bills[0], D("33.10"), D("0.00"))]


def test_being_sure_of_one_amount_says_nothing_of_another(desk: Desk) -> None:
    counter.billed(14, customer_no=NO)
    desk.query(NO)
    assert desk.pay(tendered="2", sure="20.00").status_code == 422
    assert payments() == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tendered": ""}, "请输入金额。"),
        ({"tendered": "abc"}, "金额只能是数字，例如 42.00。"),
        ({"tendered": "53.105"}, "金额最多到分，即两位小数。"),
        ({"tendered": "0"}, "请填写实收金额。"),
        ({"tendered": "-53.10"}, "金额只能是数字"),
        ({"tendered": "07000012"}, "要找零 ¥6,999,958.90，实收是不是多打了数字？"),
        ({"tendered": "20000", "keep_change": "y"}, "要转入预存 ¥19,946.90，金额很大。"),
        ({"tendered": "60", "method": "wechat"}, "不是现金不能找零"),
        ({"method": ""}, "请选择缴费方式。"),
        ({"method": "prepaid"}, "没有可用的预存余额"),
        ({"bills": []}, "请至少勾选一张账单。"),
        ({"bills": ["nonsense", "1:x", "x:1.00", "²:1.00"]}, "请至少勾选一张账单。"),
        ({"key": ""}, "请刷新"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(desk: Desk, changes: dict[str, Any], sentence: str) -> None:
    counter.billed(14, customer_no=NO)
    with counter.on("2026-11-20"):
        desk.query(NO)
        answer = desk.pay(**changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    sent = desk.form | changes
    assert f'name="tendered" value="{sent["tendered"]}"' in answer.text
    assert payments() == []


def test_a_bill_that_somebody_else_has_paid_meanwhile_is_not_charged_again(desk: Desk) -> None:
    customer, (september, _) = counter.billed(10, 14, customer_no=NO)
    with counter.on("2026-11-20"):
        desk.query(NO)
        counter.pay(customer, [september], "33.50")
        answer = desk.pay()
    assert answer.status_code == 422
    assert "由 ¥86.60 变为 ¥53.10" in answer.text
    assert len(payments()) == 1


def test_without_javascript_the_server_adds_up_what_is_ticked(desk: Desk) -> None:
    counter.billed(10, 14, customer_no=NO)
    with counter.on("2026-11-20"):
        desk.query(NO)
        answer = desk.pay(bills=desk.form["bills"][:1], recalculate="1")
    assert answer.status_code == 200
    assert "¥33.50</output>" in answer.text
    assert 'name="tendered" value="33.50"' in answer.text
    assert payments() == []


def test_a_top_up_is_stored_once_and_pays_what_is_owed_where_the_switch_is_on(desk: Desk) -> None:
    customer, _ = counter.billed(14, customer_no=NO, auto_deduct=True)
    with counter.on("2026-11-20"):
        desk.page = desk.site.get(f"/customers/{customer}/top-ups").text
        desk._read()
        form = {"key": desk.form["key"], "method": "wechat", "amount": "100"}
        answers = [desk.site.post(f"/customers/{customer}/top-ups", data=form) for _ in range(2)]
        page = desk.site.get(answers[0].location).text
    assert answers[0].location == answers[1].location
    assert [(one.kind, one.credit_delta) for one in payments()] == [("top_up", D(100)), ("auto_deduct", D("-53.10"))]
    assert "自动扣费 ¥53.10" in page
    assert counter.credit(customer) == D("46.90")
    counter.books()


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [("", "请输入金额。"), ("0", "请填写大于 0 的充值金额。"), ("70000012", "要充值 ¥70,000,012.00，金额很大。")],
)
def test_a_wrong_top_up_is_refused(client: Site, amount: str, sentence: str) -> None:
    customer, _ = counter.billed(14)
    form = {"key": "0123456789abcdef", "method": "cash", "amount": amount}
    answer = client.post(f"/customers/{customer}/top-ups", data=form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'name="amount" value="{amount}"' in answer.text
    assert payments() == []


def test_a_reader_may_not_take_money(site: Site) -> None:
    from app.staff import service

    customer, _ = counter.billed(14)
    with transaction():
        service.create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
    site.log_in("li")
    for answer in (
        site.get("/counter"),
        site.post("/counter/payments"),
        site.get(f"/customers/{customer}/top-ups"),
        site.post(f"/customers/{customer}/top-ups"),
    ):
        assert answer.status_code == 403


def test_opening_an_account_takes_few_queries(desk: Desk, count_queries: Any) -> None:
    counter.billed(5, 5, 5, 5, 10, 14, customer_no=NO)
    desk.query(NO)
    with count_queries() as seen:
        desk.query(NO)
    assert db.session.scalar(select(func.count()).select_from(Bill)) == 6
    assert len(seen) <= 8, seen
