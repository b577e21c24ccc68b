"""The one door for money: exact decimals in, half-up rounding, and the ways an amount is written in Chinese.

Amounts are yuan (元). Nothing here, or behind it, accepts a binary fraction.
"""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
PRICE_STEP = Decimal("0.0001")
VOLUME_STEP = Decimal("0.001")
WORDS_LIMIT = Decimal(10) ** 12
AMOUNT_LIMIT = Decimal(10) ** 8

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿")

_WIDE = str.maketrans("０１２３４５６７８９．，￥\u3000", "0123456789.,¥ ")
_TYPED = re.compile(r"¥? *([0-9]{1,3}(?:[, ][0-9]{3})+|[0-9]+)(\.[0-9]+)? *元?")


def D(value: str | int | Decimal) -> Decimal:  # noqa: N802 - reads as the literal it stands for
    """An exact finite decimal. TypeError for other types (binary fractions, bool), ValueError for others."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError(f"money takes str, int or Decimal, not {type(value).__name__}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not a decimal number: {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return number


def yuan(value: str | int | Decimal) -> Decimal:
    """Rounded half-up (away from zero) to 0.01 yuan, so that a reversal mirrors what it reverses."""
    return (value if type(value) is Decimal else D(value)).quantize(CENT, ROUND_HALF_UP)


def price4(value: str | int | Decimal) -> Decimal:
    """A price, half-up to 0.0001 yuan."""
    return D(value).quantize(PRICE_STEP, ROUND_HALF_UP)


def volume3(value: str | int | Decimal) -> Decimal:
    """A volume, half-up to 0.001 m³."""
    return D(value).quantize(VOLUME_STEP, ROUND_HALF_UP)


def fmt_yuan(value: str | int | Decimal) -> str:
    """For reading: ¥1,234.50, and -¥3.00 below zero."""
    amount = yuan(value)
    return f"{'-' if amount < 0 else ''}¥{abs(amount):,.2f}"


def _group_words(group: int) -> str:
    """One group of four digits; a run of inner zeros is one 零, leading and trailing zeros are left out."""
    words, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            words += ("零" if gap and words else "") + DIGITS[digit] + PLACES[place]
        gap = not digit
    return words


def _whole_words(whole: int) -> str:
    words, gap = "", False
    for power in (2, 1, 0):
        group = whole // 10_000**power % 10_000
        if group:
            bridge = "零" if words and (gap or group < 1000) else ""
            words += bridge + _group_words(group) + GROUPS[power]
        gap = not group
    return words


def in_words(value: str | int | Decimal) -> str:
    """人民币大写: ends at 元 → 整, after 角 or 分 nothing; a zero 角 before 分 is read 零; 负 before all.

    Rules of 《正确填写票据和结算凭证的基本规定》; where they leave a 零 free (1680.32, 107000) there is none.
    ValueError from 万亿 up.
    """
    amount = yuan(value)
    if abs(amount) >= WORDS_LIMIT:
        raise ValueError("金额太大，写不成大写。")
    whole, cents = divmod(int(abs(amount) * 100), 100)
    jiao, fen = divmod(cents, 10)
    words = _whole_words(whole) + "元" if whole or not cents else ""
    if not whole and not cents:
        words = "零元"
    if not cents:
        words += "整"
    elif jiao:
        words += DIGITS[jiao] + "角"
    elif whole:
        words += "零"
    if fen:
        words += DIGITS[fen] + "分"
    return ("负" if amount < 0 else "") + "人民币" + words


def parse_amount(text: str) -> Decimal:
    """What a cashier types, in yuan to 0.01; full-width digits, grouping commas or spaces, ¥ and 元 are fine.

    ValueError with a sentence for the person for all else: empty, signs, exponents, NaN, 12,50, more than two
    decimals, 亿 yuan or more.
    """
    typed = (text or "").translate(_WIDE).strip()
    if not typed:
        raise ValueError("请输入金额。")
    match = _TYPED.fullmatch(typed)
    if not match:
        raise ValueError("金额只能是数字，例如 42.00。")
    whole, decimals = match[1].replace(",", "").replace(" ", "").lstrip("0"), match[2] or ""
    if len(decimals) > 3:
        raise ValueError("金额最多到分，即两位小数。")
    if len(whole) > 12 or D(whole or "0") >= AMOUNT_LIMIT:
        raise ValueError("金额太大，请核对。")
    return yuan((whole or "0") + decimals)
