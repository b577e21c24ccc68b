"""What holds for every tariff."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.tariffs.rules import (
    Usage,
    allocate,
    parse,
    rate,
    tiers_fall,
)
from tests.tariffs.test_rules import BANDS, WATER, document

# What holds for every tariff

volumes = st.integers(0, 400_000).map(lambda n: Decimal(n) / 1000)
prices = st.integers(0, 99_999).map(lambda n: str(Decimal(n) / 10_000))


@st.composite
def tariff_documents(draw: st.DrawFn, *, mode: str | None = None, rising: bool = False) -> dict[str, Any]:
    count = draw(st.integers(1, 4))
    bounds = sorted(draw(st.sets(st.integers(1, 300), min_size=count, max_size=count)))
    tier_prices = draw(st.lists(prices, min_size=count + 1, max_size=count + 1))
    if rising:
        tier_prices.sort(key=Decimal)
    ends = [*map(str, bounds), None]
    tiers = [{"up_to": end, "price": p} for end, p in zip(ends, tier_prices, strict=True)]
    modes = st.just(mode) if mode else st.sampled_from(["graduated", "whole_volume"])
    water = {**WATER, "tiers": tiers, "tier_mode": draw(modes)}
    sewage = {"item": "污水", "basis": "volume", "price": draw(prices), "volume_factor": "0.9"}
    spec = document(water, sewage, tier_cycle=draw(st.sampled_from(["month", "bimonth", "quarter", "year"])))
    if draw(st.booleans()):
        widened = [str(draw(st.integers(0, 30))) for _ in bounds]
        spec["household"] = {"rule": "per_extra_person", "base": 4, "volume": widened}
    if draw(st.booleans()):
        spec["over_quota"] = BANDS
    return spec


people = st.integers(0, 9)
months = st.integers(1, 14)
quotas = st.none() | st.integers(1, 300).map(Decimal)


@settings(database=None, deadline=None)
@given(tariff_documents(), volumes, volumes, people, months, quotas, st.sampled_from(["0", "3", "300"]))
def test_lines_always_sum_to_the_total(
    spec: dict[str, Any], v: Decimal, before: Decimal, p: int, m: int, quota: Decimal | None, minimum: str
) -> None:
    rating = rate(parse({**spec, "minimum": minimum}), Usage(v, before, p, m, quota))
    assert sum(line.amount for line in rating.lines) == rating.total >= Decimal(minimum) * m


@settings(database=None, deadline=None)
@given(tariff_documents(), volumes, volumes, people, months, quotas)
def test_the_volumes_of_a_charges_lines_sum_to_the_billed_volume(
    spec: dict[str, Any], v: Decimal, before: Decimal, p: int, m: int, quota: Decimal | None
) -> None:
    rating = rate(parse({**spec, "free_volume": "2"}), Usage(v, before, p, m, quota))
    assert rating.volume == max(Decimal(0), v - 2 * m)
    for item in ("水费", "污水"):
        assert sum(line.volume or 0 for line in rating.lines if line.item == item) == rating.volume


@settings(database=None, deadline=None)
@given(tariff_documents(mode="graduated"), st.lists(volumes, min_size=1, max_size=6), people, quotas)
def test_billing_a_window_in_any_split_of_readings_equals_one_bill(
    spec: dict[str, Any], readings: list[Decimal], p: int, quota: Decimal | None
) -> None:
    tariff, before, parts, lines = parse(spec), Decimal(0), Decimal(0), 0
    for reading in readings:
        rating = rate(tariff, Usage(reading, before, p, quota=quota))
        before, parts, lines = before + rating.volume, parts + rating.total, lines + len(rating.lines)
    once = rate(tariff, Usage(sum(readings, Decimal(0)), people=p, quota=quota))
    assert abs(once.total - parts) <= Decimal("0.01") * (lines + len(once.lines))


@settings(database=None, deadline=None)
@given(tariff_documents(rising=True), volumes, volumes, volumes, people, months, quotas)
def test_using_more_never_costs_less_where_tiers_rise(
    spec: dict[str, Any],
    v: Decimal,
    more: Decimal,
    before: Decimal,
    p: int,
    m: int,
    quota: Decimal | None,
) -> None:
    tariff = parse(spec)
    assert not tiers_fall(tariff)
    less = rate(tariff, Usage(v, before, p, m, quota)).total
    # whole_volume over several rounded lines may differ by their half cents
    slack = Decimal("0.05") if spec["charges"][0]["tier_mode"] == "whole_volume" else Decimal(0)
    assert rate(tariff, Usage(v + more, before, p, m, quota)).total >= less - slack


@settings(database=None, deadline=None)
@given(tariff_documents(rising=True), volumes, months)
def test_more_people_never_pay_more_where_tiers_rise(spec: dict[str, Any], v: Decimal, m: int) -> None:
    bounds = len(spec["charges"][0]["tiers"]) - 1
    tariff = parse({**spec, "household": {"rule": "per_extra_person", "base": 4, "volume": ["6"] * bounds}})
    totals = [rate(tariff, Usage(v, people=p, months=m)).total for p in (4, 5, 7)]
    assert totals[1] <= totals[0] + Decimal("0.03")
    assert totals[2] <= totals[1] + Decimal("0.03")


@settings(database=None)
@given(volumes, st.lists(st.integers(0, 100), min_size=1, max_size=5).filter(any))
def test_mixed_use_always_adds_up_and_is_never_negative(v: Decimal, weights: list[int]) -> None:
    assume(all(Decimal(w * 10_000) % sum(weights) == 0 for w in weights))
    parts = allocate(v, [Decimal(w) / sum(weights) for w in weights])
    assert sum(parts) == v
    assert min(parts) >= 0
