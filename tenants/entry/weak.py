"""Passwords that a guess would find: told by what they are, not by which kinds of characters they have.

Common ones are known words (common.txt) with the numbers that people put before or behind them, runs of digits and of
neighbouring keys, one thing again and again, dates and telephone numbers; and whatever others know of the person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

SHORTEST, LONGEST = 8, 200
_ROWS = (
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)
_MARKS = re.compile(r"[\W_]+")
_DATE = re.compile(r"(19|20)?\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_NAMED = re.compile(r"([a-z]{0,8})(\d+)([a-z]{0,8})")
_MOBILE = re.compile(r"1[3-9]\d{9}")
COMMON = "这个密码太常见，一猜就中，请换一个，例如把几个不相干的词连起来。"
PERSONAL = "密码不能用用户名、姓名、手机号或水厂名，请换一个别人想不到的。"


@cache
def _words() -> frozenset[str]:
    lines = Path(__file__).with_name("common.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def _stems() -> frozenset[str]:
    return frozenset(word for word in _words() if not word.isdigit())


def _plain(text: str) -> str:
    """As a guess writes it: small, half-width, without what is put between."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", text).lower())


def _is_run(text: str) -> bool:
    """Neighbours in a row of keys, forwards or backwards, also several rows after each other."""
    return len(text) >= 3 and all(_run_at(text, at) for at in range(0, len(text), 4) if len(text) - at >= 3)


def _run_at(text: str, at: int) -> bool:
    part = text[at : at + 4]
    return any(part in row * 2 or part[::-1] in row * 2 for row in _ROWS)


def _repeats(text: str) -> bool:
    """A few characters, again and again."""
    return len(set(text)) <= 2 or any(text == (text[:n] * len(text))[: len(text)] for n in range(1, len(text) // 2 + 1))


def _is_number(text: str) -> bool:
    """A number that people think of: none at all, a known one, a year, a date, a run, a repetition."""
    if not text or text in _words():
        return True
    if not (text.isascii() and text.isdigit()):
        return False
    return bool(re.fullmatch(r"(19|20)\d\d", text) or _DATE.fullmatch(text) or _is_run(text) or _repeats(text))


def _is_made_of(text: str, words: Iterable[str]) -> bool:
    """One of the words, with nothing but such numbers before and behind it."""
    for word in words:
        before, found, behind = text.partition(word)
        if found and _is_number(before) and _is_number(behind):
            return True
    return False


def _is_initials(text: str) -> bool:
    """Initials with such a number, or a short name with somebody's birthday or telephone."""
    found = _NAMED.fullmatch(text)
    if not found:
        return False
    letters, number = found[1] + found[3], found[2]
    if len(letters) <= 3 and _is_number(number):
        return True
    return bool(_MOBILE.fullmatch(number) or (len(number) == 8 and _DATE.fullmatch(number)))


def is_common(password: str) -> bool:
    """Whether everybody's first thousand guesses have it."""
    text = _plain(password)
    if _is_number(text) or _MOBILE.fullmatch(text) or _is_run(text) or _repeats(text) or _is_initials(text):
        return True
    return password.lower() in _words() or _is_made_of(text, _stems())


def why_not(password: str, *, about: Iterable[str] = (), shortest: int = SHORTEST) -> str:
    """What speaks against a new password, as one sentence; '' for nothing. `about`: what others know of the person."""
    if len(password) < shortest:
        return f"新密码至少 {shortest} 位，长一点更安全，不必有符号。"
    if len(password) > LONGEST:
        return f"密码最多 {LONGEST} 位。"
    known = [plain for plain in map(_plain, about) if len(plain) >= 3]
    if _is_made_of(_plain(password), known):
        return PERSONAL
    return COMMON if is_common(password) else ""
