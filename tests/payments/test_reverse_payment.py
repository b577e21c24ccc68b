"""冲红."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.models import OpenItem
from app.db import db, transaction
from app.errors import DomainError
from app.ledger.models import LedgerEntry, Posting
from app.payments.models import Payment, Settlement
from app.payments.opening import post_opening_balances
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.day_close import close_day
from app.payments.service.refund import refund_credit
from app.payments.service.reverse_payment import reverse_payment
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter

D = Decimal
pytestmark = pytest.mark.usefixtures("plant")


def reverse(payment: Payment, *, by_id: int | None = None, reason: str = "收错了") -> Payment:
    with transaction():
        return reverse_payment(payment.id, by_id=by_id, reason=reason)


def test_a_reversal_takes_back_the_whole_chain(plant: Tenant) -> None:
    customer, (older, newer) = counter.billed(5, 10)
    with counter.on("2026-11-05"):
        payment = counter.pay(customer, [older, newer], "50", keep_change=True)
        assert (counter.owed(customer), counter.credit(customer)) == ([], D("0.75"))
        reversal = reverse(payment)
    assert (reversal.kind, reversal.reverses_id, reversal.receipt_no) == ("reversal", payment.id, None)
    assert (reversal.received, reversal.settled, reversal.credit_delta) == (D("-50.00"), D("-49.25"), D("-0.75"))
    assert counter.owed(customer) == [(older, D("15.75"), D(0)), (newer, D("33.50"), D(0))]
    assert counter.credit(customer) == 0
    settled = db.session.execute(
        select(Settlement.bill_id, Settlement.amount).where(Settlement.payment_id == reversal.id)
    ).all()
    assert [tuple(row) for row in settled] == [(older, D("-15.75")), (newer, D("-33.50"))]
    assert counter.books()["receivable"] == D("49.25")
    assert "cash" not in counter.books()


def test_its_entry_names_the_entry_it_takes_back_and_its_receipt_number_is_not_given_again(plant: Tenant) -> None:
    customer, bills = counter.billed(10)
    payment = counter.pay(customer, bills, "33.50")
    reversal = reverse(payment)
    first, second = db.session.scalars(
        select(LedgerEntry).where(LedgerEntry.kind.in_(["payment", "reversal"])).order_by(LedgerEntry.id)
    )
    assert (first.source_id, second.source_id) == (payment.id, reversal.id)
    assert (first.kind, second.kind, second.reverses_id) == ("payment", "reversal", first.id)
    assert counter.pay(customer, bills, "33.50").receipt_no == payment.receipt_no + 1
    counter.books()


def test_a_part_of_a_part_payment_comes_back_to_the_open_item_that_is_left(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(10)
    first = counter.pay(customer, [bill], "10")
    counter.pay(customer, [bill], "8")
    reverse(first)
    assert counter.owed(customer) == [(bill, D("25.50"), D(0))]
    counter.books()


def test_a_late_fee_comes_back_once_and_goes_on_from_the_day_of_the_reversal(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(20)  # 96.00, due 2026-11-25, 0.0005 a day: 0.048
    with counter.on("2026-12-05"):
        payment = counter.pay(customer, [bill], "96.48")
        assert (payment.settled, payment.late_fee) == (D("96.00"), D("0.48"))
    with counter.on("2026-12-15"):
        reverse(payment)
        assert counter.owed(customer) == [(bill, D("96.00"), D("0.48"))]
        assert db.session.scalars(select(OpenItem.accrued_to)).one() == date(2026, 12, 15)
    with counter.on("2026-12-25"):
        again = counter.pay(customer, [bill], "200")
        assert (again.settled, again.late_fee) == (D("96.00"), D("0.96"))
    assert counter.books()["late_fee"] == D("-0.96")


def test_a_bill_reopened_before_it_is_due_grows_late_from_its_due_day(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(20)
    with counter.on("2026-11-05"):
        reverse(counter.pay(customer, [bill], "96"))
        assert db.session.scalars(select(OpenItem.accrued_to)).one() is None
    with counter.on("2026-11-27"):
        assert counter.pay(customer, [bill], "200").late_fee == D("0.10")


@pytest.mark.parametrize("kind", ["top_up", "refund", "auto_deduct"])
def test_movements_of_the_prepayment_are_taken_back(plant: Tenant, kind: str) -> None:
    customer, (bill,) = counter.billed(10, auto_deduct=True)
    payment = counter.put_in(customer, "50")
    if kind == "refund":
        with transaction():
            payment = refund_credit(customer, amount=D("20"), method="cash", by_id=None, reason="搬家")
    if kind == "auto_deduct":
        with transaction():
            deduct_prepayments(on=counter.ISSUED)
        payment = db.session.scalars(select(Payment).where(Payment.kind == kind)).one()
    reverse(payment)
    assert counter.credit(customer) == (0 if kind == "top_up" else 50)
    assert counter.owed(customer) == [(bill, D("33.50"), D(0))]
    assert counter.books().get("prepayment", D(0)) == -counter.credit(customer)


def test_a_deduction_of_many_is_reversed_for_one(plant: Tenant) -> None:
    one, _ = counter.billed(10, auto_deduct=True)
    other, _ = counter.billed(5, auto_deduct=True)
    for customer in (one, other):
        counter.put_in(customer, "100")
    with transaction():
        deduct_prepayments(on=counter.ISSUED)
    reversal = reverse(db.session.scalars(select(Payment).where(Payment.customer_id == one, Payment.settled > 0)).one())
    entry = db.session.scalars(select(LedgerEntry).where(LedgerEntry.source_id == reversal.id)).one()
    lines = db.session.execute(select(Posting.account, Posting.amount).where(Posting.entry_id == entry.id)).all()
    assert (entry.kind, entry.reverses_id) == ("reversal", None)
    assert sorted(tuple(line) for line in lines) == [("prepayment", D("-33.50")), ("receivable", D("33.50"))]
    assert (counter.credit(one), counter.credit(other)) == (D("100.00"), D("84.25"))
    counter.books()


def test_a_prepayment_that_has_been_used_is_not_taken_back(plant: Tenant) -> None:
    customer, bills = counter.billed(10)
    payment = counter.put_in(customer, "50")
    counter.pay(customer, bills, "0", method="prepaid")
    with pytest.raises(DomainError, match=r"¥50.00 进了预存，其中 ¥33.50 已经用掉，预存只剩 ¥16.50"):
        reverse(payment)
    assert counter.credit(customer) == D("16.50")
    counter.books()


def test_reversing_twice_is_refused(plant: Tenant) -> None:
    customer, bills = counter.billed(10)
    payment = counter.pay(customer, bills, "33.50")
    reverse(payment)
    with pytest.raises(DomainError, match="已经冲红过"):
        reverse(payment)


def test_reversing_a_reversal_is_refused(plant: Tenant) -> None:
    customer, bills = counter.billed(10)
    reversal = reverse(counter.pay(customer, bills, "33.50"))
    with pytest.raises(DomainError, match="本身就是冲红"):
        reverse(reversal)


def test_a_reversal_says_why(plant: Tenant) -> None:
    customer, bills = counter.billed(10)
    payment = counter.pay(customer, bills, "33.50")
    with pytest.raises(DomainError, match="请填写冲红原因"):
        reverse(payment, reason="  ")


def test_the_drawer_that_took_the_money_today_gives_it_back(plant: Tenant) -> None:
    customer, bills = counter.billed(10)
    with transaction():
        cashier, manager = counter.staff(), counter.staff("manager")
    payment = counter.pay(customer, bills, "33.50", by_id=cashier)
    reversal = reverse(payment, by_id=manager)
    assert reversal.cashier_id == cashier
    entry = db.session.scalars(select(LedgerEntry).where(LedgerEntry.source_id == reversal.id)).one()
    assert entry.by_id == manager


def test_a_payment_of_a_closed_day_is_reversed_the_day_after_from_another_drawer(plant: Tenant) -> None:
    customer, bills = counter.billed(10)
    with transaction():
        cashier, manager = counter.staff(), counter.staff("manager")
    with counter.on("2026-11-05"):
        payment = counter.pay(customer, bills, "33.50", by_id=cashier)
        with transaction():
            close_day(cashier_id=cashier, day=date(2026, 11, 5), counted={"cash": D("33.50")}, by_id=cashier)
        with pytest.raises(DomainError, match="已经日结"):
            reverse(payment, by_id=manager)
    with counter.on("2026-11-06"):
        reversal = reverse(payment, by_id=manager)
        assert (reversal.business_date, reversal.cashier_id) == (date(2026, 11, 6), manager)
        with transaction():
            close_day(cashier_id=manager, day=date(2026, 11, 6), counted={"cash": D("0")}, by_id=manager)
    counter.books()


def test_an_old_payment_is_not_reversed_on_a_day_that_its_reverser_has_closed(plant: Tenant) -> None:
    customer, bills = counter.billed(10)
    with transaction():
        manager = counter.staff("manager")
    with counter.on("2026-11-05"):
        payment = counter.pay(customer, bills, "33.50", by_id=manager)
    with counter.on("2026-11-06"):
        with transaction():
            close_day(cashier_id=manager, day=date(2026, 11, 6), counted={}, by_id=manager)
        with pytest.raises(DomainError, match="已经日结"):
            reverse(payment, by_id=manager)


def test_a_bill_reopened_after_it_was_due_is_late_from_the_next_day_with_the_least_fee(plant: Tenant) -> None:
    with transaction():
        make.tariff(late_fee=make.LATE_FEE | {"minimum": "2"})
    customer, (bill,) = counter.billed(10)
    with counter.on("2026-11-20"):
        payment = counter.pay(customer, [bill], "33.50")
    with counter.on("2026-12-05"):
        reverse(payment)
        again = counter.pay(customer, [bill], "33.50")
        assert (again.settled, again.late_fee) == (D("33.50"), D(0))
        reverse(again)
    with counter.on("2026-12-06"):
        assert counter.pay(customer, [bill], "40").late_fee == D("2.00")
    counter.books()


def test_an_opening_prepayment_that_was_entered_wrong_is_taken_back(plant: Tenant) -> None:
    customer, _ = counter.billed(10)
    with transaction():
        post_opening_balances([(customer, D("80"))], on=counter.ISSUED, by_id=None)
    reverse(db.session.scalars(select(Payment).where(Payment.kind == "opening")).one())
    assert counter.credit(customer) == 0
    assert not {"opening", "prepayment"} & counter.books().keys()
