"""From two readings of a dial to a volume (m³), and whether a person should look at it first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

FLOOR = Decimal(30)  # m³ a month: below this nobody's use is unusual, whatever it was before
AVERAGED = 3  # readings that a mean or an estimate looks back on

HELD_FOR = {"backwards": "止码倒走", "high": "用量偏高", "closing": "拆表止码"}


class ReadingError(ValueError):
    """The dial cannot show this; the message says why."""


class Limits(NamedTuple):
    """The plant's policies: m³ a month without history, times the mean with history, and the least such limit."""

    high_volume: Decimal
    high_factor: Decimal
    floor: Decimal = FLOOR


@dataclass(frozen=True, slots=True)
class Judgement:
    """`volume` in m³ (negative only while held for going backwards); `review`: accepted or held, and what for."""

    volume: Decimal
    review: str = "accepted"
    held_for: str = ""
    rollover: bool = False


def usual(mean: Decimal | None, limits: Limits) -> Decimal:
    """The most m³ that pass without a person looking."""
    return limits.high_volume if mean is None else max(limits.high_factor * mean, limits.floor)


def judge(
    *,
    start: Decimal,
    end: Decimal,
    modulus: Decimal,
    mean: Decimal | None,
    limits: Limits,
    carried: Decimal = Decimal(0),
) -> Judgement:
    """What the reading `end` after `start` means; `carried` m³ of the meter before (换表) come on top.

    A dial that passed its end and started again (99980 → 15) is taken so where the volume is usual, else the reading
    is held: somebody may have misread. ReadingError where the dial cannot show `end`.
    """
    check_dial(end, modulus)
    limit = usual(mean, limits)
    if end < start:
        wrapped = end + modulus - start + carried
        if wrapped <= limit:
            return Judgement(wrapped, rollover=True)
        return Judgement(end - start, "held", "backwards")
    volume = end - start + carried
    return Judgement(volume, "held", "high") if volume > limit else Judgement(volume)


def check_dial(end: Decimal, modulus: Decimal) -> None:
    """ReadingError where a dial that starts again at `modulus` cannot show `end`."""
    if end < 0:
        raise ReadingError(f"止码 {end:f} 小于零，请核对。")
    if end >= modulus:
        raise ReadingError(f"止码 {end:f} 超过量程，这块表最多走到 {modulus - 1:f}，请核对。")


def passed_zero(*, start: Decimal, end: Decimal, modulus: Decimal) -> Decimal:
    """m³ when a person says that the dial started again. ReadingError where that would be half a dial or more."""
    wrapped = end + modulus - start
    if wrapped * 2 >= modulus:
        raise ReadingError(f"止码 {end:f} 比起码 {start:f} 小，又不像走过了一圈，请更正、估抄或退回重抄。")
    return wrapped


def mean(volumes: Sequence[Decimal]) -> Decimal | None:
    """Of the last three (newest first), None without any."""
    recent = volumes[:AVERAGED]
    return sum(recent, Decimal(0)) / len(recent) if recent else None


def estimate(last_volumes: Sequence[Decimal]) -> Decimal:
    """估抄: the mean of the last three, in whole m³, half-up. ReadingError without history."""
    average = mean(last_volumes)
    if average is None:
        raise ReadingError("没有以前的用水量，无法估抄，请填写止码。")
    return average.quantize(Decimal(1), ROUND_HALF_UP)
