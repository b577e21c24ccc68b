"""From a dial to a volume, and what a person should look at."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.readings.rules import Limits, ReadingError, estimate, judge, mean, passed_zero, usual

LIMITS = Limits(Decimal(100), Decimal(3))
MODULUS = Decimal(100000)
dial = st.decimals(min_value=0, max_value=Decimal("99999.999"), places=3)
means = st.none() | st.decimals(min_value=0, max_value=500, places=3)


def judged(start: int | str, end: int | str, average: int | None = None, modulus: Decimal = MODULUS) -> object:
    found = judge(
        start=Decimal(start),
        end=Decimal(end),
        modulus=modulus,
        mean=None if average is None else Decimal(average),
        limits=LIMITS,
    )
    return found.volume, found.review, found.held_for, found.rollover


@pytest.mark.parametrize(
    ("start", "end", "average", "expected"),
    [
        (666, 668, None, (2, "accepted", "", False)),
        (0, 0, None, (0, "accepted", "", False)),
        (0, 100, None, (100, "accepted", "", False)),
        (0, 101, None, (101, "held", "high", False)),
        (896, 1876, None, (980, "held", "high", False)),
        (0, 30, 2, (30, "accepted", "", False)),  # three times 2 is little: 30 is always usual
        (0, 31, 2, (31, "held", "high", False)),
        (0, 60, 20, (60, "accepted", "", False)),
        (0, 61, 20, (61, "held", "high", False)),
        (99980, 15, None, (35, "accepted", "", True)),
        (99980, 15, 5, (35, "held", "backwards", False)),  # 35 is unusual for 5 a month: perhaps misread
        (292, 285, None, (-7, "held", "backwards", False)),
    ],
)
def test_judgements(start: int, end: int, average: int | None, expected: tuple[object, ...]) -> None:
    found = judged(start, end, average)
    assert found == expected or found == (Decimal(end - start), *expected[1:])


@pytest.mark.parametrize(("end", "word"), [("100000", "超过量程"), ("100001", "超过量程"), ("-1", "小于零")])
def test_what_the_dial_cannot_show_is_refused(end: str, word: str) -> None:
    with pytest.raises(ReadingError, match=word):
        judged(0, end)


def test_a_four_digit_dial_starts_again_at_ten_thousand() -> None:
    assert judged(9990, 5, modulus=Decimal(10000)) == (15, "accepted", "", True)


@given(start=dial, end=dial, average=means)
def test_every_reading_is_accepted_as_usual_or_held(start: Decimal, end: Decimal, average: Decimal | None) -> None:
    found = judge(start=start, end=end, modulus=MODULUS, mean=average, limits=LIMITS)
    if found.review == "accepted":
        assert 0 <= found.volume <= usual(average, LIMITS)
        assert (start + found.volume) % MODULUS == end
    else:
        assert found.held_for == ("backwards" if found.volume < 0 else "high")
    assert found.rollover == (found.review == "accepted" and end < start)


@given(start=dial, end=dial, volume=st.decimals(min_value=0, max_value=1000, places=3))
def test_what_the_old_meter_had_left_comes_on_top(start: Decimal, end: Decimal, volume: Decimal) -> None:
    plain = judge(start=start, end=end, modulus=MODULUS, mean=None, limits=LIMITS)
    more = judge(start=start, end=end, modulus=MODULUS, mean=None, limits=LIMITS, carried=volume)
    if plain.volume >= 0 and more.volume >= 0:
        assert more.volume == plain.volume + volume


def test_a_person_may_say_that_the_dial_passed_zero_but_not_that_it_ran_half_round() -> None:
    assert passed_zero(start=Decimal(99000), end=Decimal(500), modulus=MODULUS) == 1500
    with pytest.raises(ReadingError, match="不像走过了一圈"):
        passed_zero(start=Decimal(292), end=Decimal(285), modulus=MODULUS)


@pytest.mark.parametrize(
    ("volumes", "expected"), [([7], 7), ([7, 8], 8), ([10, 10, 11], 10), ([10, 11, 11], 11), ([3, 4, 5, 900], 4)]
)
def test_an_estimate_is_the_mean_of_the_last_three_in_whole_cubic_metres(volumes: list[int], expected: int) -> None:
    assert estimate([Decimal(v) for v in volumes]) == expected


def test_nothing_is_estimated_from_nothing() -> None:
    assert mean([]) is None
    with pytest.raises(ReadingError, match="没有以前的用水量"):
        estimate([])
