"""停表 and 恢复."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.billing import service as billing
from app.metering import queries, service
from app.metering.forms import ResumeForm, StopForm
from app.metering.views.bindings import last_reading
from app.metering.views.blueprint import answer, blueprint, meter_or_404
from app.permissions import Permission, requires


@blueprint.route("/meters/<int:meter_id>/stop", methods=["GET", "POST"])
@requires(Permission.EDIT_METERS)
def stop(meter_id: int) -> ResponseReturnValue:
    """停表 (figure 6.1-6)."""
    meter, form = meter_or_404(meter_id), StopForm()

    def store() -> str:
        billing.stop_meter(
            meter_id,
            reading=form.reading.value,
            on=form.on.value,
            until=form.until.value,
            reason=form.reason.data or "",
            by_id=current_user.id,
        )
        return "停表成功"

    held = queries.open_of_meter(meter_id)
    last = last_reading(held) if held else queries.shows(meter_id)
    back = url_for(".detail", meter_id=meter_id)
    return answer(form, "metering/stop.html", store, back=back, meter=meter, last=last, bound=bool(held))


@blueprint.route("/meters/<int:meter_id>/resume", methods=["GET", "POST"])
@requires(Permission.EDIT_METERS)
def resume(meter_id: int) -> ResponseReturnValue:
    """恢复 (figure 6.1-6)."""
    meter, form = meter_or_404(meter_id), ResumeForm()

    def store() -> str:
        service.resume_meter(meter_id, reading=form.reading.value, on=form.on.value, by_id=current_user.id)
        return "恢复成功"

    back = url_for(".detail", meter_id=meter_id)
    return answer(
        form, "metering/resume.html", store, back=back, meter=meter, stopped=queries.open_suspension(meter_id)
    )
