"""Under which number a request and all the tasks it causes can be found in the logs."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

from flask import g, has_app_context
from sqlalchemy import inspect

from tenants import context

SANE = re.compile(r"[A-Za-z0-9._-]{6,64}")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


@dataclass(frozen=True, slots=True)
class Task:
    """The task at work in this process; `plant` is the slug of the plant it works for, if any."""

    id: str
    name: str
    plant: str | None
    began: float  # by time.perf_counter()


task: ContextVar[Task | None] = ContextVar("task", default=None)


def made() -> str:
    """A new number, short enough to be read out over the telephone: 'a3f9-12bc-77de'."""
    digits = secrets.token_hex(6)
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def sane(given: str | None) -> str | None:
    """A number that somebody else has made (a proxy, the sender of a task), if it can stand in a log as it is."""
    return given if given and SANE.fullmatch(given) else None


def user_id() -> int | None:
    """The key of whoever is logged in, without asking the database: this is also called after it has failed."""
    person = g.get("_login_user") if has_app_context() else None
    state = inspect(person, raiseerr=False) if person is not None else None
    return state.identity[0] if state is not None and state.identity else None


def now() -> dict[str, object]:
    """What identifies the running work: those of plant, request_id, task_id, task, user_id that there are."""
    at_work, tenant = task.get(), context.current_or_none()
    found = {
        "plant": tenant.slug if tenant else at_work and at_work.plant,
        "request_id": request_id.get(),
        "task_id": at_work and at_work.id,
        "task": at_work and at_work.name,
        "user_id": user_id(),
    }
    return {name: value for name, value in found.items() if value is not None}
