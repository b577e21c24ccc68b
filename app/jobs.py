"""Sending background work by name, after the transaction that asked for it has been committed."""

from __future__ import annotations

from typing import Any

from celery import Celery
from flask import current_app

from app.db import after_commit
from tenants import context


def enqueue(task: str, *args: Any, queue: str = "people") -> None:
    """Send `task` for the plant in force once the running transaction is committed. Queues: people (waiting), night."""
    slug = context.current().slug
    sender: Celery = current_app.extensions["celery"]

    def send() -> None:
        sender.send_task(task, args=[slug, *args], queue=queue)

    after_commit(send)
