"""What a usage costs under each rule of the tariff file, and what holds for every tariff."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest

from app.tariffs.rules import (
    MINIMUM_ITEM,
    Line,
    Rating,
    TariffError,
    Usage,
    parse,
    rate,
    tiers_fall,
)

WATER = {"item": "水费", "basis": "volume"}
THREE = [{"up_to": "10", "price": "1"}, {"up_to": "20", "price": "2"}, {"up_to": None, "price": "4"}]
BANDS = [
    {"up_to": "0.2", "multiplier": "2.5"},
    {"up_to": "0.5", "multiplier": "3"},
    {"up_to": None, "multiplier": "4"},
]


def document(*charges: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "name": "试",
        "use_category": "居民生活用水",
        "effective_from": "2026-01-01",
        "tier_cycle": "month",
        "charges": list(charges) or [{**WATER, "tiers": THREE}],
        **fields,
    }


def price(spec: dict[str, Any], volume: str | int, **usage: Any) -> Rating:
    decimals = {k: v if k in ("people", "months") else Decimal(v) for k, v in usage.items()}
    return rate(parse(spec), Usage(Decimal(volume), **decimals))


def total(spec: dict[str, Any], volume: str | int, **usage: Any) -> Decimal:
    return price(spec, volume, **usage).total


def brief(rating: Rating) -> list[tuple[Any, ...]]:
    return [(line.item, line.tier, line.volume, line.amount) for line in rating.lines]


# Tiers


def test_each_part_is_charged_at_its_own_tier_and_up_to_is_inclusive() -> None:
    assert [total(document(), v) for v in (10, 11, 20, 21)] == [10, 12, 30, 34]
    assert brief(price(document(), 10)) == [("水费", 1, 10, 10)]
    assert brief(price(document(), 21)) == [("水费", 1, 10, 10), ("水费", 2, 10, 20), ("水费", 3, 1, 4)]


def test_a_bill_starts_where_the_window_was_left() -> None:
    assert brief(price(document(), 8, used_before=15)) == [("水费", 2, 5, 10), ("水费", 3, 3, 12)]
    assert brief(price(document(), 1, used_before=10)) == [("水费", 2, 1, 2)]


def test_whole_volume_charges_everything_at_the_tier_reached() -> None:
    spec = document({**WATER, "tiers": THREE, "tier_mode": "whole_volume"})
    assert [total(spec, v) for v in (10, 11, 20, 21)] == [10, 22, 40, 84]
    assert brief(price(spec, 6, used_before=15)) == [("水费", 3, 6, 24)]


def test_a_bill_over_several_windows_multiplies_the_bounds() -> None:
    assert total(document(), 40, months=2) == 20 + 40
    assert total(document(tier_cycle="bimonth"), 30, months=3) == 15 + 30


def test_a_bill_within_one_window_keeps_the_bounds() -> None:
    assert total(document(tier_cycle="year"), 20, months=6) == 30
    assert total(document(tier_cycle="quarter"), 20, months=3) == 30


def test_thirds_of_a_window_stay_exact_in_money_and_add_up_in_volume() -> None:
    rating = price(document(tier_cycle="quarter"), 30, months=5)
    assert [line.volume for line in rating.lines] == [Decimal("16.667"), Decimal("13.333")]
    assert [line.amount for line in rating.lines] == [Decimal("16.67"), Decimal("26.67")]
    shown = [line.volume for line in price(document(tier_cycle="quarter"), 50, months=5).lines]
    assert shown == [Decimal("16.667"), Decimal("16.666"), Decimal("16.667")]
    # 10/3 m³ × 0.4515 is 1.505 exactly, and not a hair below
    tiers = [{"up_to": "10", "price": "0"}, {"up_to": None, "price": "0.4515"}]
    assert total(document({**WATER, "tiers": tiers}, tier_cycle="quarter"), 20, months=5) == Decimal("1.51")


def test_the_same_tariff_prices_bills_of_any_length_and_household() -> None:
    tariff = parse(document(household={"rule": "per_extra_person", "base": 4, "volume": ["6", "8"]}))
    usages = [Usage(Decimal(40), people=p, months=m) for m in (2, 1) for p in (6, 4)] * 2
    assert [rate(tariff, usage).total for usage in usages] == [40, 60, 66, 110] * 2


# Tiers' fixed amounts


FIXED = [
    {"up_to": "10", "price": "1", "fixed": "5"},
    {"up_to": "20", "price": "2", "fixed": "7"},
    {"up_to": None, "price": "4"},
]


@pytest.mark.parametrize(
    ("before", "volume", "entered"),
    [
        (0, 0, [5]),
        (0, 10, [5]),
        (0, 11, [5, 7]),
        (5, 5, []),
        (5, 6, [7]),
        (10, 0, []),
        (10, 1, [7]),
        (11, 5, []),
    ],
)
def test_a_fixed_amount_is_charged_once_when_its_tier_is_entered(before: int, volume: int, entered: list[int]) -> None:
    rating = price(document({**WATER, "tiers": FIXED}), volume, used_before=before)
    assert [line.amount for line in rating.lines if line.basis == "fixed"] == entered


@pytest.mark.parametrize(("before", "volume", "entered"), [(0, 0, [5]), (0, 11, [7]), (0, 30, []), (12, 3, [])])
def test_whole_volume_charges_only_the_reached_tiers_fixed_amount(before: int, volume: int, entered: list[int]) -> None:
    spec = document({**WATER, "tiers": FIXED, "tier_mode": "whole_volume"})
    rating = price(spec, volume, used_before=before)
    assert [line.amount for line in rating.lines if line.basis == "fixed"] == entered


# People


def test_each_extra_person_widens_the_tiers() -> None:
    spec = document(household={"rule": "per_extra_person", "base": 4, "volume": ["6", "8"]})
    assert [total(spec, 40, people=p) for p in (0, 4, 5, 6)] == [110, 110, 16 + 24 + 48, 22 + 28 + 16]


def test_a_lump_widens_the_tiers_once() -> None:
    spec = document(household={"rule": "lump", "from": 5, "volume": ["6", "8"]})
    assert [total(spec, 40, people=p) for p in (0, 4, 5, 9)] == [110, 110, 88, 88]


def test_per_head_bounds_take_the_place_of_the_households() -> None:
    spec = document(household={"rule": "per_head", "from": 5, "volume": ["5", "6.25"]})
    assert total(spec, 30, people=4) == 10 + 20 + 40
    assert total(spec, 40, people=6) == 30 + 15 + 10


def test_widened_bounds_are_multiplied_by_the_windows_too() -> None:
    spec = document(household={"rule": "per_extra_person", "base": 4, "volume": ["6", "8"]})
    assert total(spec, 80, people=5, months=2) == 2 * total(spec, 40, people=5)


def test_a_first_bound_pushed_past_the_second_leaves_the_second_tier_empty() -> None:
    spec = document({**WATER, "tiers": FIXED}, household={"rule": "per_extra_person", "base": 4, "volume": ["6", "0"]})
    assert brief(price(spec, 35, people=8)) == [("水费", 1, None, 5), ("水费", 1, 34, 34), ("水费", 3, 1, 4)]
    tiers = [*FIXED[:2], {"up_to": None, "price": "4", "fixed": "9"}]
    narrow = document({**WATER, "tiers": tiers}, household=spec["household"])
    assert [total(narrow, v, people=8) for v in (30, 35)] == [5 + 30, 5 + 34 + 9 + 4]


# Free volume, minimum, factor


def test_free_volume_comes_off_every_volume_charge_but_not_below_zero() -> None:
    spec = document({**WATER, "price": "3"}, {"item": "污水", "basis": "volume", "price": "1"}, free_volume="5")
    assert brief(price(spec, 12)) == [("水费", None, 7, 21), ("污水", None, 7, 7)]
    assert total(spec, 12, months=2) == 6 + 2
    assert price(spec, 3).lines == ()


def test_what_a_bill_puts_on_the_tiers_is_its_volume_after_relief() -> None:
    assert price(document(free_volume="5"), 12).volume == 7
    assert price(document(), 12).volume == 12


def test_a_line_makes_up_the_minimum_of_each_month() -> None:
    spec = document({**WATER, "price": "2.75"}, minimum="10")
    assert brief(price(spec, 3)) == [
        ("水费", None, 3, Decimal("8.25")),
        (MINIMUM_ITEM, None, None, Decimal("1.75")),
    ]
    assert total(spec, 3, months=2) == 20
    assert total(spec, 4) == 11


def test_a_volume_factor_scales_the_price_of_all_cubic_metres_and_not_the_tiers() -> None:
    spec = document({**WATER, "tiers": THREE, "volume_factor": "0.9"})
    assert total(spec, 20) == 9 + 18
    assert price(spec, 20).lines[0].as_json()["volume_factor"] == "0.9"


def test_a_volume_of_zero_makes_no_line() -> None:
    assert price(document({**WATER, "price": "3"}), 0) == Rating((), Decimal(0), Decimal(0))


# Over quota


def test_volume_above_the_quota_costs_a_multiple_by_bands() -> None:
    rating = price(document({**WATER, "price": "1"}, over_quota=BANDS), 1600, quota=1000)
    assert rating.total == 2800
    assert [(line.volume, line.multiplier) for line in rating.lines] == [
        (1000, None),
        (200, Decimal("2.5")),
        (300, 3),
        (100, 4),
    ]


def test_the_bands_are_inclusive_above() -> None:
    spec = document({**WATER, "price": "1"}, over_quota=BANDS)
    assert [total(spec, v, quota=1000) for v in (1000, 1200, 1500)] == [1000, 1500, 2400]
    assert [len(price(spec, v, quota=1000).lines) for v in (1000, 1200, 1500)] == [1, 2, 3]


def test_no_quota_no_extra() -> None:
    spec = document({**WATER, "price": "1"}, over_quota=BANDS)
    assert total(spec, 1600) == total(spec, 1600, quota=0) == 1600


def test_the_quota_counts_from_the_start_of_the_window() -> None:
    spec = document({**WATER, "price": "1"}, over_quota=BANDS, tier_cycle="year")
    assert total(spec, 300, used_before=900, quota=1000) == 100 + 500
    assert total(spec, 100, used_before=1600, quota=1000) == 400


def test_over_quota_multiplies_the_price_of_the_tier_it_falls_in() -> None:
    spec = document({**WATER, "tiers": THREE}, over_quota=[{"up_to": None, "multiplier": "2"}])
    assert total(spec, 21, quota=15) == 10 + 10 + 5 * 2 * 2 + 4 * 2


def test_the_quota_is_for_the_whole_bill_also_over_thirds_of_a_window() -> None:
    spec = document({**WATER, "price": "1"}, over_quota=BANDS, tier_cycle="quarter")
    assert total(spec, 1600, quota=1000, months=5) == 2800


def test_over_quota_touches_only_the_first_volume_charge() -> None:
    capacity = {"item": "容量水费", "basis": "month", "price": "5"}
    sewage = {"item": "污水", "basis": "volume", "price": "1"}
    spec = document(capacity, {**WATER, "price": "1"}, sewage, over_quota=[{"up_to": None, "multiplier": "3"}])
    assert brief(price(spec, 20, quota=10)) == [
        ("容量水费", None, None, 5),
        ("水费", None, 10, 10),
        ("水费", None, 10, 30),
        ("污水", None, 20, 20),
    ]


def test_over_quota_on_whole_volume_is_at_the_reached_price() -> None:
    spec = document(
        {**WATER, "tiers": THREE, "tier_mode": "whole_volume"},
        over_quota=[{"up_to": None, "multiplier": "2"}],
    )
    assert total(spec, 20, quota=15) == 15 * 2 + 5 * 2 * 2


# Other bases


def test_charges_per_month_head_household_area_and_hour() -> None:
    bases = ("month", "head", "household", "area", "hour")
    spec = document(*({"item": basis, "basis": basis, "price": "1.5"} for basis in bases))
    rating = price(spec, 0, people=4, months=2, area="3.5", hours="0.25")
    assert [(line.quantity, line.amount) for line in rating.lines] == [
        (2, 3),
        (8, 12),
        (2, 3),
        (Decimal("3.5"), Decimal("5.25")),
        (Decimal("0.25"), Decimal("0.38")),
    ]


def test_nobody_is_charged_per_head_where_the_number_of_people_is_unknown() -> None:
    assert price(document({"item": "人口水费", "basis": "head", "price": "3"}), 5).lines == ()


# Rounding, lines, refusals


def test_each_line_is_rounded_half_up_once_and_the_total_is_their_sum() -> None:
    spec = document({**WATER, "price": "0.335"}, {"item": "污水", "basis": "volume", "price": "0.335"})
    assert [line.amount for line in price(spec, 1).lines] == [Decimal("0.34")] * 2
    assert total(spec, 1) == Decimal("0.68")


def test_a_line_is_written_as_the_file_format_says() -> None:
    line = Line("水费", "volume", 1, Decimal("180.000"), Decimal("5.0000"), Decimal("900.00"))
    assert line.as_json() == {"item": "水费", "tier": 1, "volume": "180", "price": "5.00", "amount": "900.00"}
    assert price(document(minimum="10"), 0).lines[0].as_json() == {"item": MINIMUM_ITEM, "amount": "10.00"}
    lines = price(document({**WATER, "price": "1.2345"}, over_quota=BANDS), "1.5", quota=1).lines
    assert lines[1].as_json() == {
        "item": "水费",
        "volume": "0.2",
        "price": "1.2345",
        "multiplier": "2.5",
        "amount": "0.62",
    }


@pytest.mark.parametrize(
    "usage", [{"volume": -1}, {"used_before": -1}, {"people": -1}, {"months": 0}, {"area": -1}, {"hours": -1}]
)
def test_a_usage_that_cannot_be_is_refused(usage: dict[str, int]) -> None:
    charges = ({"item": basis, "basis": basis, "price": "1"} for basis in ("volume", "area", "hour"))
    with pytest.raises(TariffError):
        rate(parse(document(*charges)), Usage(**{"volume": 1, **usage}))  # type: ignore[arg-type]


def test_a_binary_fraction_never_reaches_an_amount() -> None:
    with pytest.raises(TypeError):
        rate(parse(document()), Usage(1.5))  # type: ignore[arg-type]


def test_equal_files_make_equal_tariffs_also_after_use_and_pickling() -> None:
    tariff = parse(document())
    rate(tariff, Usage(Decimal(5)))
    assert tariff == parse(document()) == pickle.loads(pickle.dumps(tariff))
    assert hash(tariff) == hash(parse(document()))


def test_falling_prices_are_accepted_and_told() -> None:
    tiers = [{"up_to": "10", "price": "2"}, {"up_to": None, "price": "1"}]
    assert tiers_fall(parse(document({**WATER, "tiers": tiers})))
    assert not tiers_fall(parse(document()))
