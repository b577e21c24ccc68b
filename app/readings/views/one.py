"""录入一户: find the customer, then its 止码."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import Row, or_, select

from app import clock, periods
from app.areas.models import District, Route
from app.areas.queries import route_name
from app.areas.reach import within_reach
from app.customers import queries as customers
from app.customers.models import Customer
from app.db import db, transaction
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding
from app.payments.service.take_readings import take_readings
from app.permissions import Permission, requires
from app.readings.book import BookRow, row_of_binding
from app.readings.forms import RecordForm
from app.readings.service import NewReading
from app.readings.views.base import asked_period, blueprint
from app.web.forms import refuse, saved
from app.web.table_state import clean

MOST = 12  # found customers to choose from


@blueprint.get("/readings/enter")
@requires(Permission.ENTER_READINGS)
def enter() -> ResponseReturnValue:
    """Whose 止码 it is: by 户号, 户名, 电话, 地址, 表号 or initials."""
    text, period = clean(request.args.get("q", "")), asked_period()
    found = _found(text) if text else []
    if len(found) == 1:
        return redirect(url_for(".record", binding_id=found[0].binding_id, period=period))
    return render_template("readings/enter.html", q=text, found=found[:MOST], more=len(found) > MOST, period=period)


def _found(text: str) -> list[Row[Any]]:
    query = (
        select(
            MeterBinding.id.label("binding_id"),
            Customer.customer_no,
            Customer.holder,
            Meter.meter_no,
            route_name().label("place"),
        )
        .join(Customer, Customer.id == MeterBinding.customer_id)
        .join(Meter, Meter.id == MeterBinding.meter_id)
        .join(Route, Route.id == Customer.route_id)
        .join(District, District.id == Route.district_id)
        .where(
            MeterBinding.unbound_on.is_(None),
            within_reach(Customer.route_id),
            Meter.state == "in_use",
            or_(customers.matches(text), Meter.meter_no.contains(text.upper(), autoescape=True)),
        )
        .order_by(Customer.customer_no)
        .limit(MOST + 1)
    )
    return list(db.session.execute(query))


@blueprint.route("/readings/bindings/<int:binding_id>", methods=("GET", "POST"))
@requires(Permission.ENTER_READINGS)
def record(binding_id: int) -> ResponseReturnValue:
    """录入 of one meter and period: 实抄, 估抄 or 未抄."""
    period = asked_period()
    row = row_of_binding(binding_id, period=period) or abort(404)
    form = RecordForm(data=_initial(row, period))
    if form.validate_on_submit() and not row.closed:
        try:
            with transaction():
                _take(binding_id, form, period)
            return saved(
                "编辑成功" if row.recorded.reading_id else "新增成功", _back(form.back.data or "", row, period)
            )
        except DomainError as refused:
            refuse(form, refused)
    words = {"row": row, "form": form, "period": period, "back": _back(form.back.data or "", row, period)}
    return render_template("readings/record.html", **words), 422 if form.is_submitted() else 200


def _initial(row: BookRow, period: str) -> dict[str, Any]:
    end: Decimal | None = row.recorded.end
    return {
        "kind": row.recorded.kind or "actual",
        "end_reading": "" if end is None else f"{end.normalize():f}",
        "read_on": min(clock.today(), periods.last_day(period)),
        "note": row.recorded.note or "",
        "back": request.args.get("back", ""),
    }


def _take(binding_id: int, form: RecordForm, period: str) -> None:
    assert form.read_on.data is not None, "InputRequired"
    new = NewReading(
        binding_id,
        form.end_reading.reading if form.kind.data != "unread" else None,
        form.read_on.data,
        form.kind.data,
        (form.note.data or "").strip(),
    )
    take_readings([new], period=period, by_id=current_user.id)


def _back(asked: str, row: BookRow, period: str) -> str:
    """To the book where the person came from it, else to the list."""
    if asked == "book":
        return url_for(".book", route_id=row.standing.route_id, period=period)
    return url_for(".index", period=period, q=row.recorded.customer_no)
