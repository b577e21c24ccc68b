"""开账."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.billing.models import Bill, OpenItem
from app.billing.service import issue_bills, preview_bills
from app.db import db, transaction
from app.errors import DomainError
from app.ledger import queries as ledger
from tenants.context import Tenant
from tests import factories as make

NIGHT = date(2026, 11, 1)


def issue(period: str = "2026-10"):
    with transaction():
        return issue_bills(period, on=NIGHT, by_id=None)


def only_bill() -> Bill:
    return db.session.scalars(select(Bill)).one()


def test_a_bill_keeps_its_lines_its_standard_and_its_readings(plant: Tenant) -> None:
    with transaction():
        version = make.tariff()
        make.used(14)
    issue()
    bill = only_bill()
    assert (bill.amount, bill.volume, bill.start_reading, bill.end_reading) == (
        Decimal("53.10"), Decimal("14"), Decimal("0"), Decimal("14"),
    )  # fmt: skip
    assert bill.due_on == date(2026, 11, 25)
    assert bill.document["tariffs"] == [{"version_id": version.id, "name": "居民一户一表"}]
    assert [(line["item"], line.get("tier"), line["amount"]) for line in bill.document["lines"]] == [
        ("水费", 1, "16.00"),
        ("水费", 2, "15.00"),
        ("水费", 3, "6.00"),
        ("污水处理费", None, "13.30"),
        ("水资源税", None, "2.80"),
    ]


def test_the_ledger_holds_the_receivable_against_revenue_by_component(plant: Tenant) -> None:
    with transaction():
        make.tariff()
        make.used(14)
        make.used(8, route_id=make.route("西街一册", "西街").id)
    issue()
    assert ledger.balances() == {
        "receivable": Decimal("78.30"),
        "revenue:水费": Decimal("-53.00"),
        "revenue:污水处理费": Decimal("-20.90"),
        "revenue:水资源税": Decimal("-4.40"),
    }
    assert db.session.scalar(select(func.sum(OpenItem.unpaid))) == Decimal("78.30")


def test_issuing_again_bills_nothing_more(plant: Tenant) -> None:
    with transaction():
        make.tariff()
        make.used(14)
    assert issue().bills == 1
    again = issue()
    assert (again.bills, again.run_id) == (0, None)
    assert ledger.balances()["receivable"] == Decimal("53.10")


def test_a_held_an_unread_and_a_later_accepted_reading(plant: Tenant) -> None:
    with transaction():
        make.tariff()
        held = make.reading(make.binding(), 500, review="held", held_for="high")
        make.reading(make.binding(), None)
    assert issue().bills == 0
    with transaction():
        db.session.merge(held).review = "accepted"
    assert issue().volume == Decimal(500)


def test_a_customer_without_a_meter_is_charged_by_the_unmetered_standard(plant: Tenant) -> None:
    with transaction():
        make.tariff(
            name="居民不抄表（按人）",
            applies_to="unmetered",
            charges=[{"item": "水费", "basis": "head", "price": "3.00"}],
        )
        make.customer(charged_by_meter=False, people=5)
        make.customer(charged_by_meter=False, people=2, state="closed")
    issue()
    assert (only_bill().amount, only_bill().binding_id) == (Decimal("15.00"), None)


def test_yearly_tiers_go_on_where_the_year_s_earlier_bills_ended(plant: Tenant) -> None:
    with transaction():
        make.tariff(tier_cycle="year", charges=[{"item": "水费", "basis": "volume", "tiers": [
            {"up_to": "20", "price": "1.00"}, {"up_to": None, "price": "2.00"}]}])  # fmt: skip
        person = make.customer()
        bound = make.binding(person)
        make.reading(bound, 15, period="2026-09")
        make.reading(bound, 30, start=15, period="2026-10")
        make.reading(bound, 40, start=30, period="2027-01")
    for period in ("2026-09", "2026-10", "2027-01"):
        issue(period)
    amounts = db.session.execute(select(Bill.period, Bill.amount).order_by(Bill.period)).all()
    assert [tuple(row) for row in amounts] == [
        ("2026-09", Decimal("15.00")),
        ("2026-10", Decimal("25.00")),
        ("2027-01", Decimal("10.00")),
    ]


def test_a_month_without_a_reading_is_charged_with_the_next_one(plant: Tenant) -> None:
    with transaction():
        make.tariff(charges=[{"item": "容量水费", "basis": "month", "price": "5.00"}])
        bound = make.binding()
        make.reading(bound, 3, period="2026-08")
        make.reading(bound, None, start=3, period="2026-09")
        make.reading(bound, 9, start=3, period="2026-10")
    issue("2026-08")
    issue("2026-09")
    assert issue().amount == Decimal("10.00")


def test_a_use_without_a_standard_stops_the_run_and_says_whose(plant: Tenant) -> None:
    with transaction():
        make.tariff()
        make.used(5)
        make.reading(make.binding(use_category_id=make.category_id(make.AGRICULTURAL)), 7)
    with pytest.raises(DomainError, match=r"农业灌溉用水.*1 户没有可用的收费标准"):
        issue()
    assert db.session.scalar(select(func.count()).select_from(Bill)) == 0


def test_the_use_category_in_force_when_it_was_read_counts(plant: Tenant) -> None:
    from app import clock
    from app.metering.models import UseCategoryChange

    with transaction():
        make.tariff()
        make.tariff(
            name="灌溉", use_category=make.AGRICULTURAL, charges=[{"item": "水费", "basis": "volume", "price": "0.35"}]
        )
        bound = make.binding(use_category_id=make.category_id(make.AGRICULTURAL))
        db.session.add(
            UseCategoryChange(
                binding_id=bound.id,
                effective_from=date(2026, 10, 20),
                old_id=make.category_id(),
                new_id=make.category_id(make.AGRICULTURAL),
                at=clock.now(),
            )
        )
        make.reading(bound, 8, period="2026-10")
        make.reading(bound, 18, start=8, period="2026-11")
    issue("2026-10")
    issue("2026-11")
    amounts = db.session.scalars(select(Bill.amount).order_by(Bill.period)).all()
    assert amounts == [Decimal("25.20"), Decimal("3.50")]


def test_the_preview_agrees_with_the_issue_and_stores_nothing(plant: Tenant) -> None:
    with transaction():
        make.tariff()
        make.used(14)
    seen = preview_bills("2026-10")
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Bill)) == 0
    issued = issue()
    assert (seen.bills, seen.volume, seen.amount) == (issued.bills, issued.volume, issued.amount)


def test_mixed_use_shares_the_volume_between_standards(plant: Tenant) -> None:
    with transaction():
        home = make.tariff(charges=[{"item": "水费", "basis": "volume", "price": "2.00"}])
        shop = make.tariff(
            name="经营", use_category="非居民用水", charges=[{"item": "水费", "basis": "volume", "price": "4.00"}]
        )
        mix = [{"tariff_id": home.tariff_id, "share": "0.1"}, {"tariff_id": shop.tariff_id, "share": "0.9"}]
        make.reading(make.binding(mix=mix), 100)
    issue()
    assert only_bill().amount == Decimal("380.00")
    assert [line["tariff"] for line in only_bill().document["lines"]] == ["居民一户一表", "经营"]
