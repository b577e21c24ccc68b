"""The calendar window that tiers climb in, and how one meter's volume is shared between standards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from app.money import D, volume3

from .model import CYCLE_MONTHS, TariffError, TierCycle

ZERO = Decimal(0)
_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def cycle_window(tier_cycle: TierCycle, period: str) -> tuple[str, str]:
    """First and last period of the calendar window `period` stands in: bimonth, '2026-10' → 2026-09, 2026-10.

    TariffError for a period not so written.
    """
    match = _PERIOD.fullmatch(period)
    if not match:
        raise TariffError("period", "账期应写成 2026-10 这样的年月。")
    months = CYCLE_MONTHS[tier_cycle]
    first = (int(match[2]) - 1) // months * months + 1
    return f"{match[1]}-{first:02d}", f"{match[1]}-{first + months - 1:02d}"


class FixedVolume(NamedTuple):
    """So many m³ of a mixed use, whatever the meter shows, as long as it shows that much."""

    volume: Decimal


def allocate(volume: Decimal, mix: Sequence[str | Decimal | FixedVolume]) -> list[Decimal]:
    """混合用水: the m³ each standard gets, in the order of `mix`; they add up to `volume` exactly.

    A fixed volume is served first, capped at what there is; shares ('0.1', '0.9') divide the rest, each
    half-up to 0.001 m³, the last takes the remainder. TariffError: shares missing, negative or not making 1.
    """
    shares = [None if isinstance(part, FixedVolume) else D(part) for part in mix]
    given = [share for share in shares if share is not None]
    if not given or min(given) < 0 or sum(given) != 1:
        raise TariffError("mix", "混合用水的各项比例不能是负数，加起来要等于 1。")
    fixed = [part.volume if isinstance(part, FixedVolume) else ZERO for part in mix]
    if min(fixed) < 0 or volume < 0:
        raise TariffError("mix", "水量不能是负数。")
    left = volume
    parts = [ZERO] * len(shares)
    for index, share in enumerate(shares):
        if share is None:
            parts[index] = min(fixed[index], left)
            left -= parts[index]
    rest = left
    for index, share in enumerate(shares):
        if share is not None:
            parts[index] = last = min(volume3(rest * share), left)
            left -= last
    parts[max(i for i, share in enumerate(shares) if share is not None)] += left
    return parts
