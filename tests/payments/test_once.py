"""幂等."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.errors import DomainError
from app.payments.models import RequestKey
from app.payments.service.once import once

pytestmark = pytest.mark.usefixtures("plant")
KEY = "0123456789abcdef"


class Action:
    """Counts how often it was carried out."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self) -> dict[str, Any]:
        self.done += 1
        return {"payment_id": self.done}


def send(action: Any, key: str = KEY, **content: Any) -> dict[str, Any]:
    with transaction():
        return once(key, content, action)


def test_the_same_key_and_content_is_carried_out_once_and_answered_the_same() -> None:
    action = Action()
    assert send(action, amount="53.10") == {"payment_id": 1}
    assert send(action, amount="53.10") == {"payment_id": 1}
    assert action.done == 1


def test_the_same_key_with_other_content_is_refused() -> None:
    action = Action()
    send(action, amount="53.10")
    with pytest.raises(DomainError, match="内容却不一样"):
        send(action, amount="60.00")
    assert action.done == 1


def test_another_key_is_another_form() -> None:
    action = Action()
    send(action, amount="53.10")
    assert send(action, key="fedcba9876543210", amount="53.10") == {"payment_id": 2}


def test_what_failed_may_be_sent_again() -> None:
    def fail() -> dict[str, Any]:
        raise DomainError("预存余额不够。")

    with pytest.raises(DomainError, match="预存余额不够"):
        send(fail, amount="53.10")
    assert db.session.scalars(select(RequestKey)).all() == []
    assert send(Action(), amount="53.10") == {"payment_id": 1}


@pytest.mark.parametrize("key", ["", "short", "x" * 101])
def test_a_form_without_a_proper_key_is_refused(key: str) -> None:
    action = Action()
    with pytest.raises(DomainError, match="请刷新"):
        send(action, key=key)
    assert action.done == 0
