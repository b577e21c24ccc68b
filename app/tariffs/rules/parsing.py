"""From the tariff file to a `Tariff`; what a JSON Schema cannot say is checked here, with its path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar, get_args

from .model import (
    AppliesTo,
    Basis,
    Charge,
    Household,
    LateFeeBase,
    LateFeeRule,
    OverQuotaBand,
    Tariff,
    TariffError,
    Tier,
    TierCycle,
    TierMode,
    Widening,
)

Node = Mapping[str, Any]
Choice = TypeVar("Choice", bound=str)

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse(document: Node) -> Tariff:
    """The standard a tariff file describes; TariffError with path and sentence where it contradicts itself.

    Prices that fall from tier to tier are accepted: see `tiers_fall`.
    """
    root = _object(document, "")
    charges = tuple(_charge(node, f"charges[{i}]") for i, node in enumerate(_list(root.get("charges"), "charges")))
    _unique_items(charges)
    household = root.get("household")
    over_quota = root.get("over_quota")
    late_fee = root.get("late_fee")
    return Tariff(
        name=_text(root, "name", ""),
        use_category=_text(root, "use_category", ""),
        applies_to=_choice(root, "applies_to", "", get_args(AppliesTo), "metered"),
        effective_from=_date(root.get("effective_from"), "effective_from"),
        tier_cycle=_choice(root, "tier_cycle", "", get_args(TierCycle)),
        charges=charges,
        household=None if household is None else _household(household, charges),
        free_volume=_number(root, "free_volume", "", "0"),
        minimum=_number(root, "minimum", "", "0"),
        over_quota=() if over_quota is None else _over_quota(over_quota),
        late_fee=None if late_fee is None else _late_fee(late_fee),
    )


def _charge(value: object, path: str) -> Charge:
    node = _object(value, path)
    basis: Basis = _choice(node, "basis", path, get_args(Basis))
    tier_mode: TierMode = _choice(node, "tier_mode", path, get_args(TierMode), "graduated")
    if ("price" in node) == ("tiers" in node):
        raise TariffError(path, "单价（price）和阶梯（tiers）要写一个，且只能写一个。")
    for key in ("tiers", "volume_factor"):
        if basis != "volume" and key in node:
            raise TariffError(f"{path}.{key}", "只有按水量（volume）收的项目才能有这一项。")
    return Charge(
        item=_text(node, "item", path),
        basis=basis,
        price=_number(node, "price", path) if "price" in node else None,
        tiers=_tiers(node["tiers"], f"{path}.tiers") if "tiers" in node else (),
        tier_mode=tier_mode,
        volume_factor=_number(node, "volume_factor", path, "1"),
    )


def _tiers(value: object, path: str) -> tuple[Tier, ...]:
    nodes = _list(value, path)
    bounds = _rising_bounds(nodes, path)
    return tuple(
        Tier(bound, _number(node, "price", f"{path}[{i}]"), _number(node, "fixed", f"{path}[{i}]", "0"))
        for i, (bound, node) in enumerate(zip(bounds, nodes, strict=True))
    )


def _over_quota(value: object) -> tuple[OverQuotaBand, ...]:
    nodes = _list(value, "over_quota")
    bounds = _rising_bounds(nodes, "over_quota")
    bands = tuple(
        OverQuotaBand(bound, _number(node, "multiplier", f"over_quota[{i}]"))
        for i, (bound, node) in enumerate(zip(bounds, nodes, strict=True))
    )
    for i, band in enumerate(bands):
        if band.multiplier < 1:
            raise TariffError(f"over_quota[{i}].multiplier", "倍数不能小于 1：加价 50% 写 1.5，加价 150% 写 2.5。")
    return bands


def _rising_bounds(nodes: Sequence[object], path: str) -> list[Decimal | None]:
    """Every up_to above the one before and above 0; the last, and only the last, null."""
    bounds: list[Decimal | None] = []
    lower = Decimal(0)
    for i, value in enumerate(nodes):
        here, node = f"{path}[{i}].up_to", _object(value, f"{path}[{i}]")
        if "up_to" not in node:
            raise TariffError(here, "缺少这一项。")
        if (node["up_to"] is None) != (i == len(nodes) - 1):
            raise TariffError(here, "最后一档的上限要写 null，其余各档要写数字。")
        bound = None if node["up_to"] is None else _number(node, "up_to", f"{path}[{i}]")
        if bound is not None and bound <= lower:
            raise TariffError(here, "上限要比前一档高，第一档要大于 0。")
        lower = lower if bound is None else bound
        bounds.append(bound)
    return bounds


def _household(value: object, charges: tuple[Charge, ...]) -> Household:
    node = _object(value, "household")
    rule: Widening = _choice(node, "rule", "household", get_args(Widening))
    extra = rule == "per_extra_person"
    if extra and "from" in node:
        raise TariffError("household.from", "按超出人数加量时看基数（base），不写起始人数。")
    texts = _list(node.get("volume"), "household.volume")
    volume = tuple(_decimal(text, f"household.volume[{i}]") for i, text in enumerate(texts))
    if any(charge.tiers and len(charge.tiers) - 1 != len(volume) for charge in charges):
        raise TariffError("household.volume", "水量的个数要和阶梯上限的个数相同（最后一档没有上限，不算）。")
    if rule == "per_head" and any(
        after <= before for before, after in zip((Decimal(0), *volume), volume, strict=False)
    ):
        raise TariffError("household.volume", "每人水量要逐档升高，第一档要大于 0。")
    return Household(
        rule=rule,
        volume=volume,
        base=_whole(node, "base", "household", 1, 99, default=None if extra else 0),
        from_people=_whole(node, "from", "household", 1, 99, default=0 if extra else None),
    )


def _late_fee(value: object) -> LateFeeRule:
    node, path = _object(value, "late_fee"), "late_fee"
    return LateFeeRule(
        due_day=_whole(node, "due_day", path, 1, 31),
        grace_days=_whole(node, "grace_days", path, 0, 366, default=0),
        daily_rate=_number(node, "daily_rate", path),
        base=_choice(node, "base", path, get_args(LateFeeBase), "unpaid"),
        cap=None if node.get("cap") is None else _number(node, "cap", path),
        minimum=_number(node, "minimum", path, "0"),
    )


def _unique_items(charges: tuple[Charge, ...]) -> None:
    seen: set[str] = set()
    for i, charge in enumerate(charges):
        if charge.item in seen:
            raise TariffError(f"charges[{i}].item", f"项目「{charge.item}」写了两次。")
        seen.add(charge.item)


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _object(value: object, path: str) -> Node:
    if not isinstance(value, Mapping):
        raise TariffError(path, "这里要是一个对象 { … }。")
    return value


def _list(value: object, path: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise TariffError(path, "这里要是一个列表 [ … ]，至少一项。")
    return value


def _text(node: Node, key: str, path: str) -> str:
    """A line to print: not blank, no control characters, no broken surrogates (the wide space is fine)."""
    value = node.get(key)
    if not isinstance(value, str) or not value.strip() or not value.replace("\u3000", " ").isprintable():
        raise TariffError(_under(path, key), "要写一行文字，不能空着。")
    return value


def _choice(node: Node, key: str, path: str, options: tuple[Choice, ...], default: Choice | None = None) -> Choice:
    value = node.get(key, default)
    for option in options:
        if option == value:
            return option
    raise TariffError(_under(path, key), f"只能是 {'、'.join(options)} 之一。")


def _number(node: Node, key: str, path: str, default: str | None = None) -> Decimal:
    value = node.get(key, default)
    if value is None:
        raise TariffError(_under(path, key), "缺少这一项。")
    return _decimal(value, _under(path, key))


def _decimal(value: object, path: str) -> Decimal:
    if not isinstance(value, str):
        raise TariffError(path, '数字要加引号写成文本，例如 "5.00"。')
    if not _NUMBER.fullmatch(value):
        raise TariffError(path, '要写成不小于 0 的普通数字，例如 "5.00"。')
    return Decimal(value)


def _whole(node: Node, key: str, path: str, low: int, high: int, default: int | None = None) -> int:
    value = node.get(key, default)
    if value == default and isinstance(default, int) and key not in node:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise TariffError(_under(path, key), f"要是 {low} 到 {high} 之间的整数。")
    return value


def _date(value: object, path: str) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise TariffError(path, "日期要写成 2026-01-01 这样。")
