"""What is shown again for a moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.dashboard import kept as keeping
from app.dashboard.kept import kept
from tenants import context
from tenants.context import Tenant


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(keeping, "time", made)
    keeping._kept.clear()
    return made


def work(clock: Clock, seconds: float) -> Callable[[], int]:
    """Takes so long, and answers how often it was done."""
    done = iter(range(1, 100))

    def make() -> int:
        clock.now += seconds
        return next(done)

    return make


def test_what_is_quickly_found_is_always_fresh(plant: Tenant, clock: Clock) -> None:
    make = work(clock, 0.05)
    assert [kept("figures", make), kept("figures", make)] == [1, 2]


def test_what_took_long_is_shown_again_for_twenty_times_as_long(plant: Tenant, clock: Clock) -> None:
    make = work(clock, 0.5)
    assert kept("figures", make) == 1
    clock.now += 9.9
    assert kept("figures", make) == 1
    clock.now += 0.2
    assert kept("figures", make) == 2


def test_nothing_is_kept_longer_than_half_a_minute(plant: Tenant, clock: Clock) -> None:
    make = work(clock, 10)
    kept("figures", make)
    clock.now += 31
    assert kept("figures", make) == 2


def test_a_plant_never_sees_what_was_kept_for_another(plant: Tenant, neighbour: Tenant, clock: Clock) -> None:
    assert kept("figures", work(clock, 1)) == 1
    with context.use(neighbour):
        assert kept("figures", lambda: 7) == 7
    assert kept("figures", lambda: 8) == 1
