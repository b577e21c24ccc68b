"""One cell: whatever is typed in, a value, a blank or a reason comes out, and never anything else."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.imports import cells
from app.web.imports.cells import NUMBER, SPACES, WIDE, Cleaned

PARSERS = {
    "text": cells.text(), "code": cells.code(), "phone": cells.phone(), "whole": cells.whole(),
    "number": cells.number(2, least=0), "day": cells.day(), "yes_no": cells.yes_no(), "bore": cells.bore(),
}  # fmt: skip
ANYTHING = st.one_of(
    st.text(), st.integers(), st.floats(), st.booleans(), st.datetimes(), st.dates(),
    st.from_regex(r"[ 　]*[-0-9０-９,.年月日/元¥A-Za-zＡ-Ｚ]{0,12}[ 　]*", fullmatch=True),
)  # fmt: skip


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@pytest.mark.parametrize("name", PARSERS)
@given(raw=ANYTHING)
def test_any_cell_gives_a_value_or_a_reason(name: str, raw: Any) -> None:
    try:
        PARSERS[name](raw)
        reason = "格式"
    except ValueError as error:
        reason = str(error)
    assert any(word in reason for word in ("格式", "小于零", "太长", "不能小于"))


@pytest.mark.parametrize("name", ["text", "code", "phone", "bore"])
@given(raw=ANYTHING)
def test_what_was_tidied_once_is_tidy(name: str, raw: Any) -> None:
    parse = PARSERS[name]
    try:
        found = parse(raw)
    except ValueError:
        return
    if found is not None:
        value = found.value if isinstance(found, Cleaned) else found
        assert parse(value) == value


@given(st.from_regex(r"[0-9A-Z]{1,20}", fullmatch=True), st.sampled_from(" \t　\u00a0"))
def test_a_code_comes_through_spaces_and_full_width(code: str, space: str) -> None:
    parse = cells.code()
    assert parse(code) == code
    assert parse(wide(code)) == Cleaned(code, WIDE)
    assert parse(f"{space}{code[:3]}{space}{code[3:]}") == Cleaned(code, SPACES)


@given(st.integers(min_value=0, max_value=10**14))
def test_a_code_typed_as_a_number_is_kept_as_text(number: int) -> None:
    parse = cells.code()
    assert parse(number) == parse(float(number)) == Cleaned(str(number), NUMBER)


def test_a_number_with_more_digits_than_a_spreadsheet_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="15 位"):
        cells.code()(1234567890123456789)


@given(st.decimals(min_value=0, max_value=10**8, places=2))
def test_an_amount_is_exact_however_it_is_stored(amount: Decimal) -> None:
    parse = cells.number(2)
    assert parse(f"{amount:f}") == parse(f" ¥{amount:,} 元") == parse(wide(f"{amount:f}")) == amount
    assert parse(float(amount)) == amount


@pytest.mark.parametrize(
    ("raw", "word"), [(-1, "小于零"), ("12.345", "两位"), ("abc", "格式"), ("=A1", "公式"), (True, "格式")]
)
def test_a_wrong_amount_says_why(raw: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word.replace("两位", "2 位")):
        cells.number(2, least=0)(raw)


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2099, 12, 31)))
def test_a_day_is_read_however_it_is_written(day: date) -> None:
    parse = cells.day()
    y, m, d = day.year, day.month, day.day
    serial = (day - date(1899, 12, 30)).days
    cell = datetime(y, m, d, 13, 5)  # noqa: DTZ001 - as openpyxl gives it
    written: list[Any] = [
        day, cell, serial, f"{y}-{m}-{d}", f"{y}/{m:02d}/{d:02d}", f"{y}.{m}.{d}",
        f"{y}年{m}月{d}日", f" {y} 年 {m} 月 {d} 日 ", wide(f"{y}-{m:02d}-{d:02d}"), f"{y}{m:02d}{d:02d}",
        f"{y}-{m:02d}-{d:02d} 00:00:00",
    ]  # fmt: skip
    assert [parse(raw) for raw in written] == [day] * len(written)


@pytest.mark.parametrize("raw", ["2021年13月2日", "2021-02-30", "昨天", "1021-05-05", 3, "=TODAY()"])
def test_what_is_no_day_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match="格式"):
        cells.day()(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("13800009516", "13800009516"), (13800009516.0, "13800009516"), ("138 0000 9516", "13800009516"),
        ("138-0000-9516", "13800009516"), ("0937-6123456", "0937-6123456"), ("6123456", "6123456"), ("  ", None),
    ],
)  # fmt: skip
def test_phones(raw: Any, value: str | None) -> None:
    found = cells.phone()(raw)
    assert (found.value if isinstance(found, Cleaned) else found) == value


@pytest.mark.parametrize("raw", ["1380000", "23800009516", "138000095166", "电话", 1380000])
def test_what_is_no_phone_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match="格式"):
        cells.phone()(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (" 罗　守佑 ", "罗守佑"), ("Zhang  San", "Zhang San"), ("东街 12 号", "东街12号"), ("幸福院Ａ１", "幸福院A1"),
        ("张三（二队）", "张三（二队）"),
    ],
)  # fmt: skip
def test_names_lose_stray_spaces_and_keep_chinese_punctuation(raw: str, value: str) -> None:
    found = cells.text()(raw)
    assert (found.value if isinstance(found, Cleaned) else found) == value


@pytest.mark.parametrize(("raw", "value"), [(15, "DN15"), ("dn 20", "DN20"), ("25mm", "DN25"), ("四分", "四分")])
def test_bores(raw: Any, value: str) -> None:
    found = cells.bore()(raw)
    assert (found.value if isinstance(found, Cleaned) else found) == value


@pytest.mark.parametrize(("raw", "value"), [("是", True), ("否", False), ("Y", True), (True, True), (" ", None)])
def test_yes_and_no(raw: Any, value: bool | None) -> None:
    assert cells.yes_no()(raw) is value
