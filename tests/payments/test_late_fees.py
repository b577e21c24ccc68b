"""违约金, day by day. 14 m³ cost 53.10 yuan; bills of the 1st are due on the 25th; 0.0005 a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.billing.models import OpenItem
from app.db import db, transaction
from app.payments.queries import open_items
from app.payments.service import late_fees
from tests import factories as make
from tests.payments import counter

D = Decimal
pytestmark = pytest.mark.usefixtures("plant")


def fee_on(customer: int, day: str) -> Decimal:
    """What the counter would ask for."""
    found = open_items(customer, on=date.fromisoformat(day))
    assert len(found) == 1
    return found[0].late_fee


def accrue(day: str) -> int:
    with transaction():
        return late_fees.accrue(on=date.fromisoformat(day))


def billed_with(**rule: Any) -> int:
    with transaction():
        make.tariff(late_fee=make.LATE_FEE | rule)
    return counter.billed(14)[0]


@pytest.mark.parametrize(
    ("day", "fee"),
    [
        ("2026-11-24", "0.00"),
        ("2026-11-25", "0.00"),  # the last day without
        ("2026-11-26", "0.03"),  # 53.10 × 0.0005 = 0.02655
        ("2026-12-05", "0.27"),  # ten days: 0.2655
        ("2027-03-05", "2.66"),  # a hundred days: 2.655
    ],
)
def test_each_day_after_the_25th_costs_its_share(day: str, fee: str) -> None:
    customer, _ = counter.billed(14)
    assert fee_on(customer, day) == D(fee)


def test_the_night_keeps_what_the_counter_would_ask_for() -> None:
    customer, bills = counter.billed(14)
    assert accrue("2026-12-05") == 1
    assert counter.owed(customer) == [(bills[0], D("53.10"), D("0.265500"))]
    assert fee_on(customer, "2026-12-05") == D("0.27")


def test_accruing_again_on_the_same_day_adds_nothing() -> None:
    customer, bills = counter.billed(14)
    accrue("2026-12-05")
    assert accrue("2026-12-05") == 0
    assert counter.owed(customer) == [(bills[0], D("53.10"), D("0.265500"))]


def test_night_after_night_comes_to_the_same_as_at_once() -> None:
    nightly, _ = counter.billed(14)
    for day in range(26, 31):
        accrue(f"2026-11-{day}")
    assert fee_on(nightly, "2026-12-05") == D("0.27")


def test_after_part_payment_the_fee_grows_on_the_rest() -> None:
    """10 days: 0.27 paid with 20.00 of the bill; then 33.10 × 0.0005 × 10 = 0.1655."""
    customer, bills = counter.billed(14)
    with counter.on("2026-12-05"):
        counter.pay(customer, bills, "20.27")
    assert counter.owed(customer) == [(bills[0], D("33.10"), D("0.000000"))]
    assert fee_on(customer, "2026-12-15") == D("0.17")


def test_the_fee_never_passes_its_cap() -> None:
    customer = billed_with(cap="0.01")
    assert fee_on(customer, "2027-11-25") == D("0.53")


def test_what_was_paid_of_the_fee_counts_towards_the_cap() -> None:
    customer = billed_with(cap="0.01")
    with counter.on("2026-12-05"):
        counter.pay(customer, counter.bills_of(customer), "0.27")
    assert fee_on(customer, "2027-11-25") == D("0.26")


def test_a_late_bill_costs_at_least_the_minimum() -> None:
    customer = billed_with(minimum="1")
    assert fee_on(customer, "2026-11-25") == D("0.00")
    assert fee_on(customer, "2026-11-26") == D("1.00")
    assert fee_on(customer, "2026-12-05") == D("1.00")


def test_on_the_amount_charged_a_part_payment_changes_nothing() -> None:
    """0.27 and 20.00 paid after ten days; ten more on 53.10: 0.2655."""
    customer = billed_with(base="charged")
    with counter.on("2026-12-05"):
        counter.pay(customer, counter.bills_of(customer), "20.27")
    assert fee_on(customer, "2026-12-15") == D("0.27")


def test_a_standard_without_a_late_fee_never_charges_one() -> None:
    with transaction():
        make.tariff({key: value for key, value in make.TIERED.items() if key != "late_fee"})
    customer, _ = counter.billed(14)
    assert fee_on(customer, "2028-01-01") == D("0.00")
    assert accrue("2028-01-01") == 0
    assert db.session.scalars(select(OpenItem.late_fee)).one() == 0
