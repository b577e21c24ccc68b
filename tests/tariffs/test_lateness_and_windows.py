"""违约金, the windows that tiers climb in, and mixed use."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.tariffs.rules import (
    FixedVolume,
    LateFeeRule,
    TariffError,
    allocate,
    cycle_window,
    days_late,
    due_date,
    late_fee,
)

# Late fee


RULE = LateFeeRule(due_day=25, daily_rate=Decimal("0.005"))


def fee(unpaid: str, days: int, charged: str | None = None, **fields: Any) -> Decimal:
    rule = LateFeeRule(**{"due_day": 25, "daily_rate": Decimal("0.005"), **fields})
    principal = None if charged is None else Decimal(charged)
    return late_fee(rule, charged=principal, unpaid=Decimal(unpaid), days_late=days)


def test_a_late_fee_grows_daily_on_what_is_unpaid() -> None:
    assert fee("42.00", 30) == Decimal("6.30")
    assert fee("33.33", 1) == Decimal("0.17")


def test_a_late_fee_on_what_was_charged_does_not_shrink_with_part_payments() -> None:
    assert fee("10", 30, charged="42", base="charged") == Decimal("6.30")
    assert fee("10", 30, charged="42") == Decimal("1.50")


def test_a_late_fee_is_capped_by_a_share_of_the_principal() -> None:
    assert fee("42", 250, cap=Decimal(1)) == 42
    assert fee("10", 2500, charged="42", cap=Decimal(1)) == 42
    assert fee("42", 250, cap=Decimal("0.3")) == Decimal("12.60")
    assert fee("42", 250) == Decimal("52.50")


def test_the_least_late_fee_is_due_only_where_something_is_late_and_unpaid() -> None:
    assert fee("42", 1, minimum=Decimal(1)) == 1
    assert fee("42", 0, minimum=Decimal(1)) == 0
    assert fee("0", 9, charged="42", minimum=Decimal(1)) == 0
    assert fee("0.40", 1, minimum=Decimal(1), cap=Decimal(1)) == Decimal("0.40")


@pytest.mark.parametrize(
    ("day", "grace", "issued", "due"),
    [
        (25, 0, "2026-10-24", "2026-10-25"),
        (25, 0, "2026-10-25", "2026-10-25"),
        (25, 0, "2026-10-26", "2026-11-25"),
        (25, 0, "2026-12-31", "2027-01-25"),
        (31, 0, "2026-04-10", "2026-04-30"),
        (31, 0, "2026-02-28", "2026-02-28"),
        (30, 0, "2026-01-31", "2026-02-28"),
        (25, 10, "2026-10-20", "2026-11-04"),
    ],
)
def test_the_due_day_is_the_next_one_on_or_after_issue(day: int, grace: int, issued: str, due: str) -> None:
    rule = LateFeeRule(due_day=day, grace_days=grace, daily_rate=Decimal("0.005"))
    assert due_date(rule, date.fromisoformat(issued)) == date.fromisoformat(due)


def test_lateness_starts_the_day_after_the_due_date() -> None:
    issued = date(2026, 10, 20)
    late = [days_late(RULE, issued_on=issued, on=date(2026, 10, day)) for day in (20, 25, 26, 31)]
    assert late == [0, 0, 1, 6]


# Windows and mixed use


@pytest.mark.parametrize(
    ("cycle", "period", "window"),
    [
        ("month", "2026-10", ("2026-10", "2026-10")),
        ("bimonth", "2026-10", ("2026-09", "2026-10")),
        ("bimonth", "2026-01", ("2026-01", "2026-02")),
        ("quarter", "2026-10", ("2026-10", "2026-12")),
        ("quarter", "2026-03", ("2026-01", "2026-03")),
        ("year", "2026-10", ("2026-01", "2026-12")),
    ],
)
def test_windows_follow_the_calendar(cycle: Any, period: str, window: tuple[str, str]) -> None:
    assert cycle_window(cycle, period) == window


@pytest.mark.parametrize("period", ["2026-13", "2026-1", "2026年10月", "2026-10\n", ""])
def test_a_period_not_so_written_is_refused(period: str) -> None:
    with pytest.raises(TariffError, match="账期"):
        cycle_window("year", period)


def test_mixed_use_is_shared_and_the_last_share_takes_the_remainder() -> None:
    assert allocate(Decimal(35), ["0.1", "0.9"]) == [Decimal("3.5"), Decimal("31.5")]
    assert allocate(Decimal("0.005"), ["0.3", "0.3", "0.4"]) == [Decimal("0.002")] * 2 + [Decimal("0.001")]
    assert allocate(Decimal("0.001"), ["0.5", "0.5", "0"]) == [Decimal("0.001"), 0, 0]


def test_a_fixed_volume_is_served_first_and_capped_at_what_there_is() -> None:
    assert allocate(Decimal(35), [FixedVolume(Decimal(10)), "1"]) == [10, 25]
    assert allocate(Decimal(35), ["1", FixedVolume(Decimal(10))]) == [25, 10]
    assert allocate(Decimal(4), [FixedVolume(Decimal(10)), "1"]) == [4, 0]
    assert allocate(Decimal(30), ["0.5", FixedVolume(Decimal(10)), "0.5"]) == [10, 10, 10]


@pytest.mark.parametrize(
    "mix", [["0.1", "0.8"], ["1.2", "-0.2"], [], [FixedVolume(Decimal(10))], [FixedVolume(Decimal(-1)), "1"]]
)
def test_shares_that_do_not_make_one_are_refused(mix: list[Any]) -> None:
    with pytest.raises(TariffError):
        allocate(Decimal(10), mix)
