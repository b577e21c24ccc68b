"""A standard in the words of the village: 「0–8 吨 ¥2.00」. Pure."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from app.money import fmt_yuan

from .model import Charge, Household, LateFeeRule, OverQuotaBand, Tariff, TierCycle

CYCLES: dict[TierCycle, str] = {"month": "每月", "bimonth": "每两月", "quarter": "每季", "year": "每年"}
PER = {"volume": "吨", "month": "月", "head": "人·月", "household": "户·月", "area": "单位面积", "hour": "小时"}
HOW = {
    "volume": "按水量", "month": "按月", "head": "按人口", "household": "按户", "area": "按面积", "hour": "按小时",
}  # fmt: skip


class Phrase(NamedTuple):
    """One charge: 水费, ('0–8 吨 ¥2.00', …), and how it is to be understood."""

    item: str
    terms: tuple[str, ...]
    how: str


def price(value: Decimal) -> str:
    """At least two decimals: ¥2.00, ¥0.3575."""
    whole, _, decimals = f"{value:f}".partition(".")
    return f"¥{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def plain(value: Decimal) -> str:
    """Without useless zeros: 12, 12.5."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def phrases(tariff: Tariff) -> tuple[Phrase, ...]:
    """Every charge in words, in the order of the standard."""
    return tuple(Phrase(c.item, _terms(c), _how(c, tariff)) for c in tariff.charges)


def summary(tariff: Tariff) -> str:
    """All charges in one line, as a list or a workbook shows them."""
    return "；".join(f"{p.item} {'，'.join(p.terms)}" for p in phrases(tariff))


def conditions(tariff: Tariff) -> tuple[tuple[str, str], ...]:
    """What else the standard says: label and sentence, left out where it says nothing."""
    said = [
        ("免费水量", f"每月 {plain(tariff.free_volume)} 吨" if tariff.free_volume else ""),
        ("最低消费", f"每月 {fmt_yuan(tariff.minimum)}" if tariff.minimum else ""),
        ("户籍人口", _people(tariff.household) if tariff.household else ""),
        ("超定额加价", "；".join(_bands(tariff.over_quota))),
        ("违约金", _late(tariff.late_fee) if tariff.late_fee else ""),
    ]
    return tuple((label, words) for label, words in said if words)


def _terms(charge: Charge) -> tuple[str, ...]:
    factor = "" if charge.volume_factor == 1 else f" × {plain(charge.volume_factor)}"
    if charge.price is not None:
        return (f"{price(charge.price)}/{PER[charge.basis]}{factor}",)
    terms, lower = [], Decimal(0)
    for tier in charge.tiers:
        if tier.up_to is not None:
            reach = f"{plain(lower)}–{plain(tier.up_to)} 吨"
            lower = tier.up_to
        else:
            reach = f"{plain(lower)} 吨以上" if lower else "每吨"
        entered = f"（另收 {price(tier.fixed)}）" if tier.fixed else ""
        terms.append(f"{reach} {price(tier.price)}{factor}{entered}")
    return tuple(terms)


def _how(charge: Charge, tariff: Tariff) -> str:
    if len(charge.tiers) < 2:
        return HOW[charge.basis]
    mode = "各段按各段的价" if charge.tier_mode == "graduated" else "全部按到达的那一档"
    return f"{CYCLES[tariff.tier_cycle]}阶梯，{mode}"


def _people(rule: Household) -> str:
    volumes = "、".join(plain(volume) for volume in rule.volume)
    if rule.rule == "per_extra_person":
        return f"超过 {rule.base} 人，每多 1 人各档上限加 {volumes} 吨"
    if rule.rule == "lump":
        return f"{rule.from_people} 人及以上，各档上限加 {volumes} 吨"
    return f"{rule.from_people} 人及以上，各档上限按每人 {volumes} 吨计"


def _bands(bands: tuple[OverQuotaBand, ...]) -> list[str]:
    said = []
    for before, band in pairwise((None, *bands)):
        assert band is not None
        lower = before.up_to * 100 if before and before.up_to is not None else Decimal(0)
        reach = f"{plain(lower)}% 以上" if band.up_to is None else f"{plain(lower)}%–{plain(band.up_to * 100)}%"
        said.append(f"超出 {reach} {plain(band.multiplier)} 倍")
    return said


def _late(rule: LateFeeRule) -> str:
    grace = f"宽限 {rule.grace_days} 天，" if rule.grace_days else ""
    base = "欠费" if rule.base == "unpaid" else "应收"
    cap = "" if rule.cap is None else f"，最多收到本金的 {plain(rule.cap * 100)}%"
    least = f"，至少 {fmt_yuan(rule.minimum)}" if rule.minimum else ""
    return f"每月 {rule.due_day} 日截止，{grace}逾期每天按{base}的 {plain(rule.daily_rate * 100)}%{cap}{least}"
