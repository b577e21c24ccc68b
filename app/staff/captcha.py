"""验证码: four digits in a picture. The answer lives in Redis for five minutes and serves one attempt."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from io import BytesIO
from typing import Any

from captcha.image import ImageCaptcha

from app.extensions import redis

LIFETIME = 5 * 60  # seconds
DIGITS = "23456789"  # 0 and 1 look like letters
LENGTH = 4
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


def issue() -> str:
    """A new captcha; the key that the form carries."""
    key = secrets.token_urlsafe(16)
    redis().set(_place(key), "".join(secrets.choice(DIGITS) for _ in range(LENGTH)), ex=LIFETIME)
    return key


def answer(key: str) -> str | None:
    """What its picture shows; None where it is used up or too old."""
    stored: Any = redis().get(_place(key))
    return stored.decode() if stored else None


def picture(key: str) -> bytes | None:
    """Its picture as a PNG; None where it is used up or too old."""
    digits = answer(key)
    if digits is None:
        return None
    out = BytesIO()
    _drawing().generate_image(digits, bg_color=PAPER, fg_color=INK).save(out, "PNG")
    return out.getvalue()


def typed_digits(text: str) -> str:
    """What somebody meant: without blanks, １２３４ of a Chinese keyboard as 1234."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def use_up(key: str, text: str) -> bool:
    """Whether the text is its answer. Right or wrong, nobody can try it again."""
    with redis().pipeline() as steps:
        steps.get(_place(key))
        steps.delete(_place(key))
        stored: bytes | None = steps.execute()[0]
    return stored is not None and secrets.compare_digest(stored, typed_digits(text).encode())
