"""The operator's pages: the plants, and opening one."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from tenants import operator_log, operators, resolver
from tenants.console import asked, registry
from tenants.console import coming_in as coming_in  # pages that are put on the blueprint
from tenants.console import log as log
from tenants.console import me as me
from tenants.console import nights as nights
from tenants.console import people as people
from tenants.console import plant as plant
from tenants.console import rollup as rollup
from tenants.console.blueprint import blueprint as blueprint
from tenants.console.doors import by, current_operator, operators_only, owners_only
from tenants.console.forms import PlantForm
from tenants.models import Plant
from tenants.provisioning import PlantError
from tenants.session import platform


@blueprint.context_processor
def _who() -> dict[str, Any]:
    """Every page of the console has the operator's name on top, and shows what the role may do."""
    return {"operator": current_operator(), "port": request.host.partition(":")[2], "roles": operators.ROLES}


@blueprint.get("/")
@operators_only
def plants() -> ResponseReturnValue:
    """水厂列表: every plant with its size, its tables' revision and its last night."""
    words, tab = asked.words(), request.args.get("state", "")
    tab = tab if tab in registry.TABS else ""
    counts = registry.counts(words)
    pages = asked.pages(counts[tab], registry.SIZE)
    page = min(asked.page(), pages)
    place = {key: value for key, value in (("q", words), ("state", tab)) if value}
    return render_template(
        "console/plants.html",
        rows=registry.rows(words, tab=tab, page=page),
        counts=counts,
        tabs=registry.TABS,
        tab=tab,
        words=words,
        page=page,
        pages=pages,
        place=place,
        states=registry.STATES,
    )


@blueprint.route("/plants/new", methods=["GET", "POST"])
@owners_only
def open_plant() -> ResponseReturnValue:
    """开通水厂: its own address, data and manager, whose first password is shown once."""
    form, opened, password = PlantForm(), None, operators.first_password()
    library: dict[str, str] = current_app.extensions["tariff_library"]()
    form.standards.choices = [SelectChoice(key, title) for key, title in library.items()]
    if request.method == "GET":
        form.standards.data = list(library)
    if form.validate_on_submit():
        try:
            opened = _open(form, password)
        except PlantError as refused:
            form.refuse(refused)
    page = render_template("console/open_plant.html", form=form, opened=opened, password=password)
    return page, 422 if form.errors else 200, {"Cache-Control": "no-store"}


def _open(form: PlantForm, password: str) -> Plant:
    """The plant as it was opened; the app says what it starts with. PlantError."""
    file = form.workbook.data
    tenant = current_app.extensions["open_plant"](
        (form.slug.data or "").strip(),
        name=(form.name.data or "").strip(),
        county=(form.county.data or "").strip(),
        admin=(form.admin.data or "").strip(),
        password=password,
        must_change=True,
        standards=form.standards.data or (),
        register=(file.filename, file.read()) if file else None,
    )
    resolver.forget()
    with platform() as session_:
        found = session_.get_one(Plant, tenant.id)
        operator_log.note(session_, by(), "opened", found, f"收费标准 {len(form.standards.data or ())} 个")
    return found
