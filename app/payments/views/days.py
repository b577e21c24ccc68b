"""日结: a cashier's day, counted and locked; who may see everybody's takings sees everybody's."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import clock
from app.db import transaction
from app.errors import DomainError
from app.ledger.rules import METHODS
from app.payments.drawers import Drawer, drawers, unclosed_days
from app.payments.forms import DayCloseForm
from app.payments.models import Payment
from app.payments.rules import ZERO
from app.payments.service.day_close import close_day
from app.payments.views.blueprint import blueprint
from app.payments.views.order_table import paid_table
from app.permissions import Permission, can, requires
from app.web import tables
from app.web.forms import refuse

HERE = "payments.day_close"


def _asked() -> tuple[date, int]:
    """The day and the cashier of the URL: today, and oneself; a colleague's only for who may see everybody's."""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        day = clock.today()
    cashier_id = request.args.get("cashier", type=int) or current_user.id
    changes = (Permission.REVERSE,) if request.method == "POST" else ()
    if cashier_id != current_user.id and not can(Permission.VIEW_ALL_TAKINGS, *changes):
        abort(403)
    return day, cashier_id


def _of(day: date, cashier_id: int) -> Drawer:
    found = drawers(day, cashier_id=cashier_id)
    return found[0] if found else abort(404)


def _page(day: date, drawer: Drawer, form: DayCloseForm) -> ResponseReturnValue:
    everybody = drawers(day) if can(Permission.VIEW_ALL_TAKINGS) else []
    mine = (Payment.business_date == day) & (Payment.cashier_id == drawer.cashier_id)
    table = paid_table(
        where=mine, name=f"日结明细_{drawer.cashier}_{day}", filters=(), search=None, keep=("day", "cashier")
    )
    context: dict[str, Any] = {
        "day": day,
        "drawer": drawer,
        "form": form,
        "everybody": everybody,
        "unclosed": unclosed_days(drawer.cashier_id, before=day),
        "own": drawer.cashier_id == current_user.id,
        "active": HERE,
    }
    return tables.respond(table, "payments/day_close.html", **context)


@blueprint.get("/day-close")
@requires(Permission.VIEW_BILLS)
def day_close() -> ResponseReturnValue:
    """日结: what the drawer should hold by method, what is counted, and the day's movements."""
    day, cashier_id = _asked()
    drawer = _of(day, cashier_id)
    form = DayCloseForm(formdata=None)
    for line in drawer.lines:
        if not line.expected:
            form[f"counted_{line.method}"].data = "0"
    return _page(day, drawer, form)


@blueprint.post("/day-close")
@requires(Permission.VIEW_BILLS)
def close() -> ResponseReturnValue:
    """确认日结: kept with its difference, and locked."""
    day, cashier_id = _asked()
    drawer = _of(day, cashier_id)
    form = DayCloseForm()
    if form.validate() and _explains(form, drawer):
        counted = {method: form[f"counted_{method}"].amount or ZERO for method in METHODS}
        try:
            with transaction():
                close_day(
                    cashier_id=cashier_id, day=day, counted=counted, by_id=current_user.id, note=form.note.data or ""
                )
            flash(f"{drawer.cashier} {day} 日结成功，这一天已锁定", "success")
            return redirect(url_for(HERE, day=day, cashier=cashier_id))
        except DomainError as refused:
            refuse(form, refused)
    page = make_response(_page(day, drawer, form))
    page.status_code = 422
    return page


def _explains(form: DayCloseForm, drawer: Drawer) -> bool:
    """A difference needs a word about where it comes from."""
    differs = any(line.expected != form[f"counted_{line.method}"].amount for line in drawer.lines)
    if differs and not (form.note.data or "").strip():
        form.note.errors = ["实点和应有不一样，请在说明里写清原因。"]
        return False
    return True


@blueprint.get("/day-close/sheet")
@requires(Permission.VIEW_BILLS)
def day_sheet() -> ResponseReturnValue:
    """日结单, to be printed from the browser and signed."""
    day, cashier_id = _asked()
    drawer = _of(day, cashier_id)
    mine = (Payment.business_date == day) & (Payment.cashier_id == cashier_id)
    table = paid_table(where=mine, filters=(), search=None)
    rows = tables.all_rows(table)
    return render_template("payments/day_sheet.html", day=day, drawer=drawer, rows=rows, methods=METHODS)
