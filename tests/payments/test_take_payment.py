"""收费 and 充值. Amounts worked out by hand: 14 m³ cost 53.10, 10 m³ 33.50, 5 m³ 15.75."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.billing.models import OpenItem
from app.customers.models import Customer
from app.db import db, transaction
from app.errors import DomainError
from app.payments.models import Payment, Settlement
from app.payments.service.take_payment import top_up
from app.staff import settings
from tests.payments import counter

D = Decimal
pytestmark = pytest.mark.usefixtures("plant")


def policy(key: str, value: Any) -> None:
    with transaction():
        settings.put(key, value)


def settled(payment: Payment) -> list[tuple[int, Decimal, Decimal]]:
    rows = db.session.execute(
        select(Settlement.bill_id, Settlement.amount, Settlement.late_fee)
        .where(Settlement.payment_id == payment.id)
        .order_by(Settlement.bill_id)
    )
    return [tuple(row) for row in rows]


def lose(action: Callable[[], object]) -> None:
    """Do it, and lose the line before the commit."""
    with transaction():
        action()
        raise ConnectionError


def test_the_exact_sum_in_cash_settles_the_bill() -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-11-20"):
        payment = counter.pay(customer, bills, "53.10")
    assert (payment.tendered, payment.received, payment.settled, payment.late_fee) == (
        D("53.10"), D("53.10"), D("53.10"), D("0.00"),
    )  # fmt: skip
    assert settled(payment) == [(bills[0], D("53.10"), D("0.00"))]
    assert counter.owed(customer) == []
    found = counter.books()
    assert found["cash"] == D("53.10")
    assert "receivable" not in found


def test_change_is_given_back_and_does_not_stay_with_the_plant() -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-11-20"):
        payment = counter.pay(customer, bills, "60")
    assert (payment.tendered, payment.received, payment.credit_delta) == (D(60), D("53.10"), D("0.00"))
    assert counter.books()["cash"] == D("53.10")
    assert counter.credit(customer) == D("0.00")


def test_change_that_is_kept_becomes_prepayment() -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-11-20"):
        payment = counter.pay(customer, bills, "60", keep_change=True)
    assert (payment.received, payment.credit_delta) == (D("60.00"), D("6.90"))
    assert counter.credit(customer) == D("6.90")
    found = counter.books()
    assert (found["cash"], found["prepayment"]) == (D("60.00"), D("-6.90"))


def test_only_the_chosen_bills_are_settled() -> None:
    customer, (september, october) = counter.billed(10, 14)
    with counter.on("2026-11-20"):
        counter.pay(customer, [october], "53.10")
    assert counter.owed(customer) == [(september, D("33.50"), D("0.00"))]


def test_less_than_is_owed_pays_the_late_fee_first_and_the_oldest_bill_first() -> None:
    """On 12-05 both bills are 10 days late: 33.50 × 0.0005 × 10 = 0.1675 → 0.17, 53.10 × 0.005 = 0.2655 → 0.27."""
    customer, (september, october) = counter.billed(10, 14)
    with counter.on("2026-12-05"):
        payment = counter.pay(customer, [september, october], "40")
    # 40.00 − 0.17 − 33.50 = 6.33 for October: 0.27 of late fee, then 6.06.
    assert settled(payment) == [(september, D("33.50"), D("0.17")), (october, D("6.06"), D("0.27"))]
    assert counter.owed(customer) == [(october, D("47.04"), D("0.00"))]
    found = counter.books()
    assert (found["cash"], found["late_fee"], found["receivable"]) == (D("40.00"), D("-0.44"), D("47.04"))


def test_with_the_other_policy_the_principal_is_paid_first() -> None:
    policy("payment_order", "principal_first")
    customer, bills = counter.billed(14)
    with counter.on("2026-12-05"):
        payment = counter.pay(customer, bills, "53.20")
    assert settled(payment) == [(bills[0], D("53.10"), D("0.10"))]
    assert counter.owed(customer) == [(bills[0], D("0.00"), D("0.17"))]


def test_the_account_s_own_prepayment_pays_what_is_there() -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-11-20"):
        counter.put_in(customer, "30")
        payment = counter.pay(customer, bills, "0", method="prepaid")
    assert (payment.tendered, payment.received, payment.settled, payment.credit_delta) == (
        D("0.00"), D("0.00"), D("30.00"), D("-30.00"),
    )  # fmt: skip
    assert counter.owed(customer) == [(bills[0], D("23.10"), D("0.00"))]
    assert counter.credit(customer) == D("0.00")


@pytest.mark.parametrize(
    ("money", "values", "sentence"),
    [
        ("0", {}, "请填写实收金额"),
        ("-5", {}, "请填写实收金额"),
        ("60", {"method": "wechat"}, "不是现金不能找零"),
        ("53.10", {"method": "bitcoin"}, "请选择缴费方式"),
        ("53.10", {"method": "prepaid"}, "没有可用的预存余额"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_stores_nothing(money: str, values: dict[str, Any], sentence: str) -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-11-20"), pytest.raises(DomainError, match=sentence):
        counter.pay(customer, bills, money, **values)
    assert db.session.scalars(select(Payment)).all() == []
    assert counter.owed(customer) == [(bills[0], D("53.10"), D("0.00"))]


def test_a_payment_for_no_bill_is_refused() -> None:
    customer, _ = counter.billed(14)
    with pytest.raises(DomainError, match="已经结清"):
        counter.pay(customer, [], "53.10")


def test_a_settled_bill_cannot_be_paid_again() -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-11-20"):
        counter.pay(customer, bills, "53.10")
        with pytest.raises(DomainError, match="已经结清"):
            counter.pay(customer, bills, "53.10")


def test_another_account_s_bill_cannot_be_paid() -> None:
    _, bills = counter.billed(14)
    stranger, _ = counter.billed(5)
    with counter.on("2026-11-20"), pytest.raises(DomainError, match="已经结清"):
        counter.pay(stranger, bills, "53.10")


def test_a_closed_account_takes_no_money() -> None:
    customer, bills = counter.billed(14)
    with transaction():
        db.session.get_one(Customer, customer).state = "closed"
    with pytest.raises(DomainError, match="已经销户"):
        counter.pay(customer, bills, "53.10")
    with pytest.raises(DomainError, match="已经销户"):
        counter.put_in(customer, "10")


def test_a_top_up_moves_balance_and_ledger_together() -> None:
    customer, _ = counter.billed(14)
    with counter.on("2026-11-20"):
        payment = counter.put_in(customer, "100", method="alipay")
    assert (payment.kind, payment.received, payment.credit_delta) == ("top_up", D(100), D(100))
    assert counter.credit(customer) == D("100.00")
    found = counter.books()
    assert (found["alipay"], found["prepayment"]) == (D("100.00"), D("-100.00"))
    assert db.session.scalars(select(OpenItem.unpaid)).one() == D("53.10")


@pytest.mark.parametrize(("money", "method"), [("0", "cash"), ("-1", "cash"), ("10", "prepaid")])
def test_a_top_up_of_nothing_or_out_of_itself_is_refused(money: str, method: str) -> None:
    customer, _ = counter.billed(14)
    with pytest.raises(DomainError, match="充值金额"):
        counter.put_in(customer, money, method=method)


def test_receipts_are_numbered_without_gaps_through_failures_and_years() -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-12-30"):
        first = counter.put_in(customer, "10")
        with pytest.raises(ConnectionError):
            lose(lambda: top_up(customer, amount=D(10), method="cash", by_id=None))
        with pytest.raises(DomainError):
            counter.pay(customer, bills, "1000", method="wechat")
        second = counter.put_in(customer, "10")
    with counter.on("2027-01-02"):
        third = counter.put_in(customer, "10")
    numbers = [(one.receipt_year, one.receipt_no) for one in (first, second, third)]
    assert numbers == [(2026, 1), (2026, 2), (2027, 1)]
