"""A number as it is typed: wide digits, ¥ and commas are forgiven, what is no number is not."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from wtforms import StringField
from wtforms.form import BaseForm
from wtforms.validators import StopValidation

from app.web.table_state import clean

_UNITS = re.compile(r"[,\s¥%元吨]|m3")


def tidy(text: Any) -> str:
    """'　２，０００.５０ 元' → '2000.50'."""
    return _UNITS.sub("", unicodedata.normalize("NFKC", str(text or "")))


def one_line(text: Any) -> str:
    """A name without control characters and blanks around it; '' for none."""
    return clean(str(text or ""))


class NumberField(StringField):
    """A number not below 0, kept as text. `places`: decimals it may have; `digits`: before the point."""

    def __init__(self, label: str = "", *, places: int = 2, digits: int = 8, **known: Any) -> None:
        super().__init__(label, filters=[tidy], **known)
        self.places, self.digits = places, digits
        decimals = rf"(\.[0-9]{{1,{places}}})?" if places else ""
        self.pattern = re.compile(rf"[0-9]{{1,{digits}}}{decimals}")

    def pre_validate(self, _form: BaseForm) -> None:
        """A sentence for what cannot be read; nothing typed is fine."""
        if self.data and not self.pattern.fullmatch(self.data):
            example = "2.50" if self.places else "25"
            many = f"，最多 {self.places} 位小数" if self.places else "，不带小数"
            raise StopValidation(f"要填不小于 0 的数字{many}，例如 {example}。")
