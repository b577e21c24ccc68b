"""Large imports, while somebody watches the bar move."""

from __future__ import annotations

from app.db import transaction
from app.errors import DomainError
from app.intake import service
from worker.base import TenantTask
from worker.celery import app


@app.task(base=TenantTask, name="worker.imports.run_import", queue="people")
def run_import(job_id: int) -> None:
    """Preview an uploaded workbook or import a confirmed one; what goes wrong is said on the job's page."""
    try:
        with transaction():
            service.run_import(job_id)
    except DomainError as refused:
        with transaction():
            service.fail(job_id, refused.message)
    except Exception:
        with transaction():
            service.fail(job_id, "系统出了点问题，什么都没有导入，请稍后再试一次。")
        raise
