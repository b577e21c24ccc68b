"""Real published tariffs, with the amounts that must come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.tariffs.document import quote, quote_batch

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("published_examples.json").read_text("utf-8"))
GIVEN = ("usage", "used_before", "people", "months", "quota", "days_late", "unpaid")


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_published_tariff_gives_the_published_amount(case: dict[str, Any]) -> None:
    answer = quote(case["tariff"], **{key: case[key] for key in GIVEN if key in case})
    assert answer["total"] == case["expect"]
    assert answer["late_fee"] == case.get("expect_late_fee", "0.00")


def test_all_thirty_published_cases_match_in_one_batch() -> None:
    answers = quote_batch(CASES)
    assert [answer["total"] for answer in answers] == [case["expect"] for case in CASES]
    assert len(answers) == 30
