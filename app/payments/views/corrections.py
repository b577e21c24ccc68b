"""What the manager and the accountant put right: 冲红, 退预存, 减免违约金."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from app import clock
from app.errors import DomainError
from app.money import parse_amount
from app.payments import desk, queries
from app.payments.desk import OpenBill
from app.payments.forms import ReasonForm, RefundForm, WaiverForm, new_key
from app.payments.rules import ZERO
from app.payments.service.refund import refund_credit
from app.payments.service.reverse_payment import reverse_chain, standing_in_the_way
from app.payments.service.waive import waive_late_fee
from app.payments.story import number_of, story
from app.payments.views.blueprint import account_or_404, blueprint, carry_out
from app.permissions import Permission, requires
from app.web.forms import saved

ORDERS = "payments.orders"


@blueprint.route("/orders/<int:payment_id>/reversal", methods=["GET", "POST"])
@requires(Permission.REVERSE)
def reverse(payment_id: int) -> ResponseReturnValue:
    """冲红: the reason, and what goes back together with it."""
    form = ReasonForm()
    if form.validate_on_submit():

        def take_back() -> dict[str, Any]:
            made = reverse_chain(payment_id, by_id=current_user.id, reason=form.reason.data or "", seen=form.seen)
            return {"payment_ids": [one.id for one in made]}

        content = {"payment": payment_id, "seen": form.seen, "reason": form.reason.data}
        done = carry_out(form, content, take_back)
        if done:
            return saved("冲红成功", url_for("payments.order", payment_id=payment_id))
    return _reversal_page(payment_id, form)


def _reversal_page(payment_id: int, form: ReasonForm) -> ResponseReturnValue:
    found = story(payment_id) or abort(404)
    try:
        chain = standing_in_the_way(payment_id)
    except DomainError as refused:  # nothing that can be taken back
        flash(refused.message, "error")
        chain = []
    form.key.data, form.chain.data = new_key(), ",".join(str(one.id) for one in chain)
    page = render_template(
        "payments/reverse.html",
        form=form,
        story=found,
        payment=found.payment,
        chain=[(number_of(one), one) for one in chain],
        active=ORDERS,
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/customers/<int:customer_id>/refunds", methods=["GET", "POST"])
@requires(Permission.REVERSE)
def refund(customer_id: int) -> ResponseReturnValue:
    """退预存: prepaid money back to the customer, with a receipt."""
    account = account_or_404(customer_id)
    form = RefundForm()
    if form.validate_on_submit():
        amount = form.amount.amount or ZERO
        asked = {"amount": amount, "method": form.method.data, "reason": form.reason.data}

        def give_back() -> dict[str, Any]:
            return {"payment_id": refund_credit(customer_id, by_id=current_user.id, **asked).id}

        done = carry_out(form, {"refund": customer_id} | asked, give_back)
        if done:
            return saved("退款成功", url_for("payments.order", payment_id=done["payment_id"]))
    form.key.data = new_key()
    page = render_template("payments/refund.html", form=form, account=account, active=ORDERS)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/customers/<int:customer_id>/waivers", methods=["GET", "POST"])
@requires(Permission.REVERSE)
def waive(customer_id: int) -> ResponseReturnValue:
    """减免违约金 of the account's open bills, approved by a second person."""
    account = account_or_404(customer_id)
    bills = [bill for bill in desk.open_bills(customer_id, on=clock.today()) if bill.late_fee]
    form = WaiverForm()
    form.approved_by.choices = [
        SelectChoice(int(key), name) for key, name in queries.people_who_may(Permission.REVERSE)
    ]
    if form.validate_on_submit():
        amounts = _amounts(form, bills)
    if form.is_submitted() and not form.errors:
        asked = {"amounts": amounts, "reason": form.reason.data, "approved_by_id": form.approved_by.data}

        def let_off() -> dict[str, Any]:
            return {"payment_id": waive_late_fee(customer_id, by_id=current_user.id, **asked).id}

        done = carry_out(form, {"waive": customer_id} | {k: str(v) for k, v in asked.items()}, let_off)
        if done:
            return saved("减免成功", url_for("payments.order", payment_id=done["payment_id"]))
    form.key.data = new_key()
    typed = request.form if form.is_submitted() else {}
    page = render_template("payments/waive.html", form=form, account=account, bills=bills, typed=typed, active=ORDERS)
    return page, 422 if form.is_submitted() else 200


def _amounts(form: WaiverForm, bills: Sequence[OpenBill]) -> dict[int, Decimal]:
    """Bill id → yuan to be let off, of what was typed; what is wrong is said in the form. Nothing typed: nothing let off."""
    found: dict[int, Decimal] = {}
    if not form.is_submitted():
        return found
    for bill in bills:
        typed = request.form.get(f"fee-{bill.bill_id}", "").strip()
        if not typed:
            continue
        try:
            amount = parse_amount(typed)
        except ValueError as error:
            form.amount.errors = [f"{bill.period}：{error}"]
            continue
        if amount:
            found[bill.bill_id] = amount
    return found
