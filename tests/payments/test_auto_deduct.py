"""自动扣费. 14 m³ cost 53.10 yuan, 10 m³ 33.50."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.payments.models import Payment
from app.payments.service.auto_deduct import Deducted, deduct_prepayments
from app.staff import settings
from tests.payments import counter

D = Decimal
pytestmark = pytest.mark.usefixtures("plant")


def deduct(day: str = "2026-11-01", customer_id: int | None = None) -> Deducted:
    with counter.on(day), transaction():
        return deduct_prepayments(on=date.fromisoformat(day), customer_id=customer_id)


def account(*volumes: int, credit: str = "0", auto: bool = True) -> tuple[int, list[int]]:
    customer, bills = counter.billed(*volumes, auto_deduct=auto)
    if D(credit):
        counter.put_in(customer, credit)
    return customer, bills


def test_enough_prepayment_settles_the_bill_and_keeps_the_rest() -> None:
    customer, _ = account(14, credit="100")
    assert deduct() == Deducted(1, D("53.10"))
    assert counter.owed(customer) == []
    assert counter.credit(customer) == D("46.90")
    payment = db.session.scalars(select(Payment).where(Payment.kind == "auto_deduct")).one()
    assert (payment.method, payment.settled, payment.credit_delta, payment.receipt_no) == (
        "prepaid", D("53.10"), D("-53.10"), None,
    )  # fmt: skip
    found = counter.books()
    assert (found["cash"], found["prepayment"]) == (D("100.00"), D("-46.90"))


def test_the_oldest_bill_is_paid_first_with_what_is_there() -> None:
    customer, (_, october) = account(10, 14, credit="40")
    assert deduct().amount == D("40.00")
    assert counter.owed(customer) == [(october, D("46.60"), D("0.000000"))]
    assert counter.credit(customer) == D("0.00")
    counter.books()


def test_only_in_full_leaves_a_bill_that_the_balance_cannot_pay_whole() -> None:
    with transaction():
        settings.put("deduct_policy", "only_in_full")
    customer, (_, october) = account(10, 14, credit="40")
    assert deduct().amount == D("33.50")
    assert counter.owed(customer) == [(october, D("53.10"), D("0.000000"))]
    assert counter.credit(customer) == D("6.50")


def test_an_account_without_the_switch_keeps_its_prepayment() -> None:
    customer, bills = account(14, credit="100", auto=False)
    assert deduct() == Deducted(0, D("0.00"))
    assert counter.credit(customer) == D("100.00")
    assert counter.owed(customer) == [(bills[0], D("53.10"), D("0.000000"))]


def test_deducting_again_takes_nothing_more() -> None:
    account(14, credit="40")
    deduct()
    assert deduct() == Deducted(0, D("0.00"))
    assert len(db.session.scalars(select(Payment).where(Payment.kind == "auto_deduct")).all()) == 1


def test_a_late_bill_pays_its_late_fee_first() -> None:
    """Ten days late: 0.27; 20.27 pays it and 20.00 of the bill."""
    customer, bills = account(14, credit="20.27")
    assert deduct("2026-12-05").amount == D("20.27")
    assert counter.owed(customer) == [(bills[0], D("33.10"), D("0.000000"))]
    assert counter.books()["late_fee"] == D("-0.27")


def test_for_one_account_the_others_are_left_alone() -> None:
    first, _ = account(14, credit="100")
    second, _ = account(10, credit="100")
    assert deduct(customer_id=second) == Deducted(1, D("33.50"))
    assert counter.credit(first) == D("100.00")
    assert counter.credit(second) == D("66.50")


def test_every_account_pays_its_own() -> None:
    accounts = [account(14, credit="100")[0], account(10, credit="10")[0], account(5, credit="0")[0]]
    assert deduct() == Deducted(2, D("63.10"))
    assert [counter.credit(one) for one in accounts] == [D("46.90"), D("0.00"), D("0.00")]
    assert counter.books()["receivable"] == D("39.25")  # 23.50 of the second, 15.75 of the third
