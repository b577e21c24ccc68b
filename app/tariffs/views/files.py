"""收费标准文件: in, out, and what it may say."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from flask import render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.db import transaction
from app.errors import DomainError
from app.permissions import Permission, public, requires
from app.tariffs import service
from app.tariffs.document import SCHEMA_FILE
from app.tariffs.forms.upload import UploadForm
from app.tariffs.views.blueprint import blueprint
from app.tariffs.views.standards import version_or_404
from app.web.forms import saved


def as_json(document: dict[str, Any]) -> bytes:
    """The file as a person reads it, UTF-8."""
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


@blueprint.get("/tariffs/versions/<int:version_id>.json")
@requires(Permission.VIEW_BASICS)
def download(version_id: int) -> ResponseReturnValue:
    """下载收费标准文件 of a version, under the name that its standard has now."""
    version = version_or_404(version_id)
    content = as_json(version.document | {"name": version.tariff.name})
    name = f"{version.tariff.name}_{version.effective_from}.json"
    return send_file(BytesIO(content), mimetype="application/json", as_attachment=True, download_name=name, max_age=0)


@blueprint.route("/tariffs/import", methods=["GET", "POST"])
@requires(Permission.EDIT_TARIFFS)
def import_file() -> ResponseReturnValue:
    """导入收费标准文件: the way to everything that the editor has no field for."""
    form = UploadForm()
    if form.validate_on_submit():
        try:
            with transaction():
                version = service.import_tariff(form.document, by_id=current_user.id)
            return saved("导入成功", url_for("tariffs.detail", tariff_id=version.tariff_id))
        except DomainError as refused:
            form.file.errors = [refused.message]
    return render_template("tariffs/import.html", form=form), 422 if form.errors else 200


@blueprint.get("/tariffs/schema.json")
@public
def schema() -> ResponseReturnValue:
    """The JSON Schema of the tariff file, for whoever writes such files."""
    return send_file(SCHEMA_FILE, mimetype="application/schema+json")
