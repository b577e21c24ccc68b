"""身份证, 户号, and two people at one form."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.customers.rules import clashes, following_number, identity_card, plain


@pytest.mark.parametrize(
    "typed", ["11010519491231002X", "11010519491231002x", "440524188001010014", " 110105 1949 1231 002X "]
)
def test_a_right_card_is_taken_however_it_is_typed(typed: str) -> None:
    """The first two are the examples of GB 11643-1999."""
    assert identity_card(typed) == typed.replace(" ", "").upper()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("110105194912310021", "抄错了一位"), ("11010519491231012X", "抄错了一位"), ("110105491231002", "18 位"),
        ("11010519491331002X", "不是出生日期"), ("１１０１０５19491231002X", "18 位"), ("X", "18 位"),
    ],
)  # fmt: skip
def test_a_wrong_card_is_told_what_is_wrong(typed: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        identity_card(typed)


@pytest.mark.parametrize(
    ("last", "following"), [(None, "00000001"), ("07000123", "07000124"), ("0999", "1000"), ("999", "1000")]
)
def test_the_following_number_is_as_wide_as_the_last(last: str | None, following: str) -> None:
    assert following_number(last) == following


def test_only_a_field_that_both_changed_differently_clashes() -> None:
    seen = {"phone": "1", "address": "a", "people": "3", "holder": "x"}
    now = {"phone": "2", "address": "b", "people": 3, "holder": "z"}
    wanted = {"phone": "3", "address": "a", "people": 4, "holder": "z"}
    assert clashes(now, seen, wanted) == {"phone": "2"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("3.00"), "3"), (Decimal("3.50"), "3.5"), (Decimal("100.00"), "100"), (True, "yes"), (None, ""), (7, "7")],
)
def test_a_value_is_carried_as_a_person_would_type_it(value: object, text: str) -> None:
    assert plain(value) == text
