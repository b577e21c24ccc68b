"""What belongs to the frame itself: finding from anywhere, and asking before a change."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.customers import queries as customers
from app.metering import queries as metering
from app.permissions import Permission, requires
from app.web.confirm import question
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
