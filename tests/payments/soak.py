"""The model test for hours: `python -m tests.payments.soak --seed 7 --steps 100000` (or `--hours 3`).

Servers of its own; prints what happened how often every few minutes; exit 1 and the shortest failing story on a failure.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from app import create_app
from embedded.postgres import Postgres
from embedded.redis import Redis
from tenants import context, migrate
from tenants.session import engine
from tests.conftest import make_plant
from tests.payments.books_ground import Ground, profile
from tests.payments.books_machine import BooksMachine

STEPS, EXAMPLES = 100, 20  # of one round; the next one has the next seed


@contextmanager
def ground() -> Iterator[Ground]:
    """Servers, app and a plant."""
    with tempfile.TemporaryDirectory(prefix="qingqu-soak-") as folder:
        Path(folder).chmod(0o755)
        postgres, redis = Postgres(Path(folder) / "pg", fast=True), Redis(Path(folder) / "redis")
        postgres.start()
        redis.start()
        try:
            app = create_app(SECRET_KEY="only-for-tests-0123456789", DATABASE_URL=postgres.url, REDIS_URL=redis.url)
            with app.app_context():
                migrate.migrate_platform(engine())
                tenant = make_plant()
                with context.use(tenant):
                    yield Ground(tenant)
        finally:
            redis.stop()
            postgres.stop()


def main() -> None:
    """Round after round until the steps or the hours are used up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--hours", type=float, help="instead of steps")
    options = parser.parse_args()
    began = time.monotonic()
    with ground() as plant:
        machine = type("Machine", (BooksMachine,), {"ground": plant, "steps": 0, "outcomes": Counter()})
        seed = options.seed
        while (
            machine.steps < options.steps if options.hours is None else time.monotonic() - began < options.hours * 3600
        ):
            print(f"seed {seed}: {machine.steps} steps, {time.monotonic() - began:.0f} s", flush=True)
            run_state_machine_as_test(
                hypothesis.seed(seed)(machine), settings=profile(examples=EXAMPLES, steps=STEPS, derandomize=False)
            )
            seed += 1
        print(f"{machine.steps} steps, {time.monotonic() - began:.0f} s, nothing wrong")
        print(dict(machine.outcomes.most_common()))


if __name__ == "__main__":
    main()
