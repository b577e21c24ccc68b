"""The one door for money."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.money import D, fmt_yuan, in_words, parse_amount, price4, volume3, yuan

NUMERALS = "零壹贰叁肆伍陆柒捌玖"
PLACES = {"拾": 10, "佰": 100, "仟": 1000}


def read_words(words: str) -> Decimal:
    """The amount a 大写 says, by another road than the one that writes it."""
    sign = -1 if words.startswith("负") else 1
    body = words.removeprefix("负").removeprefix("人民币").removesuffix("整")
    whole_words, _, cent_words = body.rpartition("元")
    whole, group, digit = 0, 0, 0
    for char in whole_words:
        if char in NUMERALS:
            digit = NUMERALS.index(char)
        elif char in PLACES:
            group, digit = group + digit * PLACES[char], 0
        else:
            whole, group, digit = whole + (group + digit) * {"万": 10**4, "亿": 10**8}[char], 0, 0
    cents = 0
    for char in cent_words:
        if char in NUMERALS:
            digit_of_cent = NUMERALS.index(char)
        else:
            cents += digit_of_cent * {"角": 10, "分": 1}[char]
    return sign * (Decimal(whole + group + digit) + Decimal(cents) / 100)


@pytest.mark.parametrize("value", [0.1, 1.0, True, None, b"1", [1]])
def test_money_is_never_made_from_a_float_or_another_type(value: object) -> None:
    with pytest.raises(TypeError):
        D(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["", "abc", "NaN", "Infinity", Decimal("NaN")])
def test_money_is_never_made_from_what_is_no_number(value: str | Decimal) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is for programmers
        D(value)


def test_a_float_does_not_slip_through_rounding_or_writing() -> None:
    for door in (yuan, price4, volume3, fmt_yuan, in_words):
        with pytest.raises(TypeError):
            door(0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("0.005", "0.01"),
        ("0.015", "0.02"),
        ("0.025", "0.03"),
        ("2.6749", "2.67"),
        ("-0.005", "-0.01"),
        ("3", "3.00"),
    ],
)
def test_yuan_rounds_half_up_and_away_from_zero(value: str, rounded: str) -> None:
    assert str(yuan(value)) == rounded


def test_prices_keep_four_decimals_and_volumes_three() -> None:
    assert str(price4("1.23455")) == "1.2346"
    assert str(volume3("1.2345")) == "1.235"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1234.5", "¥1,234.50"),
        ("-3", "-¥3.00"),
        (0, "¥0.00"),
        ("-0.001", "¥0.00"),
        ("1234567.891", "¥1,234,567.89"),
    ],
)
def test_amounts_are_shown_with_grouping_and_a_leading_sign(value: str | int, shown: str) -> None:
    assert fmt_yuan(value) == shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1409.50", "人民币壹仟肆佰零玖元伍角"),
        ("6007.14", "人民币陆仟零柒元壹角肆分"),
        ("325.04", "人民币叁佰贰拾伍元零肆分"),
        ("0", "人民币零元整"),
        ("-3", "负人民币叁元整"),
        ("-0.001", "人民币零元整"),
        ("0.50", "人民币伍角"),
        ("0.05", "人民币伍分"),
        ("10", "人民币壹拾元整"),
        ("100.30", "人民币壹佰元叁角"),
        ("1680.32", "人民币壹仟陆佰捌拾元叁角贰分"),
        ("16409.02", "人民币壹万陆仟肆佰零玖元零贰分"),
        ("107000.53", "人民币壹拾万柒仟元伍角叁分"),
        ("1001", "人民币壹仟零壹元整"),
        ("10001", "人民币壹万零壹元整"),
        ("100000", "人民币壹拾万元整"),
        ("100010000", "人民币壹亿零壹万元整"),
        ("100000001", "人民币壹亿零壹元整"),
        ("100005000", "人民币壹亿零伍仟元整"),
        ("20000500", "人民币贰仟万零伍佰元整"),
        (
            "999999999999.99",
            "人民币玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
        ),
    ],
)
def test_amounts_in_words_follow_the_bank_rules(value: str, words: str) -> None:
    assert in_words(value) == words


def test_a_million_million_is_too_much_for_words() -> None:
    with pytest.raises(ValueError, match="太大"):
        in_words(10**12)


@settings(database=None)
@given(st.integers(-(10**14) + 1, 10**14 - 1))
def test_words_read_back_to_the_same_amount_without_double_zeros(cents: int) -> None:
    amount = Decimal(cents) / 100
    words = in_words(amount)
    assert read_words(words) == amount
    assert "零零" not in words


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("42", "42.00"),
        ("42.5", "42.50"),
        ("0.05", "0.05"),
        ("007", "7.00"),
        (" ¥1,234.50 ", "1234.50"),
        ("￥１，２３４．５０元", "1234.50"),
        ("1 234 567.8", "1234567.80"),
        ("¥ 42 元", "42.00"),
        ("\u300042", "42.00"),
        ("99999999.99", "99999999.99"),
    ],
)
def test_a_cashier_may_type_an_amount_in_many_ways(typed: str, amount: str) -> None:
    assert str(parse_amount(typed)) == amount


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            "  ",
            "¥",
            "元",
            "abc",
            "NaN",
            "inf",
            "1e3",
            "+5",
            "-5",
            "12.345",
            "12,50",
            "1,23,456",
            "12 50",
            "5.",
            ".5",
        ),
        *("1.2.3", "1_000", "①", "٣", "一百", "42 美元", "100000000", "9" * 400, "1\n2", "0x10"),
    ],
)
def test_anything_else_a_cashier_types_is_refused_with_a_chinese_sentence(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^[\u4e00-\u9fff].*。$"):
        parse_amount(typed)
