"""What belongs to the frame itself: finding from anywhere, asking before a change, files that take long."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.customers import queries as customers
from app.db import transaction
from app.metering import queries as metering
from app.permissions import Permission, requires
from app.web import files
from app.web.confirm import question
from app.web.errors import is_htmx
from app.web.table_export import Exported
from app.web.table_state import clean

blueprint = Blueprint("frame", __name__)


@blueprint.get("/confirm/<ask>")
@requires(Permission.VIEW_HOME)
def confirm(ask: str) -> ResponseReturnValue:
    """The question as a page, for browsers without JavaScript."""
    asked = question(ask) or abort(404)
    back = urlsplit(request.referrer or "")
    here = back.netloc == request.host
    return render_template("confirm.html", question=asked, back=back.path if here else "/")


@blueprint.get("/search")
@requires(Permission.VIEW_CUSTOMERS)
def search() -> ResponseReturnValue:
    """The box at the top: one exact 户号 or 表号 opens the customer, anything else the list."""
    text = clean(request.args.get("q", ""))
    found = (customers.id_of_number(text) or metering.customer_of_meter(text.upper())) if text else None
    if found:
        return redirect(url_for("customers.detail", customer_id=found))
    return redirect(url_for("customers.index", q=text or None))


@blueprint.app_errorhandler(files.TakesLong)
def file_asked(long: files.TakesLong) -> ResponseReturnValue:
    """To the page where one waits for the file."""
    with transaction():
        job_id = files.ask(long, by_id=current_user.id)
    return redirect(url_for("frame.file", job_id=job_id))


@blueprint.get("/files/<int:job_id>")
@requires(Permission.VIEW_HOME)
def file(job_id: int) -> ResponseReturnValue:
    """The file as it stands: waiting for a worker, being made, done, failed, taken. htmx asks again until it is done."""
    job = files.of(job_id, current_user.id) or abort(404)
    template = "_file.html" if is_htmx() else "file.html"
    return render_template(template, job=job, slow=files.waits_too_long(job), inline=files.is_shown(job))


@blueprint.get("/files/<int:job_id>/content")
@requires(Permission.VIEW_HOME)
def file_content(job_id: int) -> ResponseReturnValue:
    """The file itself, once, for whoever asked for it."""
    job = files.of(job_id, current_user.id) or abort(404)
    with transaction():
        found = files.take(job)
    if found is None:
        return redirect(url_for("frame.file", job_id=job_id))
    if told := (job.result or {}).get("exported"):
        g.exported = Exported(*told)
    return Response(found.content, headers=found.headers)
