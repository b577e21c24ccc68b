"""What the pages about meters share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select

from app.areas.reach import within_reach
from app.customers.models import Customer
from app.db import db, transaction
from app.errors import DomainError
from app.metering import queries
from app.metering.models import Meter, MeterBinding
from app.tariffs.models import UseCategory
from app.web.forms import in_dialog, refuse, saved

blueprint = Blueprint("metering", __name__, template_folder="../templates")


class Held(NamedTuple):
    """A binding with whose and what it is."""

    binding: MeterBinding
    meter: Meter
    customer: Customer
    category: str

    @property
    def home(self) -> str:
        """水表信息 of the customer, where its buttons stand."""
        return url_for("customers.detail", customer_id=self.customer.id, tab="meters")


def held_or_404(binding_id: int) -> Held:
    """A binding, in force or past."""
    row = db.session.execute(
        select(MeterBinding, Meter, Customer, UseCategory.name)
        .join(Meter, Meter.id == MeterBinding.meter_id)
        .join(Customer, Customer.id == MeterBinding.customer_id)
        .join(UseCategory, UseCategory.id == MeterBinding.use_category_id)
        .where(MeterBinding.id == binding_id, within_reach(Customer.route_id))
    ).one_or_none()
    return Held(*row) if row else abort(404)


def meter_or_404(meter_id: int) -> Meter:
    """A meter of this plant."""
    return queries.meter(meter_id) or abort(404)


def came_from(otherwise: str) -> str:
    """The page on which the dialog was opened, so that a list keeps its filter; else the address given."""
    page = urlsplit(request.headers.get("HX-Current-URL", "") if in_dialog() else "")
    here = f"{page.path}?{page.query}".rstrip("?")
    return here if here.startswith("/") and not here.startswith(("//", "/\\")) else otherwise


def answer(
    form: FlaskForm, template: str, store: Callable[[], str | None], *, back: str, **shown: Any
) -> ResponseReturnValue:
    """A form as asked for, or as sent: `store` says what has been done (None: the reason stands in the form)."""
    if not form.is_submitted():
        return render_template(template, form=form, back=back, **shown)
    if form.validate():
        try:
            with transaction():
                done = store()
            if done:
                return saved(done, came_from(back))
        except DomainError as refused:
            refuse(form, refused)
    return render_template(template, form=form, back=back, **shown), 422
