"""更正: of a reading before it is billed, and after."""

from __future__ import annotations

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.billing.models import Bill
from app.customers.models import Customer
from app.db import db, transaction
from app.errors import DomainError
from app.money import fmt_yuan
from app.payments.service.take_readings import correct_reading
from app.permissions import Permission, can, requires
from app.readings import queries
from app.readings.forms import CorrectForm
from app.readings.models import Reading
from app.readings.queries import Standing
from app.readings.views.base import blueprint
from app.web.forms import refuse, saved
from app.web.template_helpers import volume


@blueprint.route("/readings/<int:reading_id>/correction", methods=("GET", "POST"))
@requires(Permission.VIEW_READINGS)
def correct(reading_id: int) -> ResponseReturnValue:
    """更正: the reading where it is not billed (who reviews), the reading and its bill where it is (who reverses)."""
    reading = queries.reading(reading_id) or abort(404)
    standing = queries.standings([reading.binding_id], period=reading.period)[reading.binding_id]
    if not can(Permission.REVERSE if standing.billed else Permission.REVIEW_READINGS):
        abort(403)
    form = CorrectForm()
    if form.validate_on_submit():
        try:
            with transaction():
                made = correct_reading(
                    reading_id,
                    end_reading=form.end_reading.reading,
                    volume=form.volume.reading,
                    reason=form.reason.data or "",
                    by_id=current_user.id,
                )
            return saved(_said(made), _back(reading))
        except DomainError as refused:
            refuse(form, refused)
    return render_template(
        "readings/correct.html",
        form=form,
        reading=reading,
        standing=standing,
        customer=db.session.get_one(Customer, reading.customer_id),
        by_volume=_by_volume(standing),
        back=_back(reading),
    ), 422 if form.is_submitted() else 200


def _by_volume(standing: Standing) -> bool:
    """Whether the bill alone can be corrected: a later period went on from this 止码."""
    return bool(standing.billed and standing.later)


def _said(made: Bill | None) -> str:
    if made is None:
        return "编辑成功"
    words = "补收" if made.amount > 0 else "退回"
    return f"编辑成功：{words} {volume(abs(made.volume))} m³，{fmt_yuan(abs(made.amount))}"


def _back(reading: Reading) -> str:
    number = db.session.get_one(Customer, reading.customer_id).customer_no
    return url_for(".index", period=reading.period, q=number, route=request.args.get("route"))
