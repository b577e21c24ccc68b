"""A task carries the id of the request that caused it, and when it was sent."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import before_task_publish

from app.observe import ids

REQUEST_ID, SENT_AT = "request_id", "sent_at"  # headers of the message; the time is in seconds since 1970


def init() -> None:
    """For every way of sending: app/jobs.py, a task that sends tasks, a retry, beat."""
    before_task_publish.connect(_stamp, weak=False, dispatch_uid="observe")


def _stamp(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        headers[REQUEST_ID] = ids.request_id.get()
        headers[SENT_AT] = time.time()
