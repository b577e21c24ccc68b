"""Logs are read by people who have no business with customers: what could name one is taken out of messages and errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce

from flask import has_request_context, request

HIDDEN = "***"
PATTERNS = (
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), HIDDEN),  # 手机号
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), HIDDEN),  # 身份证号
    # PostgreSQL quotes the row it complains of; SQLAlchemy's parameters are hidden by the engine (config.py).
    (re.compile(r"^(DETAIL|CONTEXT):.*?(?=^\[SQL|^\s*$|\Z)", re.MULTILINE | re.DOTALL), rf"\1: {HIDDEN}\n"),
    (re.compile(r"((?:invalid input|out of range)[^\"\n]*)\"[^\n]*\""), rf'\1"{HIDDEN}"'),
    (re.compile(r"(/[^\s?\"']*)\?[^\s\"']+"), rf"\1?{HIDDEN}"),  # query strings
    (re.compile(r"(://[^:/@\s]*:)[^@\s]+@"), rf"\1{HIDDEN}@"),  # passwords of servers
)


def scrub(text: str) -> str:
    """The text without numbers of people, and without anything that the running request was sent."""
    text = reduce(lambda said, value: said.replace(value, HIDDEN), _sent(), text)
    return reduce(lambda said, rule: rule[0].sub(rule[1], said), PATTERNS, text)


def _sent() -> list[str]:
    """What stands in the request's form and query, longest first; short ones (numbers of pages) name nobody."""
    if not has_request_context():
        return []
    return sorted({value for value in _values() if len(value.encode()) >= 4}, key=len, reverse=True)


def _values() -> Iterator[str]:
    """Only from what has been read already: reading now might fail, or wait for a slow sender."""
    read = request._get_current_object().__dict__  # type: ignore[attr-defined]
    for part in ("form", "args"):
        if part in read:
            yield from (value.strip() for values in read[part].listvalues() for value in values)
