"""Where a bill's tiers start: the last bill says it, and it is what all the window's earlier bills sum up to."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.billing.models import Bill
from app.billing.service import issue_bills, reverse_bill
from app.billing.service.meters import change_meter
from app.db import db, transaction
from app.errors import DomainError
from app.metering.models import MeterBinding
from app.payments.service.adjust_volume import adjust_volume
from tenants.context import Tenant
from tests import factories as make

MONTHS = [f"2026-{month:02d}" for month in range(1, 11)]
NIGHT = date(2026, 11, 1)
BOUNDS = [{"up_to": "60", "price": "2.00"}, {"up_to": "90", "price": "3.00"}, {"up_to": None, "price": "6.00"}]
YEARLY = make.TIERED | {
    "tier_cycle": "year",
    "charges": [{"item": "水费", "basis": "volume", "tier_mode": "graduated", "tiers": BOUNDS}],
}
pytestmark = pytest.mark.usefixtures("plant")


def line_of(bound: MeterBinding) -> list[int]:
    """The binding and those it took the place of."""
    found = [bound]
    while found[-1].replaces_id:
        found.append(db.session.get_one(MeterBinding, found[-1].replaces_id))
    return [one.id for one in found]


def used_before(bill: Bill, first: str) -> Decimal:
    """m³ of the window's earlier bills that had been made when this one was."""
    line = line_of(db.session.get_one(MeterBinding, bill.binding_id))
    query = select(func.coalesce(func.sum(Bill.volume), 0)).where(
        Bill.binding_id.in_(line), Bill.period >= first, Bill.period < bill.period, Bill.run_id < bill.run_id
    )
    return Decimal(db.session.scalars(query).one())


@pytest.mark.parametrize("seed", range(12))
def test_tiers_start_where_all_earlier_bills_of_the_window_end(plant: Tenant, seed: int) -> None:
    """Months left out, billed late, taken back, corrected, and meters changed: in any order."""
    dice = random.Random(seed)
    with transaction():
        make.tariff(YEARLY, effective_from="2025-01-01")
        if seed % 3 == 0:  # a new price within the window: the year goes on
            make.tariff(YEARLY, effective_from="2026-06-01")
        bound = [make.binding() for _ in range(4)]
    dials = {one.customer_id: (one.id, Decimal(0)) for one in bound}
    late: list[str] = []
    for period in MONTHS:
        with transaction():
            for customer, (binding, start) in dials.items():
                if dice.random() < 0.85:
                    end = start + dice.randint(0, 40)
                    make.reading(db.session.get_one(MeterBinding, binding), str(end), start=str(start), period=period)
                    dials[customer] = (binding, end)
        if dice.random() < 0.25:
            late.append(period)
        else:
            with transaction():
                issue_bills(period, on=NIGHT, by_id=None)
        if late and dice.random() < 0.3:
            with transaction():
                issue_bills(late.pop(), on=NIGHT, by_id=None)
        _something_else(dice, dials, period)
    made = db.session.scalars(select(Bill).where(Bill.kind == "regular")).all()
    assert made
    for bill in made:
        assert Decimal(bill.document.get("used_before", 0)) == used_before(bill, "2026-01"), (bill.period, bill.id)


def _something_else(dice: random.Random, dials: dict[int, tuple[int, Decimal]], period: str) -> None:
    reversed_ids = select(Bill.reverses_id).where(Bill.reverses_id.is_not(None))
    adjusted = select(Bill.adjusts_id).where(Bill.adjusts_id.is_not(None))
    query = select(Bill.id).where(Bill.kind == "regular", Bill.id.not_in(reversed_ids), Bill.id.not_in(adjusted))
    standing = db.session.scalars(query.order_by(Bill.id)).all()
    what = dice.choice(["reverse", "adjust", "change", "", ""])
    if standing and what == "reverse":
        with transaction():
            reverse_bill(dice.choice(standing), by_id=None, reason="错")
    elif standing and what == "adjust":
        with transaction(), suppress(DomainError):  # the same m³ again
            adjust_volume(dice.choice(standing), volume=Decimal(dice.randint(0, 50)), by_id=None, reason="错")
    elif what == "change":
        customer = dice.choice(list(dials))
        binding, end = dials[customer]
        with transaction(), suppress(DomainError):  # a month not billed yet forbids it
            new = change_meter(
                binding, new_meter_id=make.meter().id, closing_reading=end, start_reading=Decimal(0),
                on=date.fromisoformat(f"{period}-20"), by_id=None,
            )  # fmt: skip
            dials[customer] = (new.id, Decimal(0))
