"""Eight real connections at once: each is charged once, and the books are exact."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.billing.models import Bill, OpenItem
from app.billing.service import issue_bills, reverse_run
from app.db import db, transaction
from app.errors import DomainError
from app.payments.models import Payment
from app.payments.service import late_fees
from app.payments.service.adjust_volume import adjust_volume
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.consolidated import take_consolidated
from app.payments.service.day_close import close_day
from app.payments.service.refund import refund_credit
from app.payments.service.reverse_payment import reverse_payment
from app.payments.service.take_payment import take_payment, top_up
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter

D = Decimal
EIGHT = 8


@contextmanager
def _threads(app: Flask, plant: Tenant) -> Iterator[Callable[[Sequence[Callable[[], Any]]], list[Any]]]:
    """Runs jobs at the same moment, each on a connection of its own; what each came to, or the sentence it was refused with."""
    with ThreadPoolExecutor(EIGHT) as pool:

        def together(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
            start = threading.Barrier(len(jobs))

            def one(job: Callable[[], Any]) -> Any:
                with app.app_context(), context.use(plant), counter.on("2026-11-05"):
                    try:
                        db.session.execute(text("SELECT 1"))
                        db.session.rollback()
                        start.wait(30)
                        with transaction():
                            return job()
                    except DomainError as error:
                        return error.message
                    finally:
                        db.session.remove()

            db.session.rollback()
            return list(pool.map(one, jobs))

        yield together


@pytest.fixture
def together(app: Flask, plant: Tenant) -> Iterator[Callable[[Sequence[Callable[[], Any]]], list[Any]]]:
    with _threads(app, plant) as run:
        yield run


def cash(customer: int, bills: list[int], money: str) -> Callable[[], Payment]:
    return lambda: take_payment(
        customer, bill_ids=bills, method="cash", tendered=D(money), keep_change=False, by_id=None
    )


def kinds() -> Counter[str]:
    return Counter(db.session.scalars(select(Payment.kind)).all())


def test_eight_cashiers_take_the_same_bills_once(plant: Tenant, together: Any) -> None:
    customer, bills = counter.billed(5, 10)
    answers = together([cash(customer, bills, "49.25")] * EIGHT)
    assert sum(isinstance(answer, Payment) for answer in answers) == 1
    assert answers.count("选中的账单已经结清，请重新查询。") == EIGHT - 1
    assert counter.owed(customer) == []
    assert counter.books()["cash"] == D("49.25")


def test_eight_part_payments_of_one_bill_add_up(plant: Tenant, together: Any) -> None:
    customer, bills = counter.billed(20)
    assert all(isinstance(answer, Payment) for answer in together([cash(customer, bills, "11.11")] * EIGHT))
    assert counter.owed(customer) == [(bills[0], D("96.00") - 8 * D("11.11"), D(0))]
    numbers = db.session.scalars(select(Payment.receipt_no)).all()
    assert sorted(n for n in numbers if n) == list(range(1, EIGHT + 1))
    counter.books()


def test_eight_top_ups_of_one_account_all_count(plant: Tenant, together: Any) -> None:
    customer, _ = counter.billed(5)
    together([lambda: top_up(customer, amount=D("10.01"), method="cash", by_id=None)] * EIGHT)
    assert counter.credit(customer) == D("80.08")
    assert counter.books()["prepayment"] == D("-80.08")


def test_eight_refunds_do_not_give_back_more_than_there_is(plant: Tenant, together: Any) -> None:
    customer, _ = counter.billed(5)
    counter.put_in(customer, "50")
    answers = together([lambda: refund_credit(customer, amount=D(20), method="cash", by_id=None, reason="退")] * EIGHT)
    assert sum(isinstance(answer, Payment) for answer in answers) == 2
    assert counter.credit(customer) == D("10.00")
    counter.books()


def test_eight_who_reverse_a_payment_reverse_it_once(plant: Tenant, together: Any) -> None:
    customer, bills = counter.billed(10)
    payment = counter.pay(customer, bills, "33.50").id
    answers = together([lambda: reverse_payment(payment, by_id=None, reason="错")] * EIGHT)
    assert sum(isinstance(answer, Payment) for answer in answers) == 1
    assert counter.owed(customer) == [(bills[0], D("33.50"), D(0))]
    counter.books()


def test_the_bill_run_started_eight_times_bills_everybody_once(plant: Tenant, together: Any) -> None:
    with transaction():
        make.tariff()
        for volume in range(40):
            make.used(volume)
    answers = together([lambda: issue_bills("2026-10", on=counter.ISSUED, by_id=None)] * EIGHT)
    assert sorted(answer.bills for answer in answers) == [0] * 7 + [40]
    assert db.session.scalar(select(func.count()).select_from(Bill)) == 40
    counter.books()


def test_a_deduction_and_the_counter_do_not_take_a_bill_twice(plant: Tenant, together: Any) -> None:
    accounts = [counter.billed(10, auto_deduct=True) for _ in range(4)]
    for customer, _ in accounts:
        counter.put_in(customer, "20")
    jobs: list[Callable[[], Any]] = [lambda: deduct_prepayments(on=counter.ISSUED)] * 3
    jobs += [cash(customer, bills, "33.50") for customer, bills in accounts]
    jobs.append(lambda: late_fees.accrue(on=date(2026, 12, 5)))
    together(jobs)
    for customer, bills in accounts:
        paid = sum(row[1] for row in counter.owed(customer))
        settled = db.session.scalar(select(func.sum(Payment.settled)).where(Payment.customer_id == customer))
        assert settled + paid == D("33.50"), bills
    counter.books()


def test_taking_a_run_back_and_paying_it_at_once_do_not_both_happen(plant: Tenant, together: Any) -> None:
    with transaction():
        make.tariff()
        people = [make.used(10).id for _ in range(6)]
    with transaction():
        run = issue_bills("2026-10", on=counter.ISSUED, by_id=None).run_id
    jobs: list[Callable[[], Any]] = [lambda: reverse_run(run, by_id=None, reason="错")] * 2
    jobs += [cash(person, counter.bills_of(person), "33.50") for person in people]
    together(jobs)
    reversed_bills = db.session.scalar(select(func.count()).select_from(Bill).where(Bill.kind == "reversal"))
    paid = kinds()["payment"]
    assert (reversed_bills, paid) in [(6, 0)] + [(0, n) for n in range(1, 7)]
    counter.books()


def test_families_that_pay_for_each_other_wait_and_do_not_block_each_other(plant: Tenant, together: Any) -> None:
    one, other = counter.billed(10), counter.billed(5)

    def pay(*accounts: Any) -> Callable[[], Any]:
        return lambda: take_consolidated(accounts, method="cash", tendered=D("3"), keep_change=False, by_id=None)

    answers = together([pay(one, other), pay(other, one)] * 4)
    assert all(isinstance(answer, list) for answer in answers)
    assert counter.books()["cash"] == D("24.00")


def test_an_ordinary_afternoon_everything_at_once(plant: Tenant, together: Any) -> None:
    accounts = [counter.billed(4, 9, auto_deduct=bool(n % 2)) for n in range(3)]
    with transaction():
        make.tariff(effective_from="2027-01-01")
        for customer, _ in accounts:
            make.reading(make.binding(db.session.get_one(make.Customer, customer)), 12, period="2026-11")
        cashiers = [counter.staff(), counter.staff()]
    payments = [counter.put_in(customer, "30", by_id=cashiers[0]).id for customer, _ in accounts]
    (one, ones), (two, twos), (_, threes) = accounts
    everything: list[Callable[[], Any]] = [
        lambda: issue_bills("2026-11", on=date(2026, 12, 1), by_id=None),
        lambda: deduct_prepayments(on=counter.ISSUED),
        lambda: take_payment(one, bill_ids=ones, method="prepaid", tendered=D(0), keep_change=False, by_id=cashiers[1]),
        cash(two, twos, "50"),
        lambda: adjust_volume(threes[0], volume=D(2), by_id=None, reason="错"),
        lambda: reverse_payment(payments[2], by_id=None, reason="错"),
        lambda: top_up(two, amount=D(5), method="wechat", by_id=cashiers[1]),
        lambda: close_day(cashier_id=cashiers[1], day=date(2026, 11, 5), counted={"wechat": D(5)}, by_id=None),
    ]
    for turn in range(6):
        together(everything[turn:] + everything[:turn])
        counter.books()
    assert db.session.scalar(select(func.count()).select_from(Bill).where(Bill.period == "2026-11")) == 3
    assert (db.session.scalar(select(func.min(OpenItem.unpaid))) or 0) >= 0
