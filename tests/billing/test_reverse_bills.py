"""撤销开账."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app.audit import AuditEntry
from app.billing.models import Bill, BillingRun, OpenItem
from app.billing.service import issue_bills, reverse_bill, reverse_run
from app.db import db, transaction
from app.errors import DomainError
from app.ledger.models import LedgerEntry
from app.payments.service.adjust_volume import adjust_volume
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.reverse_payment import reverse_payment
from app.readings.models import Reading
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter

D = Decimal
NIGHT = date(2026, 11, 1)
pytestmark = pytest.mark.usefixtures("plant")


def issue(period: str = "2026-10", **values: Any) -> Any:
    with transaction():
        return issue_bills(period, on=NIGHT, by_id=None, **values)


def undo(run_id: int, reason: str = "抄错一册") -> Any:
    with transaction(), counter.on("2026-11-02"):
        return reverse_run(run_id, by_id=None, reason=reason)


def month() -> Any:
    """Two accounts in two books: 14 m³ for 53.10 and 8 m³ for 25.20."""
    with transaction():
        make.tariff()
        make.used(14)
        make.used(8, route_id=make.route("西街一册", "西街").id)
    return issue()


def test_a_run_taken_back_leaves_opposite_bills_and_nothing_owed(plant: Tenant) -> None:
    run = month()
    undone = undo(run.run_id)
    assert (undone.bills, undone.volume, undone.amount) == (2, D("-22.000"), D("-78.30"))
    bills = db.session.scalars(select(Bill).order_by(Bill.id)).all()
    for bill, opposite in zip(bills[:2], bills[2:], strict=True):
        assert (opposite.kind, opposite.reverses_id, opposite.round) == ("reversal", bill.id, bill.round)
        assert (opposite.amount, opposite.volume) == (-bill.amount, -bill.volume)
        assert (opposite.start_reading, opposite.end_reading, opposite.read_on) == (
            bill.start_reading, bill.end_reading, bill.read_on,
        )  # fmt: skip
    assert bills[2].document["lines"][0] == {
        "item": "水费", "tier": 1, "volume": "-8", "price": "2.00", "amount": "-16.00",
    }  # fmt: skip
    assert "late_fee" not in bills[2].document
    assert db.session.scalar(select(func.count()).select_from(OpenItem)) == 0
    assert counter.books() == {}


def test_the_entries_of_a_run_are_reversed_book_by_book(plant: Tenant) -> None:
    undo(month().run_id)
    entries = db.session.scalars(select(LedgerEntry).order_by(LedgerEntry.id)).all()
    assert [(e.kind, e.business_date.day) for e in entries] == [("bills", 1)] * 2 + [("bill_reversal", 2)] * 2
    assert [e.reverses_id for e in entries] == [None, None, entries[0].id, entries[1].id]
    log = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "billing_run").order_by(AuditEntry.id))
    assert [(line.action, line.changes.get("reason", "")) for line in log] == [("issued", ""), ("reversed", "抄错一册")]


def test_what_was_taken_back_is_billed_again_by_the_corrected_reading(plant: Tenant) -> None:
    undo(month().run_id)
    with transaction():
        reading = db.session.scalars(select(Reading).where(Reading.volume == 14)).one()
        reading.end_reading = reading.volume = D(10)
    again = issue()
    assert (again.bills, again.amount) == (2, D("58.70"))
    rounds = db.session.scalars(select(Bill.round).where(Bill.run_id == again.run_id)).all()
    assert rounds == [1, 1]
    assert counter.books()["receivable"] == D("58.70")
    undo(again.run_id)
    assert issue().bills == 2
    counter.books()


def test_a_run_that_somebody_paid_for_is_not_taken_back(plant: Tenant) -> None:
    run = month()
    paid = db.session.scalars(select(Bill).order_by(Bill.id)).first()
    assert paid
    payment = counter.pay(paid.customer_id, [paid.id], "1")
    with pytest.raises(DomainError, match="这批有 1 张水费单已经收过款"):
        undo(run.run_id)
    with transaction():
        reverse_payment(payment.id, by_id=None, reason="收错")
    assert undo(run.run_id).bills == 2
    counter.books()


def test_a_deduction_and_an_adjustment_count_as_touched(plant: Tenant) -> None:
    run = month()
    one, other = db.session.scalars(select(Bill).order_by(Bill.id)).all()
    counter.put_in(one.customer_id, "5")
    with transaction():
        db.session.get_one(make.Customer, one.customer_id).auto_deduct = True
        deduct_prepayments(on=NIGHT)
        adjust_volume(other.id, volume=D(9), by_id=None, reason="抄错")
    with pytest.raises(DomainError, match="这批有 2 张"):
        undo(run.run_id)


def test_a_run_is_taken_back_once_for_a_reason_and_only_a_regular_one(plant: Tenant) -> None:
    run = month()
    with pytest.raises(DomainError, match="请填写撤销原因"):
        undo(run.run_id, reason=" ")
    undone = undo(run.run_id)
    with pytest.raises(DomainError, match="已经全部撤销过"):
        undo(run.run_id)
    with pytest.raises(DomainError, match="只能撤销正常开账"):
        undo(undone.run_id)
    with pytest.raises(DomainError, match="只能撤销正常开账"):
        undo(9999)


def test_one_bill_is_taken_back_alone_and_the_run_later_without_it(plant: Tenant) -> None:
    run = month()
    one, _ = db.session.scalars(select(Bill).order_by(Bill.customer_id)).all()
    with transaction():
        reverse_bill(one.id, by_id=None, reason="户号错")
    assert counter.owed(one.customer_id) == []
    assert counter.books()["receivable"] == D("25.20")
    with transaction(), pytest.raises(DomainError, match="已经撤销过"):
        reverse_bill(one.id, by_id=None, reason="户号错")
    undone = undo(run.run_id)
    assert (undone.bills, undone.amount) == (1, D("-25.20"))
    assert counter.books() == {}


def test_an_adjusting_bill_that_nobody_paid_is_taken_back(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(10)
    with transaction():
        more = adjust_volume(bill, volume=D(12), by_id=None, reason="抄错")
        reverse_bill(more.id, by_id=None, reason="没有抄错")
        less = adjust_volume(bill, volume=D(9), by_id=None, reason="抄错")
    assert counter.owed(customer) == [(bill, D("29.35"), D(0))]
    with transaction(), pytest.raises(DomainError, match="已经收过款"):
        reverse_bill(less.id, by_id=None, reason="没有抄错")
    with transaction(), pytest.raises(DomainError, match="只能撤销一张水费单"):
        reverse_bill(9999, by_id=None, reason="没有")
    counter.books()


def test_a_run_of_one_book_is_taken_back_and_the_year_s_later_tiers_start_lower(plant: Tenant) -> None:
    with transaction():
        make.tariff(tier_cycle="year", charges=[{"item": "水费", "basis": "volume", "tiers": [
            {"up_to": "20", "price": "1.00"}, {"up_to": None, "price": "2.00"}]}])  # fmt: skip
        bound = make.binding()
        make.reading(bound, 18, period="2026-09")
        make.reading(bound, 28, start=18, period="2026-10")
    first = issue("2026-09")
    undo(first.run_id)
    assert issue("2026-10").amount == D("10.00")
    kinds = db.session.scalars(select(BillingRun.kind).order_by(BillingRun.id)).all()
    assert kinds == ["regular", "reversal", "regular"]
