"""Ten thousand steps of random business against the model. `python -m tests.payments.soak` goes on for hours."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tenants.context import Tenant
from tests.payments.books_ground import HAPPENS, Ground, profile
from tests.payments.books_machine import BooksMachine

STORIES, STEPS = 132, 100


@pytest.mark.slow
def test_the_books_are_right_after_every_one_of_ten_thousand_steps(plant: Tenant) -> None:
    machine = type("Machine", (BooksMachine,), {"ground": Ground(plant), "steps": 0, "outcomes": Counter()})
    run_state_machine_as_test(machine, settings=profile(examples=STORIES, steps=STEPS))
    assert machine.steps >= 10_000
    done = {name.removesuffix(" refused") for name in machine.outcomes}
    assert done >= HAPPENS.keys() - {"read_and_bill", "bill_again"} | {"issue"}, "something never happened"
