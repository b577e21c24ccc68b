"""A task has a line in the log and its place in the metrics. worker/celery.py loads this: Celery's signals do the rest."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any

from celery import Task
from celery.signals import heartbeat_sent, setup_logging, task_postrun, task_prerun, task_retry
from redis.exceptions import RedisError

from app.observe import ids, logs, tally
from app.observe.sending import REQUEST_ID
from worker.base import TenantTask
from wsgi import app as flask_app

log = logging.getLogger(__name__)


@setup_logging.connect  # that somebody answers keeps Celery from setting up its own
def log_as_the_web_does(**_: Any) -> None:
    """Lines of the worker, its processes and beat."""
    logs.configure()


@task_prerun.connect
def begin(task_id: str, task: Task[Any, Any], args: tuple[Any, ...], **_: Any) -> None:
    """The request's id goes on; a task that beat has sent begins one, for all the tasks that it sends in turn."""
    plant = str(args[0]) if isinstance(task, TenantTask) and args else None
    ids.request_id.set(ids.sane(task.request.get(REQUEST_ID)) or ids.made())
    ids.task.set(ids.Task(task_id, task.name, plant, time.perf_counter()))


@task_retry.connect
def tell_why(reason: object = None, **_: Any) -> None:
    """It broke off and will be tried again."""
    log.warning("to be tried again: %s", reason)


@task_postrun.connect
def end(state: str | None = None, **_: Any) -> None:
    """How it ended: success, failure, retry. Where Redis is away the count is lost, the task is not."""
    task, ending = ids.task.get(), (state or "lost").lower()
    assert task
    seconds = time.perf_counter() - task.began
    fields = {"state": ending, "ms": round(seconds * 1000, 1)}
    log.info("%s %s", task.name, ending, extra={"fields": fields})
    with suppress(RedisError), flask_app.app_context():
        tally.task_ended(task.name, ending, seconds)
    ids.task.set(None)
    ids.request_id.set(None)


@heartbeat_sent.connect
def beat(sender: Any, **_: Any) -> None:
    """The worker is there."""
    with suppress(RedisError), flask_app.app_context():
        tally.worker_seen(sender.eventer.hostname)
