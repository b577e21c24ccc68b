"""The Celery app: `celery -A worker.celery worker -Q people,night` and `celery -A worker.celery beat`."""

from __future__ import annotations

from celery import Celery
from celery.schedules import crontab

from wsgi import app as flask_app

app = Celery("qingqu", broker=flask_app.config["REDIS_URL"], include=["worker.tasks", "worker.imports"])
app.conf.update(
    task_acks_late=True,  # a killed worker's task is delivered again; every task may run twice
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    task_default_queue="people",
    task_time_limit=1800,
    task_soft_time_limit=1500,
    worker_max_tasks_per_child=500,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
    timezone="Asia/Shanghai",
    beat_schedule={
        "nightly": {"task": "worker.tasks.start_nights", "schedule": crontab(hour="0", minute="30")},
    },
)
