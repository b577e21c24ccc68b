"""What is left open on a bill, where late fees and payments meet."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.db import transaction
from app.payments.service import late_fees
from app.payments.service.auto_deduct import deduct_prepayments
from app.staff import settings
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter

D = Decimal
pytestmark = pytest.mark.usefixtures("plant")


def test_a_fee_on_what_was_charged_stops_growing_when_the_bill_itself_is_paid(plant: Tenant) -> None:
    with transaction():
        settings.put("payment_order", "principal_first")
        make.tariff(late_fee=make.LATE_FEE | {"base": "charged", "daily_rate": "0.01"})
    customer, (bill,) = counter.billed(10)
    with counter.on("2026-12-05"):  # ten days late: 3.35
        counter.pay(customer, [bill], "33.50")
        assert counter.owed(customer) == [(bill, D("0.00"), D("3.35"))]
    with transaction():
        late_fees.accrue(on=date(2027, 1, 5))
    assert counter.owed(customer) == [(bill, D("0.00"), D("3.35"))]
    counter.books()


def test_a_deduction_decides_the_fraction_of_a_cent(plant: Tenant) -> None:
    customer, (bill,) = counter.billed(20, auto_deduct=True)  # 0.048 a day
    counter.put_in(customer, "1")
    with transaction():
        deduct_prepayments(on=date(2026, 11, 28))  # three days: 0.144, so 0.14
    assert counter.owed(customer) == [(bill, D("95.14"), D("0.000000"))]
    counter.books()


def test_a_fee_grows_from_the_day_after_the_due_day_and_once_a_day(plant: Tenant) -> None:
    late, (bill,) = counter.billed(20)
    with transaction():
        assert late_fees.accrue(on=date(2026, 11, 25)) == 0
        assert late_fees.accrue(on=date(2026, 11, 26)) == 1
        assert late_fees.accrue(on=date(2026, 11, 26)) == 0
    assert counter.owed(late) == [(bill, D("96.00"), D("0.048"))]
