"""How a meter stands, in words; and how one meter's use is shared between standards."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

STATES = {"stopped": ("停表", "wait"), "retired": ("停用", "plain")}
HUNDRED = Decimal(100)


def state_word(state: str, *, bound: bool) -> tuple[str, str]:
    """The one word for how a meter stands, and its tone; one in use that nobody has is 未绑定."""
    return STATES.get(state) or (("使用中", "paid") if bound else ("未绑定", "water"))


def plain(value: Decimal) -> str:
    """A reading or m³ as a person writes it: '17', not '17.000'."""
    return f"{value.normalize():f}"


class Part(NamedTuple):
    """A standard of a mixed use: so many % of the volume, or (`fixed`) so many m³."""

    tariff_id: int
    amount: Decimal
    fixed: bool


def mix_of(parts: Sequence[Part]) -> list[dict[str, Any]] | None:
    """混合用水 as a binding keeps it; None without parts. ValueError with a sentence where it cannot be so."""
    if not parts:
        return None
    shares = sum((part.amount for part in parts if not part.fixed), Decimal(0))
    if len(parts) < 2:
        raise ValueError("混合用水至少要有两个收费标准；只有一个就不用填混合用水。")
    if len({part.tariff_id for part in parts}) < len(parts):
        raise ValueError("同一个收费标准写了两次，请合并成一行。")
    if min(part.amount for part in parts) <= 0:
        raise ValueError("混合用水的比例和水量都要大于零。")
    if shares != HUNDRED:
        raise ValueError(f"比例加起来是 {plain(shares)}%，应等于 100%；固定水量以外的水按比例分。")
    return [
        {"tariff_id": part.tariff_id, "volume": plain(part.amount)}
        if part.fixed
        else {"tariff_id": part.tariff_id, "share": plain(part.amount / HUNDRED)}
        for part in parts
    ]
