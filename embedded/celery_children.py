"""Loaded by `celery worker --include`: its processes end with it, even when it is killed with -9."""

from __future__ import annotations

from celery.signals import worker_process_init

from embedded.parent_death import die_with


def _end_with_master(**_: object) -> None:
    die_with()


worker_process_init.connect(_end_with_master, weak=False)
