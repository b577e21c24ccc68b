"""What each web process counts by itself. Several processes add up in PROMETHEUS_MULTIPROC_DIR (embedded/gunicorn_conf.py).

No label is a plant, a path or a person: each value of a label is a time series that is kept for ever, a histogram has
twelve of them for each, and there are thousands of plants. One plant's requests are found in the logs.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from app.db import db

disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series for each, which nobody asks for
REQUESTS = Counter("qingqu_http_requests", "Requests answered.", ["endpoint", "method", "status"])
SECONDS = Histogram(
    "qingqu_http_request_seconds",
    "Time from a request's arrival in the app to its answer.",
    ["endpoint", "method"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_USE = Gauge("qingqu_db_connections_in_use", "Connections at work.", multiprocess_mode="livesum")
AT_MOST = Gauge("qingqu_db_connections_limit", "Connections that may be at work.", multiprocess_mode="livesum")


def watch_pool(app: Flask) -> None:
    """Follow the pool of the app's engine."""
    with app.app_context():
        pool = db.engine.pool
    limit = app.config["POOL_SIZE"] + app.config["SQLALCHEMY_ENGINE_OPTIONS"]["max_overflow"]

    def connected(*_: Any) -> None:
        AT_MOST.set(limit)  # here, not earlier: of the processes that gunicorn forks, each counts its own pool

    def taken(_connection: Any, record: Any, _proxy: Any) -> None:
        record.record_info["counted"] = True
        IN_USE.inc()

    def given_back(_connection: Any, record: Any) -> None:
        if record.record_info.pop("counted", False):  # one that could not reconnect comes back without having gone
            IN_USE.dec()

    if isinstance(pool, QueuePool):
        event.listen(pool, "connect", connected)
        event.listen(pool, "checkout", taken)
        event.listen(pool, "checkin", given_back)


def exposition() -> bytes:
    """Prometheus' text, of all the processes that share the folder."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
