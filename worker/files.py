"""Files that take long, while somebody watches the bar move."""

from __future__ import annotations

from werkzeug.exceptions import HTTPException

from app.db import transaction
from app.errors import DomainError
from app.web import files
from app.web.errors import SENTENCES
from worker.base import TenantTask
from worker.celery import app


@app.task(base=TenantTask, name="worker.files.make_file", queue="people")
def make_file(job_id: int) -> None:
    """Make a file that somebody waits for; what goes wrong is said on its page."""
    with files.alone(job_id) as nobody_else:
        if nobody_else:
            _make(job_id)


def _make(job_id: int) -> None:
    asked = files.asked(job_id)
    if asked is None:
        return
    try:
        with files.request_of(job_id, *asked), transaction():
            files.make(job_id)
    except DomainError as refused:
        _fail(job_id, refused.message)
    except HTTPException as refused:
        _fail(job_id, SENTENCES.get(refused.code or 500, SENTENCES[500]))
    except Exception:
        _fail(job_id, "系统出了点问题，文件没有做成，请稍后再试一次。")
        raise


def _fail(job_id: int, why: str) -> None:
    with transaction():
        files.fail(job_id, why)
