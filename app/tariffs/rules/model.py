"""What one version of a standard (收费标准) says, field for field as in the tariff file.

Prices are yuan per unit, bounds and volumes m³, shares and factors plain ratios.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

AppliesTo = Literal["metered", "unmetered"]
TierCycle = Literal["month", "bimonth", "quarter", "year"]
Basis = Literal["volume", "month", "head", "household", "area", "hour"]
TierMode = Literal["graduated", "whole_volume"]
Widening = Literal["per_extra_person", "lump", "per_head"]
LateFeeBase = Literal["unpaid", "charged"]

CYCLE_MONTHS: dict[TierCycle, int] = {"month": 1, "bimonth": 2, "quarter": 3, "year": 12}


class TariffError(ValueError):
    """A file or a usage that cannot be priced: `path` names the field ('': the whole), `message` says why."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}：{self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True)
class Tier:
    """阶梯: up to and with `up_to` m³ of a window (None: no end); `fixed` yuan once when it is entered."""

    up_to: Decimal | None
    price: Decimal
    fixed: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Charge:
    """费用项目: `price` or `tiers`; `volume_factor` scales what m³ cost (污水 0.9), not where tiers lie."""

    item: str
    basis: Basis
    price: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    tier_mode: TierMode = "graduated"
    volume_factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Household:
    """人口: how people widen the tiers. `base` serves per_extra_person, `from_people` lump and per_head."""

    rule: Widening
    volume: tuple[Decimal, ...]
    base: int = 0
    from_people: int = 0


@dataclass(frozen=True, slots=True)
class OverQuotaBand:
    """超定额加价: up to and with `up_to` (share of the quota; None: no end) above it, price × multiplier."""

    up_to: Decimal | None
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class LateFeeRule:
    """违约金: `cap` is a share of the principal (None: no cap), `minimum` yuan."""

    due_day: int
    daily_rate: Decimal
    grace_days: int = 0
    base: LateFeeBase = "unpaid"
    cap: Decimal | None = None
    minimum: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tariff:
    """收费标准 (one version). `free_volume` m³ and `minimum` yuan are per month of a bill."""

    name: str
    use_category: str
    applies_to: AppliesTo
    effective_from: date
    tier_cycle: TierCycle
    charges: tuple[Charge, ...]
    household: Household | None = None
    free_volume: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    over_quota: tuple[OverQuotaBand, ...] = ()
    late_fee: LateFeeRule | None = None
    plans: dict[tuple[int, int], Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What rating worked out for (people, months), kept because a bill run asks for the same few."""


def tiers_fall(tariff: Tariff) -> bool:
    """Whether some tier is cheaper than the one before: allowed, but worth asking whoever enters it."""
    return any(after.price < before.price for charge in tariff.charges for before, after in pairwise(charge.tiers))
