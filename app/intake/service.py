"""An uploaded workbook from its upload to what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from typing import Any

from sqlalchemy import cast, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from app import audit, clock
from app.areas.reach import eyes_of, oneself
from app.db import db
from app.errors import DomainError
from app.intake.models import ImportJob
from app.intake.registry import IMPORTERS
from app.staff.models import StaffUser
from app.web.imports import Preview, confirm, errors_workbook, guessed_rows, preview
from app.web.imports.reader import opened
from tenants import context
from tenants.session import connection_for

AT_ONCE = 2_000  # rows that a person waits for; more go to the worker
RECENT = 5
FROM = "confirmed from"  # in a job's options: the address of who confirmed it
FORGOTTEN = timedelta(days=1)  # after which an upload that nobody confirmed is dropped


def create_job(*, kind: str, filename: str, content: bytes, options: dict[str, str], by_id: int | None) -> ImportJob:
    """Keep an upload until it is previewed. DomainError where it is no workbook at all."""
    with opened(BytesIO(content)):
        pass
    waiting = ("uploaded", "previewed", "failed")
    db.session.execute(delete(ImportJob).where(ImportJob.state.in_(waiting), ImportJob.at < clock.now() - FORGOTTEN))
    return new_job(kind=kind, filename=filename, options=options, by_id=by_id, content=content)


def new_job(
    *, kind: str, filename: str, options: dict[str, Any], by_id: int | None, content: bytes | None = None
) -> ImportJob:
    """Something that a worker may do while somebody waits, just asked for."""
    job = ImportJob(
        kind=kind,
        filename=filename,
        options=options,
        content=content,
        state="uploaded",
        result=None,
        by_id=by_id,
        at=clock.now(),
    )
    db.session.add(job)
    db.session.flush()
    return job


def recent_jobs(kind: str) -> Sequence[Any]:
    """The last imports of a kind, for readers their own: id, filename, state, progress, at; without their contents."""
    values = (ImportJob.id, ImportJob.filename, ImportJob.state, ImportJob.progress, ImportJob.at)
    return db.session.execute(
        select(*values)
        .where(ImportJob.kind == kind, oneself(ImportJob.by_id))
        .order_by(ImportJob.id.desc())
        .limit(RECENT)
    ).all()


def is_large(job: ImportJob) -> bool:
    """Whether a worker should take it, so that nobody waits in front of a blank page."""
    return bool(job.content) and guessed_rows(BytesIO(job.content or b"")) > AT_ONCE


def total_rows(job: ImportJob) -> int:
    """How many rows its bar goes to: counted by the preview, guessed before it."""
    counted = job.result["rows"] if job.result and "rows" in job.result else 0
    if not counted and job.content and job.state == "uploaded":
        counted = guessed_rows(BytesIO(job.content))
    return max(counted, job.progress)


def start(job_id: int) -> bool:
    """Confirm a previewed job: from now on it runs, in the name of who confirmed it. False where somebody did already."""
    by = audit.actor()
    done = db.session.execute(
        update(ImportJob)
        .where(ImportJob.id == job_id, ImportJob.state == "previewed")
        .values(
            state="running",
            progress=0,
            by_id=func.coalesce(by.id, ImportJob.by_id),
            options=ImportJob.options.op("||")(cast({FROM: by.address}, JSONB)),
        )
        .returning(ImportJob.id)
    )
    return done.first() is not None


def run_import(job_id: int) -> None:
    """Preview an uploaded job, or import a confirmed one; again, or twice at once: nothing more happens."""
    lock = func.hashtextextended(f"import {context.current().schema} {job_id}", 0)
    if not db.session.scalar(select(func.pg_try_advisory_xact_lock(lock))):
        return
    job = db.session.get(ImportJob, job_id, populate_existing=True)
    if job is None or job.state not in ("uploaded", "running"):
        return
    importer, file = IMPORTERS[job.kind], BytesIO(job.content or b"")
    known: dict[str, Any] = {"filename": job.filename, "progress": _Progress(job)}
    with eyes_of(job.by_id):
        if job.state == "uploaded":
            result = preview(importer, file, job.options, **known)
        else:
            with audit.in_the_name_of(_confirmed_by(job)):
                result = confirm(importer, file, job.options, by_id=job.by_id, **known)
                db.session.flush()
    if job.state == "uploaded":
        job.state = "previewed"
    else:
        job.state = "done"
        job.content = errors_workbook(importer, result, file) if result.wrong else None
    job.result, job.progress = result.kept(), result.rows
    db.session.flush()


def _confirmed_by(job: ImportJob) -> audit.Actor:
    person = db.session.get(StaffUser, job.by_id) if job.by_id else None
    return audit.Actor(person.id, person.name, job.options.get(FROM, "")) if person else audit.NOBODY


class _Progress:
    """Tells how far a large import is, in transactions of its own: its own one is seen by nobody until it ends."""

    def __init__(self, job: ImportJob) -> None:
        self.job_id = job.id
        self.large = is_large(job)

    def __call__(self, rows: int) -> None:
        if self.large:
            with connection_for(context.current()) as connection:
                connection.execute(
                    text("UPDATE import_job SET progress = :rows WHERE id = :id"),
                    {"rows": rows, "id": self.job_id},
                )


def fail(job_id: int, message: str) -> None:
    """Say why a job stopped; nothing of it is stored."""
    db.session.execute(
        update(ImportJob)
        .where(ImportJob.id == job_id, ImportJob.state.in_(("uploaded", "running")))
        .values(state="failed", content=None, result={"error": message})
    )


def preview_of(job: ImportJob) -> Preview | None:
    """What was said about it, None before that."""
    return Preview.of_kept(job.result) if job.result and "error" not in job.result else None


def wrong_rows(job: ImportJob) -> bytes:
    """The wrong rows as a workbook with their reasons. DomainError where there are none any more."""
    found = preview_of(job)
    if found is None or not found.wrong or job.content is None:
        raise DomainError("这次导入没有错误行可以下载。")
    if job.state == "done":
        return job.content
    return errors_workbook(IMPORTERS[job.kind], found, BytesIO(job.content))
