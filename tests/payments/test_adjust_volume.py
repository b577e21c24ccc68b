"""退补水量."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.billing.models import Bill
from app.billing.service import issue_bills, reverse_bill
from app.db import db, transaction
from app.errors import DomainError
from app.payments.models import Payment, Settlement
from app.payments.service.adjust_volume import adjust_volume
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter

D = Decimal
pytestmark = pytest.mark.usefixtures("plant")


def adjust(bill: int, volume: str, reason: str = "抄错") -> Bill:
    with transaction():
        return adjust_volume(bill, volume=D(volume), by_id=None, reason=reason)


def lines(bill: Bill) -> list[tuple[Any, ...]]:
    return [(x["item"], x.get("tier"), x.get("volume"), x["amount"]) for x in bill.document["lines"]]


def test_more_water_is_billed_by_the_difference_line_by_line(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(10)  # 33.50
    with counter.on("2026-11-20"):
        made = adjust(bill, "14")
    assert (made.kind, made.adjusts_id, made.volume, made.amount) == ("adjustment", bill, D(4), D("19.60"))
    assert lines(made) == [
        ("水费", 2, "3", "9.00"),
        ("水费", 3, "1", "6.00"),
        ("污水处理费", None, "4", "3.80"),
        ("水资源税", None, "4", "0.80"),
    ]
    assert (made.issued_on, made.due_on) == (date(2026, 11, 20), date(2026, 11, 25))
    assert counter.owed(customer) == [(bill, D("33.50"), D(0)), (made.id, D("19.60"), D(0))]
    assert counter.books()["revenue:水费"] == D("-37.00")


def test_less_water_comes_off_the_bill_s_own_rest(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(10)
    counter.pay(customer, [bill], "10")
    made = adjust(bill, "8")
    assert (made.amount, counter.owed(customer)) == (D("-8.30"), [(bill, D("15.20"), D(0))])
    credit = db.session.scalars(select(Payment).where(Payment.kind == "credit")).one()
    assert (credit.received, credit.settled, credit.credit_delta, credit.receipt_no) == (0, 0, 0, None)
    settled = db.session.execute(
        select(Settlement.bill_id, Settlement.amount).where(Settlement.payment_id == credit.id)
    ).all()
    assert dict(tuple(row) for row in settled) == {made.id: D("-8.30"), bill: D("8.30")}
    assert counter.books()["receivable"] == D("15.20")


def test_what_was_paid_too_much_becomes_prepayment(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(10)
    counter.pay(customer, [bill], "30")
    adjust(bill, "5")  # 17.75 less, of which 3.50 was still open
    assert (counter.owed(customer), counter.credit(customer)) == ([], D("14.25"))
    found = counter.books()
    assert (found["prepayment"], found["cash"]) == (D("-14.25"), D("30.00"))
    assert "receivable" not in found


def test_a_second_adjustment_counts_the_first(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(10)
    first = adjust(bill, "14")
    second = adjust(bill, "9")
    assert (second.volume, second.amount, second.round) == (D(-5), D("-23.75"), 1)
    # 23.75 comes off the bill's own rest of 33.50
    assert counter.owed(customer) == [(bill, D("9.75"), D(0)), (first.id, D("19.60"), D(0))]
    back = adjust(bill, "10")
    assert (back.volume, back.amount) == (D(1), D("4.15"))
    assert lines(back) == [("水费", 2, "1", "3.00"), ("污水处理费", None, "1", "0.95"), ("水资源税", None, "1", "0.20")]
    counter.books()


def test_a_bill_is_adjusted_by_the_standard_that_priced_it(plant: Tenant) -> None:
    _, (bill,) = counter.billed(10)
    with transaction():
        make.tariff(effective_from="2026-11-01", charges=[{"item": "水费", "basis": "volume", "price": "99.00"}])
    assert adjust(bill, "11").amount == D("4.15")


def test_people_quota_months_and_the_tiers_before_are_as_they_were(plant: Tenant) -> None:
    with transaction():
        make.tariff(
            tier_cycle="year",
            household={"rule": "per_extra_person", "base": 4, "volume": ["5"]},
            charges=[{"item": "水费", "basis": "volume", "tiers": [
                {"up_to": "20", "price": "1.00"}, {"up_to": None, "price": "2.00"}]},
                {"item": "容量水费", "basis": "month", "price": "5.00"}],
        )  # fmt: skip
        person = make.customer(people=6)  # up to 30 m³ at 1.00
        bound = make.binding(person)
        make.reading(bound, 15, period="2026-08")
        make.reading(bound, 30, start=15, period="2026-10")
    for period in ("2026-08", "2026-10"):
        with transaction():
            issue_bills(period, on=counter.ISSUED, by_id=None)
    first, second = counter.bills_of(person.id)
    with transaction():
        db.session.get_one(make.Customer, person.id).people = 1
    assert db.session.get_one(Bill, second).amount == D("25.00")
    made = adjust(second, "20")
    assert made.amount == D("10.00")  # 5 m³ above 30
    assert "容量水费" not in [line["item"] for line in made.document["lines"]]
    assert adjust(first, "14").amount == D("-1.00")


def test_relief_keeps_what_counts_on_the_tiers_right(plant: Tenant) -> None:
    with transaction():
        make.tariff(tier_cycle="year", free_volume="5", charges=[{"item": "水费", "basis": "volume", "tiers": [
            {"up_to": "20", "price": "1.00"}, {"up_to": None, "price": "2.00"}]}])  # fmt: skip
        person = make.customer()
        bound = make.binding(person)
        make.reading(bound, 3, period="2026-09")
        make.reading(bound, 33, start=3, period="2026-10")
    with transaction():
        issue_bills("2026-09", on=counter.ISSUED, by_id=None)
    (first,) = counter.bills_of(person.id)
    made = adjust(first, "15")  # 10 m³ on the tiers
    assert (made.volume, made.amount, made.document["counted"]) == (D(12), D("10.00"), "10")
    with transaction():
        assert issue_bills("2026-10", on=counter.ISSUED, by_id=None).amount == D("40.00")  # 10 at 1.00, 15 at 2.00


def test_an_adjustment_that_cannot_be_is_refused(plant: Tenant) -> None:
    _, (bill, gone) = counter.billed(10, 10)
    with transaction():
        make.tariff(
            name="不抄表", applies_to="unmetered", charges=[{"item": "水费", "basis": "household", "price": "5"}]
        )
        person = make.customer(charged_by_meter=False)
        reverse_bill(gone, by_id=None, reason="错")
    with transaction():
        issue_bills("2026-09", on=counter.ISSUED, by_id=None)
    adjustment = adjust(bill, "11")
    for which, volume, sentence in (
        (bill, "11", "现在就是 11 m³"),
        (bill, "-1", "不小于 0"),
        (bill, "1.0001", "最多三位小数"),
        (gone, "5", "已经撤销"),
        (adjustment.id, "5", "请选择原来的那张"),
        (counter.bills_of(person.id)[0], "5", "不抄表"),
        (9999, "5", "没有这张水费单"),
    ):
        with pytest.raises(DomainError, match=sentence):
            adjust(which, volume)
    with pytest.raises(DomainError, match="请填写退补原因"):
        adjust(bill, "5", reason="")
    counter.books()
