"""验证码: four digits in a picture, or a sum in words for who cannot see it. The answer lives in Redis for five minutes
and serves one attempt."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from io import BytesIO
from typing import Any

from captcha.image import ImageCaptcha

from tenants.entry.store import redis

LIFETIME = 5 * 60  # seconds
DIGITS = "23456789"  # 0 and 1 look like letters
LENGTH = 4
NUMERALS = "零一二三四五六七八九"
INK, PAPER = (16, 74, 106), (255, 255, 255)


class Drawing(ImageCaptcha):
    """Kind to old eyes: large digits, dark on white, hardly turned; for programs that read, warped and crossed."""

    lookup_table = [min(255, 5 * i) for i in range(256)]  # the ink covers, though it is dark
    character_rotate = (-18, 18)
    character_warp_dx = (0.05, 0.15)
    character_warp_dy = (0.05, 0.15)
    word_space_probability = 1.0
    word_offset_dx = 0.1


@cache
def _drawing() -> Drawing:
    return Drawing(width=150, height=60, font_sizes=(48, 52))


def _place(key: str) -> str:
    return f"captcha:{key}"


def _keep(answer: str, question: str = "") -> str:
    key = secrets.token_urlsafe(16)
    redis().set(_place(key), f"{answer}|{question}", ex=LIFETIME)
    return key


def issue(*, in_words: bool = False) -> str:
    """A new captcha, as a picture or as a sum in words; the key that the form carries."""
    if not in_words:
        return _keep("".join(secrets.choice(DIGITS) for _ in range(LENGTH)))
    first, second = 11 + secrets.randbelow(40), 1 + secrets.randbelow(9)
    if secrets.randbelow(2):
        return _keep(str(first + second), f"{spoken(first)}加{spoken(second)}等于几？")
    return _keep(str(first - second), f"{spoken(first)}减{spoken(second)}等于几？")


def spoken(number: int) -> str:
    """0 to 99 as one says it: 十二, 四十, 三十五."""
    tens, ones = divmod(number, 10)
    if not tens:
        return NUMERALS[ones]
    return (NUMERALS[tens] if tens > 1 else "") + "十" + (NUMERALS[ones] if ones else "")


def _stored(key: str) -> tuple[str, str] | None:
    stored: Any = redis().get(_place(key))
    if not stored:
        return None
    answer, _, question = stored.decode().partition("|")
    return answer, question


def answer(key: str) -> str | None:
    """What is to be typed; None where it is used up or too old."""
    found = _stored(key)
    return found[0] if found else None


def question(key: str) -> str:
    """What it asks in words; '' where it is a picture, used up or too old."""
    found = _stored(key)
    return found[1] if found else ""


def picture(key: str) -> bytes | None:
    """Its picture as a PNG; None where it has none, is used up or too old."""
    found = _stored(key)
    if found is None or found[1]:
        return None
    out = BytesIO()
    _drawing().generate_image(found[0], bg_color=PAPER, fg_color=INK).save(out, "PNG")
    return out.getvalue()


def typed(text: str) -> str:
    """What somebody meant: without blanks, １２３４ of a Chinese keyboard as 1234, 三十五 as 35."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    return _SPOKEN.get(plain, plain)


def use_up(key: str, text: str) -> bool:
    """Whether the text is its answer. Right or wrong, nobody can try it again."""
    with redis().pipeline() as steps:
        steps.get(_place(key))
        steps.delete(_place(key))
        stored: bytes | None = steps.execute()[0]
    return stored is not None and secrets.compare_digest(stored.partition(b"|")[0], typed(text).encode())


_SPOKEN = {spoken(number): str(number) for number in range(100)}
