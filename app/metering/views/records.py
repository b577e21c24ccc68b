"""新增, 修改, 删除, 停用 of meters."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.db import db, transaction
from app.errors import DomainError
from app.metering import queries, service
from app.metering.forms import BORES, TYPES, MeterForm
from app.metering.models import Meter
from app.metering.views.blueprint import answer, blueprint, meter_or_404
from app.permissions import Permission, requires


@blueprint.route("/meters/new", methods=["GET", "POST"])
@requires(Permission.EDIT_METERS)
def create() -> ResponseReturnValue:
    """新增 (figure 6.1-2)."""
    form = MeterForm()

    def store() -> str:
        service.create_meter(form.facts)
        return "新增成功"

    home = url_for(".create") if "again" in request.form else url_for(".index")
    return _meter_form(form, store, back=home, title="新增水表")


@blueprint.route("/meters/<int:meter_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_METERS)
def edit(meter_id: int) -> ResponseReturnValue:
    """修改 (figure 6.1-3)."""
    meter = meter_or_404(meter_id)
    master = db.session.get(Meter, meter.master_meter_id) if meter.master_meter_id else None
    form = MeterForm(meter, master.meter_no if master else "")

    def store() -> str:
        service.edit_meter(meter_id, form.facts)
        return "编辑成功"

    return _meter_form(form, store, back=url_for(".detail", meter_id=meter_id), title="修改水表")


def _meter_form(form: MeterForm, store: Callable[[], str], *, back: str, title: str) -> ResponseReturnValue:
    words = {"bore": BORES, "meter_type": TYPES, "maker": queries.makers()}
    return answer(form, "metering/form.html", store, back=back, page=title, offered=words)


def _do(meter_id: int, action: Callable[[int], None], done: str, *, then: str = "") -> ResponseReturnValue:
    """A change of one step: done and said, or refused and said on the meter's page, where other ways stand."""
    here = url_for(".detail", meter_id=meter_or_404(meter_id).id)
    try:
        with transaction():
            action(meter_id)
    except DomainError as refused:
        flash(refused.message, "error")
        return redirect(here)
    flash(done, "success")
    return redirect(then or here)


@blueprint.post("/meters/<int:meter_id>/deletion")
@requires(Permission.EDIT_METERS)
def delete(meter_id: int) -> ResponseReturnValue:
    """删除 (figure 6.1-4)."""
    return _do(meter_id, service.delete_meter, "删除成功", then=url_for(".index"))


@blueprint.post("/meters/<int:meter_id>/retirement")
@requires(Permission.EDIT_METERS)
def retire(meter_id: int) -> ResponseReturnValue:
    """停用."""
    return _do(meter_id, service.retire_meter, "停用成功")


@blueprint.post("/meters/<int:meter_id>/reinstatement")
@requires(Permission.EDIT_METERS)
def reinstate(meter_id: int) -> ResponseReturnValue:
    """启用 again."""
    return _do(meter_id, service.reinstate_meter, "启用成功")
