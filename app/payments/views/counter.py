"""前台收费, 缴费 of one account, and 充值."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import audit, clock
from app.db import transaction
from app.money import fmt_yuan
from app.payments import desk
from app.payments.desk import SHOWN, Account
from app.payments.forms import PaymentForm, TopUpForm, new_key
from app.payments.rules import ZERO
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.charge import charge_as_seen
from app.payments.service.day_close import Takings, day_totals
from app.payments.service.take_payment import top_up as top_up_account
from app.payments.views.blueprint import account_or_404, blueprint, carry_out, receipt_or_404
from app.permissions import Permission, requires
from app.staff import settings

COUNTER, OWING = "payments.counter", "payments.owing"  # where a cashier comes from, and goes back to


def takings() -> Takings:
    """What the cashier has taken today, by whatever way of paying."""
    drawer = day_totals(current_user.id, clock.today()).values()
    return Takings(sum(one.movements for one in drawer), sum((one.received for one in drawer), ZERO))


def page(template: str, **context: Any) -> str:
    """A page of the counter, with the cashier's day so far."""
    return render_template(template, **({"takings": takings(), "home": COUNTER, "active": COUNTER} | context))


def _till(template: str, account: Account, form: PaymentForm | None = None, **context: Any) -> str:
    """The till with an account opened: all bills ticked at first, afterwards as the cashier left them."""
    bills = desk.open_bills(account.id, on=clock.today())
    first = form is None
    form = PaymentForm(formdata=None) if form is None else form
    form.key.data = new_key()
    chosen = {bill.bill_id for bill in bills} if first else set(form.seen)
    due = sum((bill.due for bill in bills if bill.bill_id in chosen), ZERO)
    if first:
        form.tendered.data = str(due)
    return page(template, account=account, bills=bills, chosen=chosen, due=due, form=form, q="", **context)


def _counter(account: Account, form: PaymentForm | None = None) -> str:
    return _till("payments/counter.html", account, form)


def _pay(account: Account, form: PaymentForm | None = None) -> str:
    here = url_for("payments.pay", customer_id=account.id)
    return _till("payments/pay.html", account, form, home=OWING, active=OWING, action=here)


@blueprint.get("/counter")
@requires(Permission.CHARGE)
def counter() -> ResponseReturnValue:
    """前台收费 (figure 9.3-1): who it is, and what is owed. An empty query after a payment prints its receipt."""
    q = "".join(c for c in request.args.get("q", "") if c.isprintable()).strip()[:100]
    if not q:
        receipt_id = request.args.get("receipt", type=int)
        if receipt_id:
            return redirect(url_for("payments.receipt_pdf", payment_id=receipt_id))
        return page("payments/counter.html", q="")
    found = desk.find_accounts(q)
    if len(found) == 1:
        return _counter(found[0])
    return page("payments/counter.html", q=q, found=found[:SHOWN], more=len(found) > SHOWN)


def _charged(account: Account, form: PaymentForm) -> int | None:
    """The payment that the form asks for, made once; None where something is in the way, which the form then says."""
    if not (form.validate() and form.agrees(account.credit_balance)):
        return None
    asked = {
        "seen": form.seen,
        "method": form.method.data,
        "tendered": ZERO if form.prepaid else form.tendered.amount or ZERO,
        "keep_change": form.keep_change.data,
    }

    def charge() -> dict[str, Any]:
        return {"payment_id": charge_as_seen(account.id, by_id=current_user.id, **asked).id}

    done = carry_out(form, {"customer": account.id} | asked, charge)
    return done["payment_id"] if done else None


@blueprint.post("/counter/payments")
@requires(Permission.CHARGE)
def charge() -> ResponseReturnValue:
    """确认收费. Refused: the counter again, with the reason beside the field and all that was typed."""
    account = account_or_404(request.form.get("customer_id", 0, type=int))
    form = PaymentForm()
    if "recalculate" in request.form:  # a browser without JavaScript asks what the ticked bills come to
        form.tendered.data = str(form.owed)
        return _counter(account, form)
    payment_id = _charged(account, form)
    if payment_id:
        return redirect(url_for("payments.paid", payment_id=payment_id))
    return _counter(account, form), 422


@blueprint.route("/customers/<int:customer_id>/payments", methods=["GET", "POST"])
@requires(Permission.CHARGE)
def pay(customer_id: int) -> ResponseReturnValue:
    """缴费 (figure 9.1-3): the account's bills, any of them, and how they are paid."""
    account = account_or_404(customer_id)
    if request.method == "GET":
        return _pay(account)
    form = PaymentForm()
    if "recalculate" in request.form:
        form.tendered.data = str(form.owed)
        return _pay(account, form)
    payment_id = _charged(account, form)
    if payment_id:
        return redirect(url_for("payments.paid", payment_id=payment_id, back="owing"))
    return _pay(account, form), 422


@blueprint.get("/counter/payments/<int:payment_id>")
@requires(Permission.CHARGE)
def paid(payment_id: int) -> ResponseReturnValue:
    """收费成功, 是否打印收据 (figure 9.1-4). At the counter the cursor is back in the query."""
    receipt = receipt_or_404(payment_id)
    owed = desk.open_bills(receipt.account.id, on=clock.today())
    home = OWING if request.args.get("back") == "owing" else COUNTER
    paper = settings.get("receipt_paper")
    return page("payments/paid.html", receipt=receipt, owed=owed, q="", home=home, active=home, paper=paper)


@blueprint.get("/customers/<int:customer_id>/top-ups")
@requires(Permission.CHARGE)
def top_up(customer_id: int) -> ResponseReturnValue:
    """充值 (figure 7.1-6)."""
    return _top_up_page(account_or_404(customer_id), TopUpForm(formdata=None))


def _top_up_page(account: Account, form: TopUpForm) -> str:
    form.key.data = new_key()
    return render_template("payments/top_up.html", account=account, form=form, active=COUNTER)


@blueprint.post("/customers/<int:customer_id>/top-ups")
@requires(Permission.CHARGE)
def add_top_up(customer_id: int) -> ResponseReturnValue:
    """Put it on the account; one with 自动扣费 pays what it owes at once."""
    account = account_or_404(customer_id)
    form = TopUpForm()
    if form.validate() and form.agrees():
        amount = form.amount.amount or ZERO

        def add() -> dict[str, Any]:
            payment = top_up_account(account.id, amount=amount, method=form.method.data, by_id=current_user.id)
            taken = deduct_prepayments(on=clock.today(), by_id=current_user.id, customer_id=account.id)
            return {"payment_id": payment.id, "deducted": str(taken.amount)}

        done = carry_out(form, {"customer": account.id, "amount": amount, "method": form.method.data}, add)
        if done:
            if done["deducted"] not in ("0", "0.00"):
                flash(f"充值成功，自动扣费 {fmt_yuan(done['deducted'])}", "success")
            return redirect(url_for("payments.paid", payment_id=done["payment_id"]))
    return _top_up_page(account, form), 422


@blueprint.post("/payments/receipt-paper")
@requires(Permission.EDIT_SETTINGS)
def receipt_paper() -> ResponseReturnValue:
    """What receipts are printed on from now on, unless somebody chooses otherwise."""
    paper = request.form.get("paper", "")
    if paper in ("a5", "roll"):
        with transaction():
            audit.record("changed", "setting", None, {"receipt_paper": [settings.get("receipt_paper"), paper]})
            settings.put("receipt_paper", paper)
        flash(f"以后收据默认打印在{'80 毫米小票纸' if paper == 'roll' else ' A5 纸'}上", "success")
    return redirect(url_for("payments.counter"))
