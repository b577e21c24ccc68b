"""Files that take long to make: a worker asks for the same address as the same person, and keeps what comes of it.

A view that sees how much it is asked for says so before it begins: `files.leave_to_worker("催缴通知单", parts=200, unit="户",
above=10)`. Whoever asked is led to a page with a bar; the worker calls the view again, with that person's rights as
they are then, and this time it does the work. What it stores and that the file is done are one transaction: asked
twice, killed in between and delivered again, it happens once. The file is kept in `import_job`, as uploads are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from flask import current_app, g, get_flashed_messages, make_response, request
from sqlalchemy import delete, func, select, text, update
from werkzeug.datastructures import Headers

from app import clock, permissions
from app.db import db, joined
from app.errors import DomainError
from app.intake.models import ImportJob
from app.intake.service import new_job
from app.jobs import enqueue
from app.staff.models import StaffUser
from tenants import context
from tenants.session import connection_for

T = TypeVar("T")
KIND = "file"
TASK = "worker.files.make_file"
UNDER_WAY = ("uploaded", "running")
PATIENCE = {"uploaded": timedelta(seconds=10), "running": timedelta(minutes=2)}  # without a sign of life
KEPT = timedelta(hours=1)
AGAIN = timedelta(minutes=2)  # a browser's viewer may ask for what it shows once more; then the file is gone
STEP = 0.5  # seconds between two steps of the bar


class TakesLong(Exception):
    """What is asked for is left to a worker."""

    def __init__(self, title: str, parts: int, unit: str) -> None:
        super().__init__(title)
        self.title, self.parts, self.unit = title, parts, unit


@dataclass(slots=True)
class _Making:
    job_id: int
    told: float = 0.0


@dataclass(frozen=True, slots=True)
class File:
    """What a worker made."""

    content: bytes
    headers: Headers


def leave_to_worker(title: str, *, parts: int, unit: str, above: int) -> None:
    """Raise TakesLong where there are more than `above` parts; not in the worker, and not for an operator who only looks."""
    if parts > above and "making" not in g and not context.current().read_only:
        raise TakesLong(title, parts, unit)


def told(parts: Iterable[T], *, step: int = 1) -> Iterator[T]:
    """The parts one after the other, each moving the bar by `step` where a worker makes the file."""
    for number, part in enumerate(parts):
        yield part
        tell((number + 1) * step)


def tell(done: int) -> None:
    """How many parts are done, in a transaction of its own: the file's is seen by nobody until it ends."""
    making: _Making | None = g.get("making")
    if making and time.monotonic() - making.told > STEP:
        making.told = time.monotonic()
        _note(making.job_id, done)


def _note(job_id: int, done: int) -> None:
    with connection_for(context.current()) as connection:
        connection.execute(
            text("UPDATE import_job SET state = 'running', progress = :done, at = :now WHERE id = :id"),
            {"done": done, "now": clock.now(), "id": job_id},
        )


def ask(asked: TakesLong, *, by_id: int) -> int:
    """The number of the file, a new one or the one that the person has asked for already; a worker is told of it."""
    path = request.full_path.rstrip("?")
    mine = (ImportJob.kind == KIND, ImportJob.by_id == by_id)
    # Of the two clicks of a double click the second waits, and finds the file of the first.
    db.session.execute(select(func.pg_advisory_xact_lock(_lock(f"{by_id} {path}"))))
    db.session.execute(delete(ImportJob).where(ImportJob.kind == KIND, ImportJob.at < clock.now() - KEPT))
    same = (ImportJob.state.in_(UNDER_WAY), ImportJob.options["path"].astext == path)
    job = db.session.scalar(select(ImportJob).where(*mine, *same).order_by(ImportJob.id.desc()).limit(1))
    if job is None or waits_too_long(job):
        options = {"path": path, "parts": asked.parts, "unit": asked.unit, "back": _back()}
        job = job or new_job(kind=KIND, filename=asked.title, options=options, by_id=by_id)
        enqueue(TASK, job.id)
    return job.id


def _back() -> str:
    """Where the person came from."""
    came = urlsplit(request.referrer or "")
    return urlunsplit(("", "", came.path, came.query, "")) if came.netloc == request.host else ""


def _lock(name: str) -> Any:
    return func.hashtextextended(f"file {context.current().schema} {name}", 0)


def of(job_id: int, by_id: int) -> ImportJob | None:
    """The file, where it is this person's and not forgotten."""
    job = db.session.get(ImportJob, job_id)
    mine = job is not None and (job.kind, job.by_id) == (KIND, by_id) and job.at > clock.now() - KEPT
    return job if mine else None


def waits_too_long(job: ImportJob) -> bool:
    """Whether no worker has taken it for some seconds, or the one that did gives no sign of life."""
    return job.state in PATIENCE and clock.now() - job.at > PATIENCE[job.state]


def is_shown(job: ImportJob) -> bool:
    """Whether the browser shows it (a PDF), instead of saving it."""
    headers = (job.result or {}).get("headers", {})
    return str(headers.get("Content-Disposition", "")).startswith("inline")


def take(job: ImportJob) -> File | None:
    """The file for whoever asked for it; None where it is not there, or has been taken before."""
    result, now = job.result or {}, clock.now()
    if job.content is None or job.state != "done":
        return None
    if "taken" not in result:
        job.result = result | {"taken": now.isoformat()}
    elif now - datetime.fromisoformat(result["taken"]) > AGAIN:
        job.content = None
        return None
    return File(job.content, Headers(list(result["headers"].items())))


@contextmanager
def alone(job_id: int) -> Iterator[bool]:
    """Whether nobody else makes this file now; a killed worker's lock goes with its connection."""
    with connection_for(context.current()) as connection:
        yield bool(connection.scalar(select(func.pg_try_advisory_xact_lock(_lock(str(job_id))))))


def asked(job_id: int) -> tuple[str, StaffUser] | None:
    """The address and who asked for it; None where that is done, or failed."""
    found = select(ImportJob.options["path"].astext, StaffUser).join(StaffUser, StaffUser.id == ImportJob.by_id)
    row = db.session.execute(found.where(ImportJob.id == job_id, ImportJob.state.in_(UNDER_WAY))).one_or_none()
    return None if row is None else (row[0], row[1])


@contextmanager
def request_of(job_id: int, path: str, person: StaffUser) -> Iterator[None]:
    """The running request is the person's for this address."""
    if not person.active:
        raise DomainError("您的账号已停用。")
    with current_app.test_request_context(path, base_url=f"http://{context.current().slug}.localhost"):
        g.making, g._login_user = _Making(job_id), person
        try:
            permissions.forget()  # the person's are looked up
            _note(job_id, 0)
            yield
        finally:
            del g.making, g._login_user
            permissions.forget()


def make(job_id: int) -> None:
    """Call the view of the running request, and keep what it answers. DomainError where that is no file."""
    assert request.endpoint
    with joined():
        answer = make_response(current_app.view_functions[request.endpoint](**(request.view_args or {})))
    if answer.status_code != 200:
        raise DomainError(" ".join(map(str, get_flashed_messages())) or "没有要生成的内容。")
    answer.direct_passthrough = False
    headers = {name: answer.headers[name] for name in ("Content-Type", "Content-Disposition")}
    exported = g.pop("exported", None)  # for the log, which tells of it when the file is fetched
    db.session.execute(
        update(ImportJob)
        .where(ImportJob.id == job_id)
        .values(state="done", content=answer.get_data(), result={"headers": headers, "exported": exported})
    )


def fail(job_id: int, message: str) -> None:
    """Say why there is no file; nothing that its making would have stored is stored."""
    db.session.execute(
        update(ImportJob)
        .where(ImportJob.id == job_id, ImportJob.state.in_(UNDER_WAY))
        .values(state="failed", result={"error": message})
    )
