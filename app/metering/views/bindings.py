"""绑定, 变更, 换表, 解绑: what is done on a customer's page, and from 水表性质变更."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from app import clock
from app.billing import service as billing
from app.billing.service.meters import LATEST
from app.customers.models import Customer
from app.db import db
from app.metering import queries, service
from app.metering.forms import BindForm, ChangeForm, PickForm, ReplaceForm, UnbindForm
from app.metering.views.blueprint import answer, blueprint, held_or_404
from app.permissions import Permission, requires
from app.readings import queries as readings
from app.tariffs import queries as tariffs
from app.web.table_state import clean


def last_reading(binding_id: int) -> Decimal:
    """What the meter showed when it was last read, or bound."""
    return readings.last_readings([binding_id], period=LATEST)[binding_id]


@blueprint.get("/meters/free")
@requires(Permission.EDIT_METERS)
def free() -> ResponseReturnValue:
    """The meters to pick from, while a part of the 表号 is typed."""
    return render_template(
        "metering/_free.html", free=queries.free_meters(clean(request.args.get("meter", ""))), picked=None
    )


def _picking(form: PickForm, template: str, **shown: Any) -> ResponseReturnValue | None:
    """「查找」 was pressed, by a browser without JavaScript or with Enter: the same form with what was found."""
    if "find" not in request.form:
        return None
    form.meter_id.data = None
    return render_template(template, form=form, **shown)


def _found(form: PickForm) -> dict[str, Any]:
    return {"free": queries.free_meters(clean(form.meter.data or "")), "picked": form.meter_id.data}


@blueprint.route("/customers/<int:customer_id>/bindings/new", methods=["GET", "POST"])
@requires(Permission.EDIT_METERS)
def bind(customer_id: int) -> ResponseReturnValue:
    """绑定水表 (figures 7.1-9, 7.1-10)."""
    customer = db.session.get(Customer, customer_id) or abort(404)
    form = BindForm()
    today, standards = clock.today(), tariffs.versions_in_force()
    in_force = [s for s in standards if s.applies_to == "metered" and s.since <= today and (s.until or today) >= today]
    form.offer(tariffs.categories(), {s.tariff_id: s.name for s in in_force})
    if not form.is_submitted():
        form.use_category_id.data = customer.use_category_id
    shown = {
        "customer": customer,
        "back": url_for("customers.detail", customer_id=customer_id, tab="meters"),
        "mixable": len(in_force) > 1,
        **_found(form),
    }
    return _picking(form, "metering/bind.html", **shown) or answer(
        form, "metering/bind.html", lambda: _bound(form, customer_id), **shown
    )


def _bound(form: BindForm, customer_id: int) -> str | None:
    meter_id = form.picked()
    right, mix = form.mix_value()
    if meter_id is None or not right:
        return None
    start = form.start_reading.value
    made = service.bind_meter(
        meter_id,
        customer_id=customer_id,
        use_category_id=form.use_category_id.data,
        start_reading=queries.shows(meter_id) if start is None else start,
        on=form.on.value,
        by_id=current_user.id,
        mix=mix,
    )
    return f"绑定成功，表号 {made.meter.meter_no}"


@blueprint.route("/bindings/<int:binding_id>/use-category", methods=["GET", "POST"])
@requires(Permission.EDIT_METERS)
def change(binding_id: int) -> ResponseReturnValue:
    """变更 of the 水表性质 (figures 7.1-11, 7.1-12, 7.2-2)."""
    held, form = held_or_404(binding_id), ChangeForm()
    form.use_category_id.choices = [
        SelectChoice(key, name) for key, name in tariffs.categories().items() if key != held.binding.use_category_id
    ]

    def store() -> str:
        service.change_use_category(
            binding_id,
            use_category_id=form.use_category_id.data,
            effective_from=form.effective_from.value,
            reason=form.reason.data or "",
            by_id=current_user.id,
        )
        return "变更成功"

    return answer(form, "metering/change.html", store, back=held.home, held=held)


@blueprint.route("/bindings/<int:binding_id>/meter", methods=["GET", "POST"])
@requires(Permission.EDIT_METERS)
def replace(binding_id: int) -> ResponseReturnValue:
    """换表."""
    held, form = held_or_404(binding_id), ReplaceForm()
    shown = {"held": held, "back": held.home, "last": last_reading(binding_id), **_found(form)}
    return _picking(form, "metering/replace.html", **shown) or answer(
        form, "metering/replace.html", lambda: _replaced(form, binding_id), **shown
    )


def _replaced(form: ReplaceForm, binding_id: int) -> str | None:
    meter_id = form.picked()
    if meter_id is None:
        return None
    start = form.start_reading.value
    made = billing.change_meter(
        binding_id,
        new_meter_id=meter_id,
        closing_reading=form.reading.value,
        start_reading=queries.shows(meter_id) if start is None else start,
        on=form.on.value,
        by_id=current_user.id,
    )
    return f"换表成功，新表 {made.meter.meter_no}"


@blueprint.route("/bindings/<int:binding_id>/unbinding", methods=["GET", "POST"])
@requires(Permission.EDIT_METERS)
def unbind(binding_id: int) -> ResponseReturnValue:
    """解绑 (figure 7.1-13)."""
    held, form = held_or_404(binding_id), UnbindForm()

    def store() -> str:
        billing.unbind_meter(binding_id, closing_reading=form.reading.value, on=form.on.value, by_id=current_user.id)
        return "解绑成功"

    return answer(form, "metering/unbind.html", store, back=held.home, held=held, last=last_reading(binding_id))
