"""The tariff rules: what a file means, what usage and lateness cost. Pure: standard library and app.money."""

from .lateness import days_late, due_date, late_fee
from .model import (
    CYCLE_MONTHS,
    Charge,
    Household,
    LateFeeRule,
    OverQuotaBand,
    Tariff,
    TariffError,
    Tier,
    tiers_fall,
)
from .parsing import parse
from .rating import MINIMUM_ITEM, Line, Rating, Usage, rate
from .windows import FixedVolume, allocate, cycle_window
from .wording import Phrase, conditions, phrases, summary

__all__ = [
    "CYCLE_MONTHS",
    "MINIMUM_ITEM",
    "Charge",
    "FixedVolume",
    "Household",
    "LateFeeRule",
    "Line",
    "OverQuotaBand",
    "Phrase",
    "Rating",
    "Tariff",
    "TariffError",
    "Tier",
    "Usage",
    "allocate",
    "conditions",
    "cycle_window",
    "days_late",
    "due_date",
    "late_fee",
    "parse",
    "phrases",
    "rate",
    "summary",
    "tiers_fall",
]
