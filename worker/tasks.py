"""What the workers do at night. Every task may be delivered twice, or never, and the work is done once."""

from __future__ import annotations

from datetime import timedelta

from app import clock
from app.extensions import redis
from tenants import context, exports, nights
from worker.base import PlatformTask, TenantTask
from worker.celery import NIGHT_TICK, app
from worker.nightly import work_off

PATIENCE = 20  # ticks that a message may wait in a queue that is not empty, before its plant is told of again
EXPORTS_AT_ONCE = 50  # a tick: a night that comes does not wait behind a thousand of them


@app.task(base=TenantTask, name="worker.tasks.run_plant_night", queue="night")
def run_plant_night() -> None:
    """Work off one plant's open nights."""
    if context.current().state == "active":
        work_off()


@app.task(base=PlatformTask, name="worker.tasks.start_nights", queue="night")
def start_nights() -> int:
    """Plan what has come and tell the workers of every plant with an open night; returns how many.

    Where the queue is empty, what was told and not done is lost (a worker was killed, Redis flushed): it is told again
    after one tick.
    """
    now = clock.now()
    nights.plan(now)
    waiting = redis().llen("night")
    slugs = nights.untold(now, patience=timedelta(seconds=NIGHT_TICK * (PATIENCE if waiting else 1)))
    with app.producer_pool.acquire(block=True) as producer:
        for slug in slugs:
            run_plant_night.apply_async((slug,), producer=producer)
    return len(slugs)


@app.task(base=TenantTask, name="worker.tasks.export_plant", queue="night")
def export_plant() -> None:
    """Write one plant's export, where none was made meanwhile."""
    exports.make(context.current(), clock.now())


@app.task(base=PlatformTask, name="worker.tasks.start_exports", queue="night")
def start_exports() -> int:
    """Tell the workers of some plants whose export is due, where no night waits; returns how many.

    What is lost or fails is still due at the next tick.
    """
    slugs = [] if redis().llen("night") else exports.due(clock.now(), limit=EXPORTS_AT_ONCE)
    for slug in slugs:
        export_plant.delay(slug)
    return len(slugs)
