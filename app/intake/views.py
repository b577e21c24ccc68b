"""导入 of every kind: template → upload → preview → confirm → result. One set of pages, one address per kind."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.areas.reach import only_reader
from app.db import db, transaction
from app.errors import DomainError
from app.intake import service
from app.intake.forms import upload_form
from app.intake.models import ImportJob
from app.intake.registry import IMPORTERS
from app.jobs import enqueue
from app.permissions import requires
from app.web.errors import is_htmx
from app.web.forms import refuse
from app.web.imports import Importer, template_workbook

blueprint = Blueprint("intake", __name__, template_folder="templates", url_prefix="/imports")

TASK = "worker.imports.run_import"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Where a kind's records are listed, its entry in the side bar, and the words of that list.
HOMES = {
    "customers": ("customers.index", "用户档案"),
    "readings": ("readings.index", "抄表记录"),
    "meters": ("metering.index", "水表列表管理"),
    "quotas": ("tariffs.quotas", "定额管理"),
}
STATES = {  # in words, each with its tone
    "uploaded": ("正在检查", "water"),
    "previewed": ("待确认", "wait"),
    "running": ("正在导入", "water"),
    "done": ("已完成", "paid"),
    "failed": ("没有导入", "owed"),
}
SHOWN = 200  # remarks of a kind on the page


def _job_or_404(importer: Importer, job_id: int) -> ImportJob:
    job = db.session.get(ImportJob, job_id)
    if job is None or job.kind != importer.kind or only_reader() not in (None, job.by_id):
        abort(404)
    return job


def _workbook(content: bytes, name: str) -> ResponseReturnValue:
    return send_file(BytesIO(content), mimetype=XLSX, as_attachment=True, download_name=f"{name}.xlsx", max_age=0)


def _page(template: str, importer: Importer, **words: Any) -> str:
    return render_template(
        template, importer=importer, kind=importer.kind, home=HOMES[importer.kind], shown=SHOWN, **words
    )


def _upload(importer: Importer) -> ResponseReturnValue:
    """The form, and what comes of sending it: a preview at once, or by the worker where it is large."""
    form = upload_form(importer)
    if form.is_submitted() and form.validate():
        try:
            with transaction():
                job = _uploaded(importer, form)
            return redirect(url_for(f"intake.{importer.kind}_job", job_id=job.id))
        except DomainError as refused:
            refuse(form, refused)
    recent = service.recent_jobs(importer.kind)
    page = _page("intake/upload.html", importer, form=form, recent=recent, states=STATES)
    return page, 422 if form.is_submitted() else 200


def _uploaded(importer: Importer, form: Any) -> ImportJob:
    options = {option.name: (form[option.name].data or "").strip() for option in importer.options}
    job = service.create_job(
        kind=importer.kind,
        filename=form.file.data.filename or "",
        content=form.file.data.read(),
        options=options,
        by_id=current_user.id,
    )
    _run(job)
    return job


def _run(job: ImportJob) -> None:
    """Now, or by the worker."""
    if service.is_large(job):
        enqueue(TASK, job.id)
    else:
        service.run_import(job.id)


def _job(importer: Importer, job_id: int) -> ResponseReturnValue:
    """The job as it stands: under way, previewed, done or failed. htmx asks again while it is under way."""
    job = _job_or_404(importer, job_id)
    words = {"job": job, "preview": service.preview_of(job), "total": service.total_rows(job)}
    response = make_response(_page("intake/_job.html" if is_htmx() else "intake/job.html", importer, **words))
    response.headers["Cache-Control"] = "no-store"
    return response


def _confirm(importer: Importer, job_id: int) -> ResponseReturnValue:
    """确认导入: once, however often it is pressed."""
    job = _job_or_404(importer, job_id)
    with transaction():
        if service.start(job_id):
            _run(job)
    if job.state == "done" and job.result and job.result["ok"]:
        flash("导入成功", "success")
    return redirect(url_for(f"intake.{importer.kind}_job", job_id=job_id))


def _errors(importer: Importer, job_id: int) -> ResponseReturnValue:
    """下载错误行."""
    job = _job_or_404(importer, job_id)
    return _workbook(service.wrong_rows(job), f"{importer.title}_错误行")


def _template(importer: Importer) -> ResponseReturnValue:
    """下载模板."""
    return _workbook(template_workbook(importer), f"{importer.title}_导入模板")


def _add(importer: Importer) -> None:
    """The addresses of one kind, behind its permission."""
    guard = requires(importer.permission)

    def rule(path: str, name: str, view: Callable[..., ResponseReturnValue], *methods: str) -> None:
        def bound(**words: Any) -> ResponseReturnValue:
            return view(importer, **words)

        bound.__name__, bound.__doc__ = name, view.__doc__
        blueprint.add_url_rule(f"/{importer.kind}{path}", name, guard(bound), methods=methods or ("GET",))

    kind = importer.kind
    rule("", kind, _upload, "GET", "POST")
    rule("/template.xlsx", f"{kind}_template", _template)
    rule("/<int:job_id>", f"{kind}_job", _job)
    rule("/<int:job_id>/confirmation", f"{kind}_confirm", _confirm, "POST")
    rule("/<int:job_id>/errors.xlsx", f"{kind}_errors", _errors)


for _importer in IMPORTERS.values():
    _add(_importer)
