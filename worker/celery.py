"""The Celery app: `celery -A worker.celery worker -Q people,night` and `celery -A worker.celery beat`.

What is to be done at night stands in the registry (tenants.nights); Redis carries nudges. So a message may be lost,
delivered twice, or sent by two beats, and the books are the same.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_shutting_down

from worker import observed as observed  # logs and metrics, by Celery's signals
from wsgi import app as flask_app

NIGHT_TICK = float(os.environ.get("NIGHT_TICK", "60"))  # seconds between two looks at what is to be done
EXPORT_TICK = 600.0  # seconds between two looks at which plants' exports are due
LAST_CALL = float(
    os.environ.get("LAST_CALL", "25")
)  # seconds that a stopping worker gives its tasks before they go back

app = Celery("qingqu", broker=flask_app.config["REDIS_URL"], include=["worker.tasks", "worker.imports", "worker.files"])
app.conf.update(
    task_acks_late=True,  # a killed worker's task is delivered again; every task may run twice
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,  # nothing waits behind a long task while another process is idle
    task_ignore_result=True,
    task_default_queue="people",
    task_time_limit=1800,
    task_soft_time_limit=1500,
    worker_max_tasks_per_child=200,  # a database connection remembers every table of every plant it has seen
    worker_max_memory_per_child=250_000,  # KiB
    broker_connection_retry_on_startup=True,
    # People are served before the night; a killed worker's task comes back after five minutes (its twin finds it taken).
    broker_transport_options={"visibility_timeout": 300, "queue_order_strategy": "priority"},
    timezone="Asia/Shanghai",
    beat_schedule={
        "nights": {"task": "worker.tasks.start_nights", "schedule": NIGHT_TICK},
        "exports": {"task": "worker.tasks.start_exports", "schedule": EXPORT_TICK},
    },
)


@worker_shutting_down.connect(weak=False)
def _bounded(how: str, **_: Any) -> None:
    """SIGTERM lets running tasks end; after the last call SIGQUIT breaks them off and returns them."""
    if how == "Warm":
        timer = threading.Timer(LAST_CALL, os.kill, (os.getpid(), signal.SIGQUIT))
        timer.daemon = True
        timer.start()
