"""From what was used to what is owed: one rule for one bill and for fifty thousand. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from app.money import volume3, yuan
from app.tariffs.rules import CYCLE_MONTHS, MINIMUM_ITEM, FixedVolume, LateFeeRule, Line, Tariff, Usage, allocate, rate

ZERO = Decimal(0)
YUAN_ZERO = Decimal("0.00")


class Measured(NamedTuple):
    """What decides a bill's amount. Bills that agree in it are priced once.

    `parts`: standards that share the volume, as JSON: [[version_id, "0.1"], …] for a mixed use by shares (or
    [version_id, {"volume": "5"}]), or [[version_id, days], …] where a price change falls into the span.
    """

    version_id: int
    parts: str
    volume: Decimal
    used_before: Decimal
    people: int
    months: int
    quota: Decimal  # m³ a year
    area: Decimal


class Priced(NamedTuple):
    """The bill of a Measured: `items` sums the lines by component, `document` is kept on the bill for good."""

    amount: Decimal
    items: dict[str, Decimal]
    document: dict[str, Any]


class Standard(NamedTuple):
    """A tariff version by its id."""

    version_id: int
    tariff: Tariff


def price(measured: Measured, standards: Mapping[int, Standard]) -> Priced:
    """Price one bill. TariffError where the usage is impossible; KeyError where a version is unknown."""
    parts: list[Any] = json.loads(measured.parts) if measured.parts else []
    shares = _shares(measured, parts, standards)
    lines: list[dict[str, Any]] = []
    items: dict[str, Decimal] = {}
    amount, counted = YUAN_ZERO, ZERO
    for standard, usage in shares:
        rating = rate(standard.tariff, usage)
        amount += rating.total
        counted += rating.volume
        for line in rating.lines:
            items[line.item] = items.get(line.item, YUAN_ZERO) + line.amount
            lines.append(_stored(line, standard if len(shares) > 1 else None))
    lacking = _lacking(amount, measured, parts, standards)
    if lacking:
        items[MINIMUM_ITEM], amount = lacking, amount + lacking
        lines.append(_stored(Line(MINIMUM_ITEM, "minimum", None, None, None, lacking), None))
    document: dict[str, Any] = {
        "tariffs": [{"version_id": s.version_id, "name": s.tariff.name} for s, _ in shares],
        "lines": lines,
    }
    document |= _circumstances(measured, parts, counted)
    rule = shares[-1 if _is_by_days(parts) else 0][0].tariff.late_fee
    if rule:
        document["late_fee"] = _late_fee(rule)
    return Priced(amount, items, document)


def _circumstances(measured: Measured, parts: list[Any], counted: Decimal) -> dict[str, Any]:
    """What else than the volume decided the amount, so that the bill can be priced again (退补水量)."""
    found: dict[str, Any] = {}
    if measured.months != 1:
        found["months"] = measured.months
    for name in ("used_before", "people", "quota", "area"):
        value = getattr(measured, name)
        if value:
            found[name] = value if isinstance(value, int) else str(value)
    if counted != measured.volume:
        found["counted"] = str(counted)  # m³ on the tiers, where relief took some off
    if parts:
        found["parts"] = parts
    return found


def measured_again(document: Mapping[str, Any], volume: Decimal) -> Measured:
    """The usage a bill was priced by, with another volume."""
    parts = document.get("parts")
    return Measured(
        version_id=document["tariffs"][0]["version_id"],
        parts=json.dumps(parts) if parts else "",
        volume=volume,
        used_before=Decimal(document.get("used_before", 0)),
        people=document.get("people", 0),
        months=document.get("months", 1),
        quota=Decimal(document.get("quota", 0)),
        area=Decimal(document.get("area", 0)),
    )


def _stored(line: Line, standard: Standard | None) -> dict[str, Any]:
    stored = _written(line)
    return stored | {"tariff": standard.tariff.name} if standard else stored


@lru_cache(maxsize=500)
def _late_fee(rule: LateFeeRule) -> dict[str, str]:
    found = {"daily_rate": str(rule.daily_rate), "base": rule.base, "minimum": str(rule.minimum)}
    return found if rule.cap is None else found | {"cap": str(rule.cap)}


@lru_cache(maxsize=50_000)
def _written(line: Line) -> dict[str, Any]:
    """A line as it is stored; in a plant the same ones come again and again."""
    return dict(line.as_json())


def _shares(measured: Measured, parts: list[Any], standards: Mapping[int, Standard]) -> list[tuple[Standard, Usage]]:
    usage = Usage(
        measured.volume,
        measured.used_before,
        measured.people,
        measured.months,
        _quota_of(measured, standards[measured.version_id].tariff),
        measured.area,
    )
    if not parts:
        return [(standards[measured.version_id], usage)]
    if _is_by_days(parts):
        return _by_days(usage, parts, standards)
    mix: list[str | Decimal | FixedVolume] = [
        FixedVolume(Decimal(how["volume"])) if isinstance(how, dict) else Decimal(how) for _, how in parts
    ]
    volumes, before = allocate(usage.volume, mix), allocate(usage.used_before, mix)
    return [
        (standards[version_id], usage._replace(volume=volume, used_before=earlier))
        for (version_id, _), volume, earlier in zip(parts, volumes, before, strict=True)
    ]


def _quota_of(measured: Measured, tariff: Tariff) -> Decimal | None:
    """定额 of the window the bill stands in, or of the bill's months where it is longer."""
    months = max(measured.months, CYCLE_MONTHS[tariff.tier_cycle])
    return measured.quota * months / 12 if measured.quota else None


def _is_by_days(parts: Sequence[Any]) -> bool:
    return bool(parts) and isinstance(parts[0][1], int)


def _by_days(
    usage: Usage, parts: Sequence[Sequence[int]], standards: Mapping[int, Standard]
) -> list[tuple[Standard, Usage]]:
    """As if the meter had been read on the day before each change: m³ by days, in turn up the tiers.

    Relief (m³ a month) goes by days too. What is charged by month, head or area comes once, from the last version;
    the minimum is held against the whole bill (`_lacking`). A version that no water falls to is left out.
    """
    spans = [days for _, days in parts]
    found, before = [], usage.used_before
    for index, (version_id, _) in enumerate(parts):
        standard, is_last = standards[version_id], index == len(parts) - 1
        free = _share_of_days(standard.tariff.free_volume * usage.months, spans, index)
        volume = max(_share_of_days(usage.volume, spans, index) - free, ZERO)
        charges = standard.tariff.charges
        if not is_last:
            charges = tuple(charge for charge in charges if charge.basis == "volume")
        tariff = replace(standard.tariff, charges=charges, minimum=ZERO, free_volume=ZERO)
        if volume or is_last:
            found.append((standard._replace(tariff=tariff), usage._replace(volume=volume, used_before=before)))
        before += volume
    return found


def _share_of_days(total: Decimal, spans: Sequence[int], index: int) -> Decimal:
    """What falls to one span of days, to 0.001; all spans together get the total."""
    days, until = sum(spans), sum(spans[: index + 1])
    return volume3(total * until / days) - volume3(total * (until - spans[index]) / days)


def _lacking(amount: Decimal, measured: Measured, parts: Sequence[Any], standards: Mapping[int, Standard]) -> Decimal:
    """Yuan up to the minimum of a bill split by days; other bills have it from their rating."""
    if not _is_by_days(parts):
        return YUAN_ZERO
    least = yuan(standards[parts[-1][0]].tariff.minimum * measured.months)
    return max(least - amount, YUAN_ZERO)


def difference(corrected: Sequence[Mapping[str, Any]], billed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lines that make `billed` into `corrected`: per item, tier and price the m³, quantity and yuan to add."""
    sums: dict[tuple[Any, ...], dict[str, Decimal]] = {}
    for sign, lines in ((1, corrected), (-1, billed)):
        for line in lines:
            measures = {name: sign * Decimal(line[name]) for name in _MEASURES if name in line}
            kept = sums.setdefault(_line_key(line), dict.fromkeys(measures, ZERO))
            for name, value in measures.items():
                kept[name] += value
    return [
        dict(key[1:]) | {name: f"{value:f}" for name, value in measures.items()}
        for key, measures in sums.items()
        if any(measures.values())
    ]


_MEASURES = ("volume", "quantity", "amount")


def _line_key(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """Lines that agree in this are one; a tier's fixed amount (a quantity) is not its m³ (a volume)."""
    return ("quantity" in line, *((name, line[name]) for name in line if name not in _MEASURES))
