"""退款 and 减免."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.audit import AuditEntry
from app.db import db, transaction
from app.errors import DomainError
from app.payments.models import Payment, Settlement
from app.payments.service.day_close import close_day
from app.payments.service.refund import refund_credit
from app.payments.service.reverse_payment import reverse_payment
from app.payments.service.waive import waive_late_fee, waive_principal
from tenants.context import Tenant
from tests.payments import counter

D = Decimal
pytestmark = pytest.mark.usefixtures("plant")


def refund(customer: int, money: str, **values: Any) -> Payment:
    with transaction():
        return refund_credit(
            customer, **({"amount": D(money), "method": "cash", "by_id": None, "reason": "搬家"} | values)
        )


def waive(what: Any, customer: int, amounts: dict[int, str], **values: Any) -> Payment:
    given = {bill: D(money) for bill, money in amounts.items()}
    with transaction():
        return what(customer, amounts=given, **({"reason": "低保户"} | values))


def people() -> tuple[int, int, int]:
    """A cashier, an accountant, a manager."""
    with transaction():
        return counter.staff("cashier"), counter.staff("accountant"), counter.staff("manager")


def test_a_refund_gives_prepaid_money_back_and_has_a_receipt(plant: Tenant) -> None:
    customer, _ = counter.billed(10)
    top_up = counter.put_in(customer, "50")
    payment = refund(customer, "20.50", method="wechat")
    assert (payment.received, payment.credit_delta, payment.receipt_no) == (
        D("-20.50"), D("-20.50"), top_up.receipt_no + 1,
    )  # fmt: skip
    assert counter.credit(customer) == D("29.50")
    found = counter.books()
    assert (found["cash"], found["wechat"], found["prepayment"]) == (D("50.00"), D("-20.50"), D("-29.50"))


@pytest.mark.parametrize(
    ("money", "values", "sentence"),
    [
        ("50.01", {}, "预存余额只有 ¥50.00，不能退 ¥50.01"),
        ("0", {}, "大于 0 的退款金额"),
        ("-5", {}, "大于 0 的退款金额"),
        ("5", {"method": "prepaid"}, "请选择退款方式"),
        ("5", {"reason": " "}, "请填写退款原因"),
        ("0.005", {}, "金额最多到分"),
    ],
)
def test_a_refund_that_cannot_be_is_refused(plant: Tenant, money: str, values: Any, sentence: str) -> None:
    customer, _ = counter.billed(10)
    counter.put_in(customer, "50")
    with pytest.raises(DomainError, match=sentence):
        refund(customer, money, **values)
    assert counter.credit(customer) == 50


def test_a_refund_is_refused_when_the_drawer_is_closed(plant: Tenant) -> None:
    customer, _ = counter.billed(10)
    cashier, _, _ = people()
    counter.put_in(customer, "50")
    with counter.on("2026-11-05"):
        with transaction():
            close_day(cashier_id=cashier, day=date(2026, 11, 5), counted={}, by_id=cashier)
        with pytest.raises(DomainError, match="已经日结"):
            refund(customer, "5", by_id=cashier)


def test_a_late_fee_is_waived_against_its_account_and_can_be_taken_back(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(20)
    cashier, accountant, manager = people()
    with counter.on("2026-12-05"):  # ten days late: 0.48
        waiver = waive(waive_late_fee, customer, {bill: "0.30"}, by_id=cashier, approved_by_id=accountant)
        assert counter.owed(customer) == [(bill, D("96.00"), D("0.18"))]
        assert (waiver.waived, waiver.late_fee, waiver.receipt_no) == (D("0.30"), D("0.30"), None)
        assert counter.books()["waiver"] == D("0.30")
        with transaction():
            reverse_payment(waiver.id, by_id=manager, reason="批错了")
        assert counter.owed(customer) == [(bill, D("96.00"), D("0.48"))]
    assert "waiver" not in counter.books()


def test_what_is_waived_of_a_bill_settles_it(plant: Tenant) -> None:
    customer, (older, newer) = counter.billed(5, 10)
    cashier, accountant, _ = people()
    waiver = waive(waive_principal, customer, {older: "15.75", newer: "3.50"}, by_id=cashier, approved_by_id=accountant)
    assert counter.owed(customer) == [(newer, D("30.00"), D(0))]
    rows = db.session.execute(select(Settlement.bill_id, Settlement.amount).where(Settlement.payment_id == waiver.id))
    assert dict(tuple(row) for row in rows) == {older: D("15.75"), newer: D("3.50")}
    found = counter.books()
    assert (found["receivable"], found["waiver"]) == (D("30.00"), D("19.25"))
    log = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "waived")).one()
    told = {"method": "none", "waived": "19.25", "settled": "19.25"}
    assert log.changes == told | {"reason": "低保户", "approved_by_id": accountant}


def test_more_than_is_owed_is_not_waived(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(20)
    cashier, accountant, _ = people()
    with counter.on("2026-12-05"):
        with pytest.raises(DomainError, match=r"违约金只欠 ¥0.48，不能减免 ¥0.49"):
            waive(waive_late_fee, customer, {bill: "0.49"}, by_id=cashier, approved_by_id=accountant)
        with pytest.raises(DomainError, match=r"水费只欠 ¥96.00，不能减免 ¥96.01"):
            waive(waive_principal, customer, {bill: "96.01"}, by_id=cashier, approved_by_id=accountant)
        with pytest.raises(DomainError, match="已经结清"):
            waive(waive_principal, customer, {bill + 99: "1"}, by_id=cashier, approved_by_id=accountant)


def test_who_may_approve_a_waiver(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(20)
    cashier, accountant, manager = people()
    with transaction():
        gone = counter.staff("manager", active=False)
    for by_id, approved_by_id, sentence in (
        (accountant, cashier, "要由站长或财务批准"),
        (cashier, gone, "要由站长或财务批准"),
        (accountant, accountant, "不能自己批准"),
    ):
        with pytest.raises(DomainError, match=sentence):
            waive(waive_principal, customer, {bill: "1"}, by_id=by_id, approved_by_id=approved_by_id)
    waive(waive_principal, customer, {bill: "1"}, by_id=manager, approved_by_id=manager)
    assert counter.owed(customer) == [(bill, D("95.00"), D(0))]


def test_a_waiver_says_why_and_how_much(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(20)
    _, accountant, manager = people()
    with pytest.raises(DomainError, match="请填写减免原因"):
        waive(waive_principal, customer, {bill: "1"}, by_id=accountant, approved_by_id=manager, reason="")
    for amounts in ({}, {bill: "0"}, {bill: "-1"}):
        with pytest.raises(DomainError, match="大于 0 的减免金额"):
            waive(waive_principal, customer, amounts, by_id=accountant, approved_by_id=manager)
