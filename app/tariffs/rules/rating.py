"""What a usage costs: `rate(tariff, usage)`.

Called once per bill, tens of thousands of times a run, so what depends only on the tariff, the people and the
months is worked out once and kept in `tariff.plans`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from app.money import volume3, yuan

from .model import CYCLE_MONTHS, Charge, Household, Tariff, TariffError

MINIMUM_ITEM = "最低消费补差"
ZERO = Decimal(0)
ONE = Decimal(1)
NOTHING = Decimal("0.00")
PLANS_KEPT = 500


class Usage(NamedTuple):
    """What a bill charges for.

    volume: m³ of the bill. used_before: m³ on the tiers from the window's earlier bills (the sum of their
    `Rating.volume`). people: declared; 0 when unknown, which widens no tier and charges nobody per head.
    months: of the bill, at least 1. quota: m³ for the window the bill stands in; None or 0 for none.
    area: m² or 亩, as the price is. hours: h.
    """

    volume: Decimal
    used_before: Decimal = ZERO
    people: int = 0
    months: int = 1
    quota: Decimal | None = None
    area: Decimal = ZERO
    hours: Decimal = ZERO


class Line(NamedTuple):
    """明细: amount = price × volume × factor × multiplier, or price × quantity, half-up to 0.01 yuan.

    `volume` is m³; `quantity` months, people × months, area, hours, 1; `factor` and `multiplier` None mean 1.
    `basis` is the charge's, or 'fixed' (a tier's own amount), or 'minimum' (no price, no quantity).
    """

    item: str
    basis: str
    tier: int | None
    volume: Decimal | None
    price: Decimal | None
    amount: Decimal
    multiplier: Decimal | None = None
    factor: Decimal | None = None
    quantity: Decimal | None = None

    def as_json(self) -> dict[str, str | int]:
        """The line as the tariff file format writes it: decimals as strings, absent keys left out."""
        values: dict[str, str | int | None] = {
            "item": self.item,
            "tier": self.tier,
            "volume": _plain(self.volume),
            "quantity": _plain(self.quantity),
            "price": _plain(self.price, 2),
            "multiplier": _plain(self.multiplier),
            "volume_factor": _plain(self.factor),
            "amount": _plain(self.amount, 2),
        }
        return {key: value for key, value in values.items() if value is not None}


class Rating(NamedTuple):
    """The priced bill. `total`: the sum of its lines; `volume`: m³ put on the tiers (after free volume)."""

    lines: tuple[Line, ...]
    total: Decimal
    volume: Decimal


class Row(NamedTuple):
    """A tier as a bill meets it: above `lower`, up to and with `upper`, scaled; `tier` None: a flat price.

    `unit` is what a m³ costs: price × the charge's volume factor.
    """

    tier: int | None
    lower: Decimal
    upper: Decimal | None
    price: Decimal
    unit: Decimal
    fixed: Decimal


Piece = tuple[Row, Decimal, Decimal, Decimal | None]
"""Part of a bill: its tier, from and to (scaled m³ of the window), and the over-quota multiplier."""


class Step(NamedTuple):
    """A charge made ready: by `line` (the same on each bill), `flat` or by `rows` (volume), or by area or hour."""

    item: str
    basis: str
    price: Decimal | None
    line: Line | None
    flat: Row | None
    rows: tuple[Row, ...]
    whole: bool
    has_fixed: bool
    factor: Decimal | None
    takes_quota: bool


class Plan(NamedTuple):
    """What (people, months) fix. Volumes are multiplied by `scale`, so that thirds of a bound stay exact."""

    steps: tuple[Step, ...]
    free: Decimal
    minimum: Decimal
    scale: Decimal | None


def rate(tariff: Tariff, usage: Usage) -> Rating:
    """Price a usage; each line is rounded once. TariffError: usage or people negative, months below 1."""
    plan: Plan = tariff.plans.get((usage.people, usage.months)) or _keep_plan(tariff, usage.people, usage.months)
    if usage.volume < 0 or usage.used_before < 0:
        raise TariffError("usage", "用水量不能是负数。")
    volume = usage.volume - plan.free if usage.volume > plan.free else ZERO
    lines: list[Line] = []
    for step in plan.steps:
        if step.line is not None:
            lines.append(step.line)
        elif step.flat is not None:
            if volume:
                lines.append(_volume_line(step, step.flat, volume))
        elif step.rows:
            _add_volume_lines(lines, tariff, plan, step, volume, usage)
        else:
            _add_measured_line(lines, step, usage)
    total = NOTHING
    for line in lines:
        total += line.amount
    if total < plan.minimum:
        lines.append(Line(MINIMUM_ITEM, "minimum", None, None, None, plan.minimum - total))
        total = plan.minimum
    return Rating(tuple(lines), total, volume)


def _add_measured_line(lines: list[Line], step: Step, usage: Usage) -> None:
    quantity = usage.area if step.basis == "area" else usage.hours
    if quantity < 0:
        raise TariffError("usage", "面积、小时数不能是负数。")
    if quantity and step.price is not None:
        amount = yuan(step.price * quantity)
        lines.append(Line(step.item, step.basis, None, None, step.price, amount, quantity=quantity))


def _add_volume_lines(lines: list[Line], tariff: Tariff, plan: Plan, step: Step, volume: Decimal, usage: Usage) -> None:
    start, end, scale = usage.used_before, usage.used_before + volume, plan.scale
    if scale is not None:
        start, end = start * scale, end * scale
    if step.has_fixed:
        lines.extend(_fixed_lines(step, start, end))
    if start == end:
        return
    pieces = _whole(step, start, end) if step.whole else _graduated(step, start, end)
    if step.takes_quota and usage.quota:
        quota = usage.quota if scale is None else usage.quota * scale
        pieces = _over_quota(tariff, quota, pieces)
    for row, low, high, multiplier in pieces:
        if scale is None:
            lines.append(_volume_line(step, row, high - low, multiplier))
        else:
            lines.append(_scaled_line(step, row, low, high, multiplier, scale))


def _volume_line(step: Step, row: Row, volume: Decimal, multiplier: Decimal | None = None) -> Line:
    amount = row.unit * volume
    if multiplier is not None:
        amount *= multiplier
    return Line(step.item, "volume", row.tier, volume, row.price, yuan(amount), multiplier, step.factor)


def _scaled_line(step: Step, row: Row, low: Decimal, high: Decimal, multiplier: Decimal | None, scale: Decimal) -> Line:
    """Divided once, at the end; the volumes shown are cut at 0.001 m³ so that they still add up to the bill's."""
    amount = row.unit * (high - low) * (ONE if multiplier is None else multiplier) / scale
    volume = volume3(high / scale) - volume3(low / scale)
    return Line(step.item, "volume", row.tier, volume, row.price, yuan(amount), multiplier, step.factor)


def _graduated(step: Step, start: Decimal, end: Decimal) -> list[Piece]:
    """Each part of the bill at its own tier; up_to is inclusive."""
    pieces: list[Piece] = []
    for row in step.rows:
        upper = row.upper
        if upper is None or end <= upper:
            pieces.append((row, start, end, None))
            break
        if upper > start:
            pieces.append((row, start, upper, None))
            start = upper
    return pieces


def _reached(step: Step, end: Decimal) -> Row:
    return next(row for row in step.rows if row.upper is None or end <= row.upper)


def _whole(step: Step, start: Decimal, end: Decimal) -> list[Piece]:
    """All of the bill at the price of the tier it reaches."""
    return [(_reached(step, end), start, end, None)]


def _fixed_lines(step: Step, start: Decimal, end: Decimal) -> Iterator[Line]:
    """A tier's fixed amount, on the bill that goes above its lower bound; the first tier's from 0 m³ on."""
    for row in (_reached(step, end),) if step.whole else step.rows:
        empty = row.upper is not None and row.upper <= row.lower
        if row.fixed and not empty and start <= row.lower and (row.tier == 1 or row.lower < end):
            yield Line(step.item, "fixed", row.tier, None, row.fixed, yuan(row.fixed), quantity=ONE)


def _over_quota(tariff: Tariff, quota: Decimal, pieces: list[Piece]) -> list[Piece]:
    """Cut the pieces at the quota and at each band above it; up_to is inclusive."""
    cuts: list[tuple[Decimal | None, Decimal | None]] = [(quota, None)]
    cuts += [(None if b.up_to is None else quota * (1 + b.up_to), b.multiplier) for b in tariff.over_quota]
    cut: list[Piece] = []
    for row, low, high, _ in pieces:
        for upper, multiplier in cuts:
            if upper is None or high <= upper:
                cut.append((row, low, high, multiplier))
                break
            if upper > low:
                cut.append((row, low, upper, multiplier))
                low = upper
    return cut


def _keep_plan(tariff: Tariff, people: int, months: int) -> Plan:
    if months < 1 or people < 0:
        raise TariffError("usage", "账单至少 1 个月，人数不能是负数。")
    plan = _plan(tariff, people, months)
    if len(tariff.plans) >= PLANS_KEPT:
        tariff.plans.clear()
    tariff.plans[people, months] = plan
    return plan


def _plan(tariff: Tariff, people: int, months: int) -> Plan:
    cycle = CYCLE_MONTHS[tariff.tier_cycle]
    longer = months > cycle
    # bounds × months / cycle, kept whole: bounds × months against volumes × cycle
    scale = Decimal(cycle) if longer and cycle > 1 else None
    first = next((charge for charge in tariff.charges if charge.basis == "volume"), None)
    steps = []
    for charge in tariff.charges:
        rows = _rows(charge, tariff.household, people, Decimal(months if longer else 1))
        takes_quota = charge is first and bool(tariff.over_quota)
        is_flat = charge.basis == "volume" and not charge.tiers and not takes_quota
        step = Step(
            item=charge.item,
            basis=charge.basis,
            price=charge.price,
            line=_constant_line(charge, people, months),
            flat=rows[0] if is_flat else None,
            rows=rows if charge.basis == "volume" else (),
            whole=charge.tier_mode == "whole_volume",
            has_fixed=any(row.fixed for row in rows),
            factor=None if charge.volume_factor == 1 else charge.volume_factor,
            takes_quota=takes_quota,
        )
        if step.line is not None or step.rows or charge.basis in ("area", "hour"):
            steps.append(step)
    return Plan(tuple(steps), tariff.free_volume * months, yuan(tariff.minimum * months), scale)


def _constant_line(charge: Charge, people: int, months: int) -> Line | None:
    """The line of a charge per month, household or head, the same for every usage; none for no people."""
    quantity = {"month": months, "household": months, "head": people * months}.get(charge.basis, 0)
    if not quantity or charge.price is None:
        return None
    amount = yuan(charge.price * quantity)
    return Line(charge.item, charge.basis, None, None, charge.price, amount, quantity=Decimal(quantity))


def _rows(charge: Charge, household: Household | None, people: int, windows: Decimal) -> tuple[Row, ...]:
    if charge.price is not None:
        return (Row(None, ZERO, None, charge.price, charge.price * charge.volume_factor, ZERO),)
    rows, lower = [], ZERO
    for index, tier in enumerate(charge.tiers):
        upper = tier.up_to
        if upper is not None:
            # people may push a bound past the next one: the tier between is then empty
            upper = max(lower, _widened(upper, index, household, people) * windows)
        rows.append(Row(index + 1, lower, upper, tier.price, tier.price * charge.volume_factor, tier.fixed))
        lower = lower if upper is None else upper
    return tuple(rows)


def _widened(bound: Decimal, index: int, household: Household | None, people: int) -> Decimal:
    if household is None:
        return bound
    step = household.volume[index]
    if household.rule == "per_extra_person":
        return bound + step * max(0, people - household.base)
    if people < household.from_people:
        return bound
    return bound + step if household.rule == "lump" else step * people


def _plain(value: Decimal | None, places: int = 0) -> str | None:
    """Without exponent or trailing zeros beyond `places`: 180.000 → 180, 5.0000 → 5.00 with two places."""
    if value is None:
        return None
    whole, _, decimals = f"{value:f}".partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole
