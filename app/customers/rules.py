"""What a customer's data must look like. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

_CARD = re.compile(r"[0-9]{17}[0-9X]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
FIRST_NO = "00000001"


def identity_card(text: str) -> str:
    """The number of a 身份证 (GB 11643: 17 digits, then the check digit ISO 7064 MOD 11-2). ValueError says what is wrong."""
    number = re.sub(r"[\s-]", "", text).upper()
    if not _CARD.fullmatch(number):
        raise ValueError("身份证号应为 18 位，前 17 位是数字，最后一位是数字或 X。")
    if not _is_day(number[6:14]):
        raise ValueError(f"身份证号第 7 到 14 位「{number[6:14]}」不是出生日期，请核对。")
    check = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False)) % 11
    if _CHECKS[check] != number[17]:
        raise ValueError("身份证号不对，可能抄错了一位，请对照证件核对。")
    return number


def _is_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def following_number(last: str | None) -> str:
    """户号 after the last one, as wide as it: '07000123' → '07000124'."""
    return str(int(last) + 1).zfill(len(last)) if last else FIRST_NO


def plain(value: object) -> str:
    """A value as a form carries it and two are compared: '3' for 3.00, 'yes' for True, '' for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
    return "" if value is None else str(value)


def clashes(now: Mapping[str, object], seen: Mapping[str, str], wanted: Mapping[str, object]) -> dict[str, object]:
    """Fields that two people changed to different values: what is stored `now`, by field.

    `seen` is what this person was shown. Fields that only one of the two changed are no clash.
    """
    return {
        name: now[name]
        for name, value in wanted.items()
        if name in seen and plain(value) != seen[name] and plain(now[name]) not in (seen[name], plain(value))
    }
