"""新增收费标准, 修改收费标准 (figures 5.2-2 … 5.2-4), and what a usage would cost by what has been typed so far."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import NotFound

from app import clock, periods
from app.db import db, transaction
from app.errors import DomainError
from app.permissions import Permission, requires
from app.tariffs import queries, service
from app.tariffs.forms.drafting import kept
from app.tariffs.forms.standard import StandardForm, standard_form
from app.tariffs.forms.trial import TrialForm, try_out
from app.tariffs.models import Tariff, TariffVersion
from app.tariffs.views.blueprint import blueprint
from app.tariffs.views.standards import in_force, version_or_404
from app.web.forms import refuse, saved


def _stamp(version: TariffVersion) -> str:
    """Tells whether somebody else has stored the version since the form was opened."""
    told = json.dumps([str(version.effective_from), version.document], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _page(form: StandardForm, **words: Any) -> str:
    """The editor; nothing is stored by it. Rows come and go, and 「试算」 is pressed, by posting to it."""
    trial = TrialForm(formdata=request.form if request.method == "POST" else None)
    shown = {"form": form, "trial": trial, "version": None, "billed": False, "kept": [], **words}
    return render_template("tariffs/editor.html", result=try_out(form, trial) if _only_looks() else None, **shown)


def _only_looks() -> bool:
    """Whether the form was sent for another look, not to be stored."""
    return request.method == "POST" and any(name in request.form for name in ("add", "drop", "try"))


@blueprint.route("/tariffs/new", methods=["GET", "POST"])
@requires(Permission.EDIT_TARIFFS)
def create() -> ResponseReturnValue:
    """新增 (figure 5.2-2)."""
    form = standard_form({}, request.form if request.method == "POST" else None)
    if request.method == "GET" or _only_looks():
        return _page(form)
    found = form.read()
    if found:
        try:
            with transaction():
                version = service.create_standard(found[0], by_id=current_user.id)
            return saved("新增成功", url_for("tariffs.detail", tariff_id=version.tariff_id))
        except DomainError as refused:
            refuse(form, refused)
    return _page(form), 422


def _version_to_edit(tariff: Tariff) -> TariffVersion:
    """The one that the address names, else the one in force, else the first to come."""
    asked = request.args.get("version", type=int)
    if asked is not None:
        found = next((v for v in tariff.versions if v.id == asked), None)
        if found is None:
            raise NotFound
        return found
    return in_force(tariff) or tariff.versions[0]


def _suggested(version: TariffVersion, *, billed: bool) -> date:
    """Its own day; for one that has billed the first of next month."""
    later = periods.first_day(periods.shift(periods.of(max(clock.today(), version.effective_from)), 1))
    return later if billed else version.effective_from


@blueprint.route("/tariffs/<int:tariff_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_TARIFFS)
def edit(tariff_id: int) -> ResponseReturnValue:
    """修改 (figures 5.2-3, 5.2-4): in place, or, where it has billed, as a new version from a day."""
    tariff = db.get_or_404(Tariff, tariff_id)
    version = _version_to_edit(tariff)
    billed = version.id in queries.billed_versions(tariff.id)
    known = {"effective_from": _suggested(version, billed=billed), "stamp": _stamp(version), "name": tariff.name}
    form = standard_form(version.document, request.form if request.method == "POST" else None, **known)
    words = {
        "version": version,
        "billed": billed,
        "kept": [version.document["charges"][i] for i in kept(version.document)],
    }
    if request.method == "GET" or _only_looks():
        return _page(form, **words)
    found = form.read()
    if found and form.stamp.data != _stamp(version):
        form.form_errors.append("您填写的时候，别人已经改了这个版本。请另开一页看看改了什么，再决定要不要重填。")
    elif found:
        try:
            with transaction():
                service.change_version(version, found[0], by_id=current_user.id)
            return saved("编辑成功", url_for("tariffs.detail", tariff_id=tariff.id))
        except DomainError as refused:
            refuse(form, refused)
    return _page(form, **words), 422


@blueprint.post("/tariffs/preview")
@requires(Permission.EDIT_TARIFFS)
def preview() -> ResponseReturnValue:
    """试算 while somebody types: the result alone."""
    version_id = request.args.get("version", type=int)
    base = version_or_404(version_id).document if version_id is not None else {}
    trial = TrialForm(formdata=request.form)
    return render_template("tariffs/_trial.html", result=try_out(standard_form(base, request.form), trial))
