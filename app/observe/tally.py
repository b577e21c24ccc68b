"""What the workers leave in Redis for whoever reads the metrics.

Their processes come and go (one is replaced after some hundred tasks, a crash takes another) and may stand on other
machines, so they keep no counts of their own and open no port: a task adds to one hash, and any web process reads it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from app.observe.probes import redis
from app.observe.sending import SENT_AT

QUEUES = ("people", "night")
TASKS, SECONDS, WORKERS = "observe:tasks", "observe:task_seconds", "observe:workers"
LAST = "observe:last_ended"  # by task
ALIVE = 30  # seconds: a worker says every two that it is there


def task_ended(name: str, state: str, seconds: float) -> None:
    """Count a task. Raises RedisError."""
    with redis().pipeline(transaction=False) as line:
        line.hincrby(TASKS, f"{name} {state}", 1)
        line.hincrbyfloat(SECONDS, name, seconds)
        line.hset(LAST, name, str(time.time()))
        line.execute()


def last_ended(name: str) -> float | None:
    """When a task of that name last ended (seconds since 1970); None where none has since Redis was last emptied."""
    found = redis().hget(LAST, name)
    return float(found) if found else None


def tasks() -> dict[tuple[str, str], int]:
    """How often tasks have ended: {(name, state): times} since Redis was last emptied. States as Celery's, small."""
    return {tuple(key.decode().split(" ")): int(count) for key, count in redis().hgetall(TASKS).items()}  # type: ignore[union-attr]


def task_seconds() -> dict[str, float]:
    """How long they took, together."""
    return {key.decode(): float(spent) for key, spent in redis().hgetall(SECONDS).items()}  # type: ignore[union-attr]


def worker_seen(name: str) -> None:
    """A worker is there. Raises RedisError."""
    now = time.time()
    with redis().pipeline(transaction=False) as line:
        line.zadd(WORKERS, {name: now})
        line.zremrangebyscore(WORKERS, 0, now - ALIVE)
        line.execute()


def workers() -> int:
    """How many there are."""
    return int(redis().zcount(WORKERS, time.time() - ALIVE, "inf"))


def queues() -> Iterator[tuple[str, int, float]]:
    """Of each queue: its name, the messages that wait, how long the oldest has been waiting (seconds)."""
    for queue in QUEUES:
        oldest = redis().lindex(queue, -1)
        sent = json.loads(oldest)["headers"].get(SENT_AT) if oldest else None
        yield queue, int(redis().llen(queue)), max(0.0, time.time() - sent) if sent else 0.0
