"""Parsers of one cell: what a person may have typed in, what the system keeps, and a sentence when it cannot.

A parser takes what openpyxl found (text, number, date, truth) and returns the value, `Cleaned(value, what)` where it
had to tidy up, or None for a blank. It raises ValueError with the reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple


class Cleaned(NamedTuple):
    """A value that was tidied up, and how."""

    value: Any
    what: str


Parser = Callable[[Any], Any]

SPACES = "多余的空格已去掉"
WIDE = "全角已改为半角"
NUMBER = "数字已按文本保存"

_GAP = re.compile(r"[\s\u200b\u200c\u200d\ufeff\u00a0\u3000]+")
_WIDE_LETTERS = re.compile(r"[０-９Ａ-Ｚａ-ｚ]+")
_DIRTY = re.compile(r"[\s\u200b-\u200d\ufeff\u00a0\u3000０-９Ａ-Ｚａ-ｚ#]")
_GAP_BY_HAN = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
_CODE = re.compile(r"[\w.\-/#*()]+")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(0\d{2,3}-?)?[2-9]\d{6,7}(-\d{1,6})?|400\d{7}")
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?|[+-]?\.\d+")
_UNITS = re.compile(r"^[¥￥]|(元|吨|方|立方米|m³|m3|人|户)$")
_DAY = re.compile(r"(\d{4})(?:[-/.]|年)(\d{1,2})(?:[-/.]|月)(\d{1,2})日?(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?")
_EPOCH = date(1899, 12, 30)
_BROKEN = ("#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!")
EXACT_DIGITS = 15  # more than these a spreadsheet's number cannot hold


def _as_text(raw: Any) -> str:
    """A cell that should have been text: 13800009516.0 → '13800009516'."""
    if isinstance(raw, bool):
        return "是" if raw else "否"
    if isinstance(raw, float):
        if not raw.is_integer():
            return format(raw, ".15g")
        raw = int(raw)
    if isinstance(raw, int):
        if len(str(abs(raw))) > EXACT_DIGITS:
            raise ValueError("格式不对：数字超过 15 位，表格已丢失末几位，请把单元格设为文本后重新填写")
        return str(raw)
    if isinstance(raw, datetime):
        return f"{raw:%Y-%m-%d}"
    return str(raw)


def _halved(text: str) -> tuple[str, list[str]]:
    """Full-width letters and digits made half-width. Chinese punctuation is meant, and stays."""
    halved = _WIDE_LETTERS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return halved, [WIDE] if halved != text else []


def _result(value: str, notes: list[str]) -> Any:
    if not value:
        return None
    return Cleaned(value, "、".join(notes)) if notes else value


def text(*, longest: int = 100, keep_spaces: bool = False) -> Parser:
    """Words: trimmed, without spaces between Chinese characters (unless kept), full-width letters made half-width."""

    def parse(raw: Any) -> Any:
        notes: list[str] = []
        value = raw if type(raw) is str else _as_text(raw)
        if _DIRTY.search(value):
            if value in _BROKEN:
                raise ValueError(f"格式不对：单元格里的公式出错（{value}），请改成文字")
            value, notes = _halved(value)
            tidy = value.strip(" \t\r\n\u3000\u00a0\u200b\ufeff")
            if not keep_spaces:
                tidy = _GAP_BY_HAN.sub("", _GAP.sub(" ", tidy)).strip(" ")
            if tidy != value:
                notes.insert(0, SPACES)
            value = tidy
        if len(value) > longest:
            raise ValueError(f"太长，最多 {longest} 个字")
        return _result(value, notes)

    return parse


def code(*, longest: int = 40) -> Parser:
    """A number that is a name (户号, 表号): no spaces, half-width, capitals, leading zeros kept."""

    def parse(raw: Any) -> Any:
        if type(raw) is str and raw.isascii() and raw.isalnum() and len(raw) <= longest:
            return raw.upper()
        notes = [] if isinstance(raw, str) else [NUMBER]
        value = raw if isinstance(raw, str) else _as_text(raw)
        tidy = unicodedata.normalize("NFKC", value)
        bare = _GAP.sub("", tidy)
        if _GAP.search(value):
            notes.append(SPACES)
        if _GAP.sub("", value) != bare:
            notes.append(WIDE)
        if bare and not _CODE.fullmatch(bare):
            raise ValueError(f"格式不对：「{bare[:30]}」只能由字母、数字和 - / . 组成")
        if len(bare) > longest:
            raise ValueError(f"太长，最多 {longest} 位")
        return _result(bare.upper(), notes)

    return parse


def phone() -> Parser:
    """A mobile (11 digits) or a fixed line with or without its area code."""
    as_code = code(longest=20)

    def parse(raw: Any) -> Any:
        if type(raw) is str and len(raw) == 11 and raw.isascii() and _MOBILE.fullmatch(raw):
            return raw
        found = as_code(raw)
        value, note = found if isinstance(found, Cleaned) else (found, "")
        if value is None:
            return None
        digits = value.replace("-", "")
        value = digits if _MOBILE.fullmatch(digits) else value
        if not (_MOBILE.fullmatch(value) or _LANDLINE.fullmatch(value)):
            raise ValueError(f"格式不对：「{value}」不是 11 位手机号，也不是固定电话")
        return Cleaned(value, note) if note else value

    return parse


def _decimal(raw: Any) -> Decimal:
    """Exact. What a spreadsheet keeps in binary counts to the 15 digits that it shows."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return Decimal(raw)
    if isinstance(raw, float):
        return Decimal(format(raw, ".15g"))
    if isinstance(raw, str):
        bare = _UNITS.sub("", _UNITS.sub("", _GAP.sub("", unicodedata.normalize("NFKC", raw))))
        if _NUMBER.fullmatch(bare):
            return Decimal(bare.replace(",", ""))
        if bare.startswith("="):
            raise ValueError(f"格式不对：「{bare[:30]}」是公式，请改成数值")
    raise ValueError(f"格式不对：「{str(raw).strip()[:30]}」不是数字")


def number(places: int, *, least: int | None = None, most: int = 10**9) -> Parser:
    """A decimal of at most so many places; the words say 小于零 where `least` is 0."""

    def parse(raw: Any) -> Any:
        if isinstance(raw, str) and not raw.strip():
            return None
        try:
            value = _decimal(raw)
        except InvalidOperation:
            raise ValueError(f"格式不对：「{raw}」不是数字") from None
        if not value.is_finite():
            raise ValueError(f"格式不对：「{raw}」不是数字")
        if least is not None and value < least:
            raise ValueError(f"{value:f} 小于零，请核对" if least == 0 else f"不能小于 {least}")
        if value > most:
            raise ValueError(f"格式不对：{value:f} 太大，请核对")
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > places:
            raise ValueError(f"格式不对：最多 {places} 位小数" if places else "格式不对：要填整数")
        return value

    return parse


def whole(*, least: int = 0, most: int = 10**9) -> Parser:
    """A whole number."""
    as_number = number(0, least=least, most=most)

    def parse(raw: Any) -> Any:
        if type(raw) is int and least <= raw <= most:
            return raw
        value = as_number(raw)
        return None if value is None else int(value)

    return parse


def day(*, earliest: date = date(1950, 1, 1), latest: date = date(2099, 12, 31)) -> Parser:
    """A calendar day: a date cell, its serial number, 2026-10-05, 2026/10/5, 2026.10.5, 2026年10月5日 or 20261005."""

    def parse(raw: Any) -> Any:
        found = raw.date() if isinstance(raw, datetime) else _day(raw)
        if found is not None and not earliest <= found <= latest:
            raise ValueError(f"格式不对：日期 {found} 不合情理，请核对")
        return found

    return parse


def _day(raw: Any) -> date | None:
    if isinstance(raw, date):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool) and 10_000 < raw < 100_000:
        return _EPOCH + timedelta(days=int(raw))
    value = unicodedata.normalize("NFKC", _as_text(raw)).strip()
    if not value:
        return None
    if len(value) == 8 and value.isdigit():
        value = f"{value[:4]}-{value[4:6]}-{value[6:]}"
    found = _DAY.fullmatch(_GAP_BY_HAN.sub("", value))
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise ValueError(f"格式不对：「{value[:30]}」不是日期，应写成 2026-10-05")


def choice(words: Mapping[str, Any], *, shown: Collection[str] = ()) -> Parser:
    """One of the words, whatever they stand for."""
    names = "、".join(shown or words)

    def parse(raw: Any) -> Any:
        if type(raw) is str and raw in words:
            return words[raw]
        value = _GAP.sub("", unicodedata.normalize("NFKC", _as_text(raw)))
        if not value:
            return None
        if value.upper() not in words:
            raise ValueError(f"格式不对：「{value[:30]}」应填 {names}")
        return words[value.upper()]

    return parse


def yes_no() -> Parser:
    """是 or 否."""
    yes = dict.fromkeys(("是", "Y", "YES", "1", "√", "有", "TRUE"), True)
    no = dict.fromkeys(("否", "N", "NO", "0", "×", "X", "无", "不", "FALSE"), False)
    return choice(yes | no, shown=("是", "否"))


_BORE = re.compile(r"(?:DN|Φ|Ø)?(\d{1,4})(?:MM)?", re.IGNORECASE)


def bore() -> Parser:
    """A meter's 口径: 15, 15mm and dn15 are all DN15; other words stay as they are."""
    as_text = text(longest=20)

    def parse(raw: Any) -> Any:
        found = as_text(raw)
        value = found.value if isinstance(found, Cleaned) else found
        size = _BORE.fullmatch(value.replace(" ", "")) if value else None
        return f"DN{int(size[1])}" if size else found

    return parse
