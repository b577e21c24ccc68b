"""What is asked when the metrics are read: queues and workers of Redis, plants and nights of the registry.

Every web process tells the same of these, so rules take max() over instances, not sum().
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from flask import current_app
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.observe import probes, readiness, tally
from tenants import vitals


class Facts:
    """A collector for prometheus_client. What cannot be reached is missing, and `qingqu_ready` says so."""

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        for source in (_readiness, _queues, _tasks, _registry):
            yield from _reached(source)

    def describe(self) -> list[Metric]:
        """Nothing: or registering would already ask the servers."""
        return []


def exposition() -> bytes:
    """Prometheus' text."""
    registry = CollectorRegistry()
    registry.register(Facts())
    return generate_latest(registry)


def _reached(source: Callable[[], Iterable[Metric]]) -> list[Metric]:
    try:
        return list(source())
    except (RedisError, SQLAlchemyError):
        return []


def _gauge(name: str, told: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    gauge = GaugeMetricFamily(name, told, labels=[label])
    for value, count in values:
        gauge.add_metric([value], count)
    return gauge


def _readiness() -> Iterator[Metric]:
    parts = readiness.parts()
    values = [(name, float(part.ok)) for name, part in parts.items()]
    yield _gauge("qingqu_ready", "Whether database, redis and migrations are as they should be.", "part", values)


def _queues() -> Iterator[Metric]:
    found = list(tally.queues())
    waiting = [(queue, float(count)) for queue, count, _ in found]
    oldest = [(queue, seconds) for queue, _, seconds in found]
    yield _gauge("qingqu_queue_waiting", "Messages that no worker has taken.", "queue", waiting)
    yield _gauge("qingqu_queue_oldest_seconds", "How long the oldest of them has been waiting.", "queue", oldest)
    yield GaugeMetricFamily("qingqu_workers", "Workers that are there.", value=tally.workers())


def _tasks() -> Iterator[Metric]:
    ended = CounterMetricFamily("qingqu_tasks", "Tasks that have ended.", labels=["task", "state"])
    for (task, state), count in sorted(tally.tasks().items()):
        ended.add_metric([task, state], count)
    spent = CounterMetricFamily("qingqu_task_seconds", "Time spent on them.", labels=["task"])
    for task, seconds in sorted(tally.task_seconds().items()):
        spent.add_metric([task], seconds)
    yield from (ended, spent)


def _registry() -> Iterator[Metric]:
    with probes.database() as connection:
        plants = vitals.plants(connection)
        night = vitals.night(connection, now=clock.now())
        jobs = vitals.latest_jobs(connection)
        export_age = vitals.export_age(connection, now=clock.now())
    yield _plants(plants)
    yield _gauge("qingqu_night_plants", "Active plants by the state of their night.", "state", _items(night.plants))
    yield GaugeMetricFamily("qingqu_night_lag_seconds", "Age of the oldest unfinished night.", value=night.lag)
    yield _gauge("qingqu_night_jobs", "Jobs of the latest business date.", "state", _items(jobs))
    if current_app.config["EXPORT_DIR"]:
        yield GaugeMetricFamily("qingqu_export_age_seconds", "Age of the oldest last export.", value=export_age)


def _items(counts: dict[str, int]) -> Iterator[tuple[str, float]]:
    return ((name, float(count)) for name, count in counts.items())


def _plants(found: dict[tuple[str, int], int]) -> Metric:
    counts: dict[tuple[str, str], int] = {}
    for (state, behind), count in found.items():
        key = (state, str(behind) if behind < 2 else "more")
        counts[key] = counts.get(key, 0) + count
    gauge = GaugeMetricFamily(
        "qingqu_plants", "Plants, and how many revisions they are behind.", labels=["state", "behind"]
    )
    for labels, count in sorted(counts.items()):
        gauge.add_metric(labels, count)
    return gauge
