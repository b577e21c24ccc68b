"""Personal data on screens and in exports: in full only for those who need it, else 138****1234."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import has_request_context
from sqlalchemy import ColumnElement, func, or_

from app.permissions import Permission, can

LAST = 4  # digits that stay, enough to ask somebody for


def mask_phone(text: str) -> str:
    """'138****1234'; of shorter numbers only the end."""
    if len(text) >= 11:
        return f"{text[:3]}****{text[-LAST:]}"
    return f"****{text[-LAST:]}" if len(text) > LAST else "*" * len(text)


def mask_id_card(text: str) -> str:
    """'330106********1234': where and when somebody was born is not for everybody."""
    return f"{text[:6]}{'*' * (len(text) - 10)}{text[-LAST:]}" if len(text) >= 15 else mask_phone(text)


def sees_personal() -> bool:
    """Whether whoever looks sees it in full; workers and commands do."""
    return not has_request_context() or can(Permission.SEE_PERSONAL)


def _shown(mask: Callable[[str], str]) -> Callable[[str | None], str]:
    def show(text: str | None) -> str:
        """As whoever looks may see it; '' for nothing."""
        return text if text and sees_personal() else mask(text or "")

    return show


phone, id_card = _shown(mask_phone), _shown(mask_id_card)


def phone_like(column: Any, text: str) -> ColumnElement[bool]:
    """Whether the number of this column is meant: for those who see it in full a part of it, else all of it or its end.

    Else what is masked could be guessed digit by digit.
    """
    if sees_personal():
        found: ColumnElement[bool] = column.contains(text, autoescape=True)
        return found
    return or_(column == text, func.right(column, LAST) == text)
