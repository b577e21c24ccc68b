"""按天分摊: a span of use that a price change falls into."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.billing.models import Bill
from app.billing.rules import Measured, Priced, Standard, price
from app.billing.service import issue_bills, odd_bills, preview_bills
from app.db import db, transaction
from app.staff import settings
from app.tariffs.rules import parse
from tenants.context import Tenant
from tests import factories as make

D = Decimal
FLAT = [{"item": "水费", "basis": "volume", "price": "2.00"}]
TIERS = [
    {"item": "水费", "basis": "volume", "tiers": [{"up_to": "10", "price": "1.00"}, {"up_to": None, "price": "3.00"}]}
]


def standard(number: int, charges: list[dict[str, Any]], **values: Any) -> Standard:
    return Standard(number, parse(make.TIERED | {"charges": charges} | values))


def priced(volume: str, parts: list[list[int]], *standards: Standard, before: str = "0", months: int = 1) -> Priced:
    measured = Measured(
        parts[-1][0], json.dumps(parts) if len(parts) > 1 else "", D(volume), D(before), 0, months, D(0), D(0)
    )
    return price(measured, {s.version_id: s for s in standards})


def test_the_volume_goes_by_days_and_the_lines_say_which_standard() -> None:
    old, new = standard(1, FLAT, name="旧价"), standard(2, [FLAT[0] | {"price": "4.00"}], name="新价")
    found = priced("30", [[1, 10], [2, 20]], old, new)
    assert found.amount == D("100.00")
    assert [(x["tariff"], x["volume"], x["amount"]) for x in found.document["lines"]] == [
        ("旧价", "10", "20.00"), ("新价", "20", "80.00"),
    ]  # fmt: skip
    assert found.document["parts"] == [[1, 10], [2, 20]]


def test_the_tiers_are_climbed_in_turn() -> None:
    found = priced("20", [[1, 15], [2, 15]], standard(1, TIERS), standard(2, TIERS))
    assert found.amount == priced("20", [[1, 30]], standard(1, TIERS)).amount == D("40.00")


def test_relief_is_taken_off_once() -> None:
    one, two = standard(1, TIERS, free_volume="5"), standard(2, TIERS, free_volume="5")
    found = priced("20", [[1, 10], [2, 20]], one, two)
    assert found.amount == priced("20", [[1, 30]], one).amount == D("25.00")
    assert found.document["counted"] == "15.000"


def test_the_minimum_is_held_against_the_whole_bill() -> None:
    one, two = standard(1, FLAT, minimum="10"), standard(2, FLAT, minimum="12")
    assert priced("6", [[1, 15], [2, 15]], one, two).amount == D("12.00")
    found = priced("5", [[1, 15], [2, 15]], one, two)
    assert (found.amount, found.items) == (D("12.00"), {"水费": D("10.00"), "最低消费补差": D("2.00")})
    assert priced("20", [[1, 15], [2, 15]], one, two).items == {"水费": D("40.00")}


def test_what_is_charged_by_the_month_comes_once_from_the_last_version() -> None:
    monthly = {"item": "容量水费", "basis": "month", "price": "5.00"}
    found = priced(
        "10", [[1, 15], [2, 15]], standard(1, [*FLAT, monthly]), standard(2, [*FLAT, monthly | {"price": "7.00"}])
    )
    assert found.items == {"水费": D("20.00"), "容量水费": D("7.00")}


def test_nothing_used_is_priced_by_the_last_version_alone() -> None:
    entered = [{"item": "水费", "basis": "volume", "tiers": [{"up_to": None, "price": "1.00", "fixed": "3.00"}]}]
    assert priced("0", [[1, 15], [2, 15]], standard(1, entered), standard(2, entered)).amount == D("3.00")


@given(
    volume=st.integers(0, 80_000).map(lambda n: D(n) / 1000),
    spans=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    before=st.integers(0, 20),
    free=st.integers(0, 6),
)
def test_versions_that_say_the_same_cost_what_one_costs(
    volume: Decimal, spans: list[int], before: int, free: int
) -> None:
    """Within a cent for each line that the split makes more of."""
    standards = [standard(n, make.TIERED["charges"], free_volume=str(free)) for n in range(len(spans))]
    parts = [[n, days] for n, days in enumerate(spans)]
    split = priced(str(volume), parts, *standards, before=str(before))
    whole = priced(str(volume), [[0, 30]], *standards, before=str(before))
    assert abs(split.amount - whole.amount) <= D("0.01") * len(split.document["lines"])
    volumes = [D(line["volume"]) for line in split.document["lines"] if line["item"] == "污水处理费"]
    assert sum(volumes) == max(volume - free, 0) or abs(sum(volumes) - (volume - free)) <= D("0.003")


def one_account(**values: Any) -> Bill:
    """Read on 2026-09-10 and 2026-10-10; a dearer version from 2026-10-01."""
    with transaction():
        settings.put("split_by", "days")
        make.tariff(charges=FLAT)
        make.tariff(charges=[FLAT[0] | {"price": "4.00"}], effective_from="2026-10-01")
        bound = make.binding(**values)
        if not values:
            make.reading(bound, 0, period="2026-09")
        make.reading(bound, 30, period="2026-10")
    with transaction():
        issue_bills("2026-10", on=date(2026, 11, 1), by_id=None)
    return db.session.scalars(select(Bill).where(Bill.volume > 0)).one()


def test_a_run_shares_the_days_after_the_last_reading(plant: Tenant) -> None:
    bill = one_account()
    # 20 days (09-11 … 09-30) at 2.00 and 10 days at 4.00
    assert bill.amount == D("80.00")
    assert [days for _, days in bill.document["parts"]] == [20, 10]


def test_a_meter_never_read_before_counts_from_its_binding(plant: Tenant) -> None:
    bill = one_account(bound_on=date(2026, 9, 25))
    assert [days for _, days in bill.document["parts"]] == [5, 10]
    assert bill.amount == D("100.00")


def test_a_meter_bound_after_the_change_is_not_split(plant: Tenant) -> None:
    bill = one_account(bound_on=date(2026, 10, 2))
    assert (bill.amount, "parts" in bill.document) == (D("120.00"), False)


def test_by_reading_date_the_version_of_that_day_prices_all(plant: Tenant) -> None:
    with transaction():
        settings.put("split_by", "days")
        settings.put("split_by", "reading_date")
        make.tariff(charges=FLAT)
        make.tariff(charges=[FLAT[0] | {"price": "4.00"}], effective_from="2026-10-01")
        bound = make.binding()
        make.reading(bound, 0, period="2026-09")
        make.reading(bound, 30, period="2026-10")
    with transaction():
        assert issue_bills("2026-10", on=date(2026, 11, 1), by_id=None).amount == D("120.00")


def test_the_oddest_bills_of_a_preview_come_first(plant: Tenant) -> None:
    with transaction():
        make.tariff(charges=FLAT)
        people = {}
        for name, before, now in (
            ("平常", 10, 11),
            ("暴涨", 10, 90),
            ("骤降", 20, 1),
            ("新户大", None, 60),
            ("新户小", None, 5),
        ):
            person = make.customer(holder=name)
            bound = make.binding(person)
            if before is not None:
                make.reading(bound, before, period="2026-09")
            make.reading(bound, (before or 0) + now, start=before or 0, period="2026-10")
            people[name] = person.id
    with transaction():
        issue_bills("2026-09", on=date(2026, 10, 1), by_id=None)
    preview_bills("2026-10")
    found = odd_bills("2026-10", limit=4)
    assert [one.holder for one in found] == ["骤降", "暴涨", "平常", "新户大"]
    assert (found[1].amount, found[1].mean, found[1].ratio) == (D("180.00"), D("20.00"), D("9.00"))
    assert (found[3].mean, found[3].ratio) == (None, None)
