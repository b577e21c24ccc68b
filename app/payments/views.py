"""前台收费, 充值 and their receipts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import clock
from app.db import transaction
from app.errors import DomainError
from app.money import fmt_yuan
from app.payments import desk, receipts
from app.payments.desk import SHOWN, Account
from app.payments.forms import MoneyForm, PaymentForm, TopUpForm, new_key
from app.payments.receipts import Receipt
from app.payments.rules import ZERO
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.charge import charge_as_seen
from app.payments.service.day_close import Takings, day_totals
from app.payments.service.once import once
from app.payments.service.take_payment import top_up as top_up_account
from app.permissions import Permission, requires
from app.web.forms import refuse
from app.web.pdf import pdf_response, render_pdf

blueprint = Blueprint("payments", __name__, template_folder="templates")


def _account_or_404(customer_id: int) -> Account:
    return desk.account(customer_id) or abort(404)


def _receipt_or_404(payment_id: int) -> Receipt:
    return receipts.receipt(payment_id) or abort(404)


def _page(template: str, **context: Any) -> str:
    """A page of the counter, with the cashier's day so far."""
    drawer = day_totals(current_user.id, clock.today()).values()
    takings = Takings(sum(one.movements for one in drawer), sum((one.received for one in drawer), ZERO))
    return render_template(template, takings=takings, **context)


def _counter(account: Account, form: PaymentForm | None = None) -> str:
    """The counter with an account opened: all bills ticked at first, afterwards as the cashier left them."""
    bills = desk.open_bills(account.id, on=clock.today())
    first = form is None
    form = PaymentForm(formdata=None) if form is None else form
    form.key.data = new_key()
    chosen = {bill.bill_id for bill in bills} if first else set(form.seen)
    due = sum((bill.due for bill in bills if bill.bill_id in chosen), ZERO)
    if first:
        form.tendered.data = str(due)
    return _page("payments/counter.html", account=account, bills=bills, chosen=chosen, due=due, form=form, q="")


@blueprint.get("/counter")
@requires(Permission.CHARGE)
def counter() -> ResponseReturnValue:
    """前台收费 (figure 9.3-1): who it is, and what is owed. An empty query after a payment prints its receipt."""
    q = "".join(c for c in request.args.get("q", "") if c.isprintable()).strip()[:100]
    if not q:
        receipt_id = request.args.get("receipt", type=int)
        if receipt_id:
            return redirect(url_for("payments.receipt_pdf", payment_id=receipt_id))
        return _page("payments/counter.html", q="")
    found = desk.find_accounts(q)
    if len(found) == 1:
        return _counter(found[0])
    return _page("payments/counter.html", q=q, found=found[:SHOWN], more=len(found) > SHOWN)


def _carry_out(form: MoneyForm, content: dict[str, Any], action: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Do it once for this form, in one transaction; None where it was refused, with the reason in the form."""
    try:
        with transaction():
            return once(form.key.data or "", content | {"by": current_user.id}, action)
    except DomainError as refused:
        refuse(form, refused)
        return None


@blueprint.post("/counter/payments")
@requires(Permission.CHARGE)
def pay() -> ResponseReturnValue:
    """确认收费 (figure 9.1-3). Refused: the counter again, with the reason beside the field and all that was typed."""
    account = _account_or_404(request.form.get("customer_id", 0, type=int))
    form = PaymentForm()
    if "recalculate" in request.form:  # a browser without JavaScript asks what the ticked bills come to
        form.tendered.data = str(form.owed)
        return _counter(account, form)
    if form.validate() and form.agrees(account.credit_balance):
        tendered = ZERO if form.prepaid else form.tendered.amount or ZERO
        content = {
            "customer": account.id,
            "seen": form.seen,
            "method": form.method.data,
            "tendered": tendered,
            "keep_change": form.keep_change.data,
        }

        def charge() -> dict[str, Any]:
            payment = charge_as_seen(
                account.id,
                seen=form.seen,
                method=form.method.data,
                tendered=tendered,
                keep_change=form.keep_change.data,
                by_id=current_user.id,
            )
            return {"payment_id": payment.id}

        done = _carry_out(form, content, charge)
        if done:
            return redirect(url_for("payments.paid", payment_id=done["payment_id"]))
    return _counter(account, form), 422


@blueprint.get("/counter/payments/<int:payment_id>")
@requires(Permission.CHARGE)
def paid(payment_id: int) -> ResponseReturnValue:
    """收费成功, 是否打印收据 (figure 9.1-4); the cursor is back in the query."""
    receipt = _receipt_or_404(payment_id)
    owed = desk.open_bills(receipt.account.id, on=clock.today())
    return _page("payments/paid.html", receipt=receipt, owed=owed, q="")


@blueprint.get("/customers/<int:customer_id>/top-ups")
@requires(Permission.CHARGE)
def top_up(customer_id: int) -> ResponseReturnValue:
    """充值 (figure 7.1-6)."""
    return _top_up_page(_account_or_404(customer_id), TopUpForm(formdata=None))


def _top_up_page(account: Account, form: TopUpForm) -> str:
    form.key.data = new_key()
    return render_template("payments/top_up.html", account=account, form=form)


@blueprint.post("/customers/<int:customer_id>/top-ups")
@requires(Permission.CHARGE)
def add_top_up(customer_id: int) -> ResponseReturnValue:
    """Put it on the account; one with 自动扣费 pays what it owes at once."""
    account = _account_or_404(customer_id)
    form = TopUpForm()
    if form.validate() and form.agrees():
        amount = form.amount.amount or ZERO

        def add() -> dict[str, Any]:
            payment = top_up_account(account.id, amount=amount, method=form.method.data, by_id=current_user.id)
            taken = deduct_prepayments(on=clock.today(), by_id=current_user.id, customer_id=account.id)
            return {"payment_id": payment.id, "deducted": str(taken.amount)}

        done = _carry_out(form, {"customer": account.id, "amount": amount, "method": form.method.data}, add)
        if done:
            if done["deducted"] not in ("0", "0.00"):
                flash(f"充值成功，自动扣费 {fmt_yuan(done['deducted'])}", "success")
            return redirect(url_for("payments.paid", payment_id=done["payment_id"]))
    return _top_up_page(account, form), 422


@blueprint.get("/payments/<int:payment_id>/receipt.pdf")
@requires(Permission.VIEW_BILLS)
def receipt_pdf(payment_id: int) -> ResponseReturnValue:
    """现在打印收据 (figure 9.1-5), A5. Every look is a copy and is logged; from the second on it says 补打."""
    found, copy = _print(payment_id)
    name = f"收据 {found.number} {found.account.holder}"
    return pdf_response(render_pdf("payments/receipt_pdf.html", title=name, receipt=found, copy=copy), f"{name}.pdf")


@blueprint.get("/payments/<int:payment_id>/receipt")
@requires(Permission.VIEW_BILLS)
def receipt(payment_id: int) -> ResponseReturnValue:
    """The receipt as a page to be printed from the browser, where no PDF can be shown."""
    found, copy = _print(payment_id)
    return render_template("payments/receipt.html", receipt=found, copy=copy), {"Cache-Control": "no-store"}


def _print(payment_id: int) -> tuple[Receipt, int]:
    with transaction():
        found = _receipt_or_404(payment_id)
        return found, receipts.record_copy(found)
