"""The tariff file at the door: held against its JSON Schema, parsed, priced for `flask tariff quote`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from numbers import Number
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from app.money import D, yuan

from .rules import Tariff, TariffError, Usage, late_fee, parse, rate

SCHEMA_FILE = Path(__file__).with_name("schema.json")
QUOTE_KEYS = ("usage", "used_before", "people", "months", "quota", "area", "hours", "days_late", "unpaid")
DEEPEST = 8
LONGEST = 30

_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")


@cache
def schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of the tariff file."""
    loaded: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return loaded


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def load(document: Any) -> Tariff:
    """The standard in a tariff file read as JSON. TariffError with the path of what does not fit."""
    _refuse_fractions(document, "", DEEPEST)
    errors = sorted(_validator().iter_errors(document), key=_rank)
    if errors:
        raise _explained(errors[0])
    return parse(document)


def load_file(path: str | Path) -> Tariff:
    """`load` of a file; TariffError too where it cannot be read or is no JSON."""
    return load(read_json(path))


def read_json(path: str | Path) -> Any:
    """The JSON in a UTF-8 file (with or without BOM), numbers exact. TariffError where there is none."""
    try:
        return parse_json(Path(path).read_bytes())
    except FileNotFoundError:
        raise TariffError("", f"找不到文件 {path}。") from None
    except OSError:
        raise TariffError("", f"读不到文件 {path}。") from None


def parse_json(content: bytes) -> Any:
    """The JSON in UTF-8 text, numbers exact. TariffError where it is none."""
    try:
        return json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise TariffError("", f"文件不是有效的 JSON，第 {error.lineno} 行第 {error.colno} 列有错。") from None
    except (ValueError, RecursionError):
        raise TariffError("", "文件不是有效的 UTF-8 编码的 JSON。") from None


def quote(document: object, **given: object) -> dict[str, Any]:
    """Price a tariff file: {"lines", "total", "late_fee"}, decimals as strings.

    given: QUOTE_KEYS, as strings or numbers; `usage` is required. Without `unpaid` the late fee
    is on the bill priced here. TariffError names the key, or the path in the file.
    """
    return _quote(load(document), given)


def quote_batch(cases: list[Any]) -> list[dict[str, Any]]:
    """`quote` of every {"tariff", "usage", …} in order; a bad one is {"error": sentence}. Other keys pass."""
    known: dict[str, Tariff] = {}
    return [_quote_case(case, known) for case in cases]


def _quote_case(case: object, known: dict[str, Tariff]) -> dict[str, Any]:
    """`known` keeps the tariffs already loaded: a batch usually asks about few of them."""
    try:
        if not isinstance(case, Mapping):
            raise TariffError("", "每个算例要是一个对象 { … }。")
        if "tariff" not in case:
            raise TariffError("tariff", "要写收费标准。")
        document = case["tariff"]
        _refuse_fractions(document, "", DEEPEST)
        key = repr(document)
        if key not in known:
            known[key] = load(document)
        return _quote(known[key], {name: case[name] for name in QUOTE_KEYS if name in case})
    except TariffError as error:
        return {"error": str(error)}


def _quote(tariff: Tariff, given: Mapping[str, object]) -> dict[str, Any]:
    rating = rate(tariff, _usage(given))
    days = _count(given, "days_late", 0, 0, 36_500)
    unpaid = _amount(given, "unpaid", Decimal("0.01"), rating.total)
    fee = yuan(0)
    if tariff.late_fee is not None:
        fee = late_fee(tariff.late_fee, unpaid=unpaid, days_late=days)
    lines = [line.as_json() for line in rating.lines]
    return {"lines": lines, "total": str(rating.total), "late_fee": str(fee)}


def _usage(given: Mapping[str, object]) -> Usage:
    unknown = set(given).difference(QUOTE_KEYS)
    if unknown:
        raise TariffError(min(unknown), "不认识这一项。")
    if given.get("usage") is None:
        raise TariffError("usage", "要写用水量。")
    step, zero = Decimal("0.001"), Decimal(0)
    return Usage(
        volume=_amount(given, "usage", step, zero),
        used_before=_amount(given, "used_before", step, zero),
        people=_count(given, "people", 0, 0, 9999),
        months=_count(given, "months", 1, 1, 120),
        quota=_amount(given, "quota", step, zero),
        area=_amount(given, "area", step, zero),
        hours=_amount(given, "hours", step, zero),
    )


def _amount(given: Mapping[str, object], name: str, step: Decimal, default: Decimal) -> Decimal:
    """Below a thousand million, to the step; as text ('37.5') or as a JSON number."""
    value = given.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, str | Number):
        raise TariffError(name, "要是一个数字。")
    if isinstance(value, str) and not (_PLAIN.fullmatch(value) and len(value) <= LONGEST):
        raise TariffError(name, "要是不小于 0 的普通数字，例如 37.5。")
    try:
        number = D(str(value))
    except ValueError:
        raise TariffError(name, "要是一个有限的数字。") from None
    if (number and number.is_signed()) or number.adjusted() > 8:
        raise TariffError(name, "不能小于 0，要小于十亿。")
    if number.quantize(step) != number:
        places = -step.adjusted()
        raise TariffError(name, f"最多 {places} 位小数。" if places else "要是整数。")
    return abs(number)


def _count(given: Mapping[str, object], name: str, default: int, low: int, high: int) -> int:
    number = _amount(given, name, Decimal(1), Decimal(default))
    if not low <= number <= high:
        raise TariffError(name, f"要是 {low} 到 {high} 之间的整数。")
    return int(number)


def _refuse_fractions(node: object, path: str, depth: int) -> None:
    """A JSON number with a point or exponent could pass for an integer (25.0) or lose digits."""
    if isinstance(node, Number) and not isinstance(node, int):
        raise TariffError(path, '不能写成 JSON 小数，要加引号写成文本，例如 "5.00"。')
    if isinstance(node, dict | list) and depth == 0:
        raise TariffError(path, "嵌套太深。")
    for key, child in _children(node, path):
        _refuse_fractions(child, key, depth - 1)


def _children(node: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield (f"{path}.{key}" if path else str(key)), child
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield f"{path}[{index}]", child


def _rank(error: ValidationError) -> tuple[int, str]:
    """Shallow errors first, then in a fixed order, so that the same file always gives the same answer."""
    return len(error.absolute_path), f"{error.json_path} {error.message}"


def _explained(error: ValidationError) -> TariffError:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).removeprefix(".")
    missing = _missing_or_extra(error)
    if missing:
        return TariffError(f"{path}.{missing[0]}" if path else missing[0], missing[1])
    return TariffError(path, _sentence(error))


def _missing_or_extra(error: ValidationError) -> tuple[str, str] | None:
    rule, wanted, around, value = _broken(error)
    if rule == "required":
        return next(name for name in wanted if name not in value), "缺少这一项。"
    if rule == "additionalProperties":
        return next(name for name in value if name not in around["properties"]), "不认识这一项。"
    return None


def _broken(error: ValidationError) -> tuple[Any, Any, Any, Any]:
    """Keyword, its value, the schema around it and the value refused: all set on an error that a validator raised."""
    return error.validator, error.validator_value, error.schema, error.instance


def _sentence(error: ValidationError) -> str:
    """A short sentence for the person who wrote the file."""
    rule, wanted, around, value = _broken(error)
    match rule:
        case "type" if "string" in wanted and isinstance(value, int):
            return '数字要加引号写成文本，例如 "5.00"。'
        case "type":
            return f"类型不对，这里要是{_kind(wanted)}。"
        case "pattern" if around.get("format") == "date":
            return "日期要写成 2026-01-01 这样。"
        case "pattern":
            return f"要写成不小于 0 的普通数字，例如 5.00（{around['description']}）。"
        case "enum":
            return f"只能是 {'、'.join(wanted)} 之一。"
        case "minimum" | "maximum":
            return f"要在 {around['minimum']} 到 {around['maximum']} 之间。"
        case "oneOf":
            return "单价（price）和阶梯（tiers）要写一个，且只能写一个。"
        case "minItems" | "minLength":
            return "不能空着。"
        case "maxItems" | "maxLength":
            return f"太长，最多 {wanted}。"
    return "这里不能写这一项。"


def _kind(wanted: str | list[str]) -> str:
    names = {"string": "文本", "object": "对象", "array": "列表", "integer": "整数", "null": " null"}
    return "或".join(names[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted))
