"""How a meter stands, and what a mixed use is made of."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.metering.rules import Part, mix_of, state_word

D = Decimal


@pytest.mark.parametrize(
    ("state", "bound", "word"),
    [("in_use", True, "使用中"), ("in_use", False, "未绑定"), ("stopped", True, "停表"), ("retired", False, "停用")],
)
def test_a_meter_s_state_is_one_word(state: str, bound: bool, word: str) -> None:
    assert state_word(state, bound=bound)[0] == word


def test_a_mix_is_kept_as_shares_and_volumes() -> None:
    assert mix_of([]) is None
    assert mix_of([Part(3, D("12.5"), False), Part(4, D("87.5"), False), Part(5, D(6), True)]) == [
        {"tariff_id": 3, "share": "0.125"},
        {"tariff_id": 4, "share": "0.875"},
        {"tariff_id": 5, "volume": "6"},
    ]


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([Part(3, D(100), False)], "至少要有两个"),
        ([Part(3, D(50), False), Part(3, D(50), False)], "写了两次"),
        ([Part(3, D(50), False), Part(4, D(40), False)], "加起来是 90%"),
        ([Part(3, D(5), True), Part(4, D(4), True)], "加起来是 0%"),
        ([Part(3, D(0), True), Part(4, D(100), False)], "大于零"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(parts: list[Part], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        mix_of(parts)
