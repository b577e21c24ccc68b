"""合单收费: one person pays for several accounts at once, with a receipt for each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import clock
from app.areas.reach import only_reader
from app.payments import desk, receipts
from app.payments.desk import SHOWN
from app.payments.forms import TogetherForm, new_key
from app.payments.notices import Notice, notices
from app.payments.rules import ZERO
from app.payments.service.charge import charge_together_as_seen
from app.payments.views.blueprint import blueprint, carry_out, receipt_or_404
from app.payments.views.counter import page
from app.permissions import Permission, requires

MOST = 30  # accounts paid for at once


def _chosen() -> list[int]:
    """The accounts gathered so far, in the order they were added."""
    return list(dict.fromkeys(request.args.getlist("ids", type=int)))[:MOST]


def _page(form: TogetherForm | None = None, **context: Any) -> str:
    chosen = _chosen()
    owing = {one.account.id: one for one in notices(chosen, on=clock.today())} if chosen else {}
    lines: list[Notice] = [owing[one] for one in chosen if one in owing]
    first = form is None
    form = TogetherForm(formdata=None) if form is None else form
    form.key.data = new_key()
    ticked = set(owing) if first else set(form.seen)
    due = sum((one.due for one in lines if one.account.id in ticked), ZERO)
    if first:
        form.tendered.data = str(due)
    action = url_for("payments.charge_together", ids=chosen)
    given = {"lines": lines, "ids": chosen, "chosen": ticked, "due": due, "form": form, "action": action, "q": ""}
    return page("payments/together.html", **(given | context))


@blueprint.get("/counter/together")
@requires(Permission.CHARGE)
def together() -> ResponseReturnValue:
    """合单收费: whom to add, who has been added, and the sum."""
    q = "".join(c for c in request.args.get("q", "") if c.isprintable()).strip()[:100]
    if not q:
        return _page()
    found = desk.find_accounts(q)
    if len(found) == 1 and found[0].unpaid:
        return redirect(url_for("payments.together", ids=[*_chosen(), found[0].id]))
    return _page(q=q, found=found[:SHOWN], more=len(found) > SHOWN)


@blueprint.post("/counter/together")
@requires(Permission.CHARGE)
def charge_together() -> ResponseReturnValue:
    """确认收费 for the ticked accounts, all or nothing."""
    form = TogetherForm()
    if only_reader() is not None and len(desk.accounts(list(form.seen))) < len(form.seen):
        abort(404)
    if "recalculate" in request.form:
        form.tendered.data = str(form.owed)
        return _page(form)
    if form.validate() and form.agrees(Decimal(0)):
        asked = {
            "seen": form.seen,
            "method": form.method.data,
            "tendered": form.tendered.amount or ZERO,
            "keep_change": form.keep_change.data,
        }

        def charge() -> dict[str, Any]:
            made = charge_together_as_seen(by_id=current_user.id, **asked)
            return {"payment_id": made[0].id}

        done = carry_out(form, {"together": True} | asked, charge)
        if done:
            return redirect(url_for("payments.together_paid", payment_id=done["payment_id"]))
    return _page(form), 422


@blueprint.get("/counter/together/<int:payment_id>")
@requires(Permission.CHARGE)
def together_paid(payment_id: int) -> ResponseReturnValue:
    """收费成功: a line for each account, and one press that prints all receipts."""
    first = receipt_or_404(payment_id)
    made = [receipt_or_404(one) for one in receipts.batch_of(first.payment)] or abort(404)
    tendered = sum((one.payment.tendered for one in made), ZERO)
    change = sum((one.change for one in made), ZERO)
    return page("payments/together_paid.html", made=made, tendered=tendered, change=change)
