"""From what was used to what is owed: one rule for one bill and for fifty thousand. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from app.tariffs.rules import FixedVolume, Line, Tariff, Usage, allocate, rate

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
    quota: Decimal
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
    shares = _shares(measured, standards)
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
    document: dict[str, Any] = {
        "tariffs": [{"version_id": s.version_id, "name": s.tariff.name} for s, _ in shares],
        "lines": lines,
    }
    if measured.months != 1:
        document["months"] = measured.months
    if measured.used_before:
        document["used_before"] = str(measured.used_before)
    if counted != measured.volume:
        document["counted"] = str(counted)  # m³ on the tiers, where relief took some off
    rule = shares[0][0].tariff.late_fee
    if rule:
        document["late_fee"] = {
            "daily_rate": str(rule.daily_rate),
            "base": rule.base,
            "minimum": str(rule.minimum),
        } | ({} if rule.cap is None else {"cap": str(rule.cap)})
    return Priced(amount, items, document)


def _stored(line: Line, standard: Standard | None) -> dict[str, Any]:
    stored: dict[str, Any] = line.as_json()
    if standard:
        stored["tariff"] = standard.tariff.name
    return stored


def _shares(measured: Measured, standards: Mapping[int, Standard]) -> list[tuple[Standard, Usage]]:
    usage = Usage(
        measured.volume,
        measured.used_before,
        measured.people,
        measured.months,
        measured.quota or None,
        measured.area,
    )
    if not measured.parts:
        return [(standards[measured.version_id], usage)]
    parts: list[list[Any]] = json.loads(measured.parts)
    if isinstance(parts[0][1], int):
        return _by_days(usage, parts, standards)
    mix: list[str | Decimal | FixedVolume] = [
        FixedVolume(Decimal(how["volume"])) if isinstance(how, dict) else Decimal(how) for _, how in parts
    ]
    volumes, before = allocate(usage.volume, mix), allocate(usage.used_before, mix)
    return [
        (standards[version_id], usage._replace(volume=volume, used_before=earlier))
        for (version_id, _), volume, earlier in zip(parts, volumes, before, strict=True)
    ]


def _by_days(
    usage: Usage, parts: Sequence[Sequence[int]], standards: Mapping[int, Standard]
) -> list[tuple[Standard, Usage]]:
    """Volume by days under each version, in turn up the tiers; what is charged by the month counts once, at the end."""
    days = sum(part[1] for part in parts)
    shares: list[str | Decimal | FixedVolume] = [Decimal(part[1]) / days for part in parts[:-1]]
    shares.append(1 - sum((Decimal(str(share)) for share in shares), ZERO))
    found, before = [], usage.used_before
    volumes = allocate(usage.volume, shares)
    for (version_id, _), volume in zip(parts, volumes, strict=True):
        standard = standards[version_id]
        if version_id != parts[-1][0]:
            by_volume = tuple(charge for charge in standard.tariff.charges if charge.basis == "volume")
            standard = standard._replace(tariff=replace(standard.tariff, charges=by_volume, minimum=ZERO))
        found.append((standard, usage._replace(volume=volume, used_before=before)))
        before += volume
    return found
