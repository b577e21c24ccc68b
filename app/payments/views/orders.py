"""水费缴费订单管理: every movement of money, and what each of them did."""

from __future__ import annotations

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from app.payments.story import story
from app.payments.views.blueprint import blueprint
from app.payments.views.order_table import paid_table, unpaid_table
from app.permissions import Permission, requires
from app.trail.rules import done
from app.web import tables


@blueprint.get("/orders")
@requires(Permission.VIEW_BILLS)
def orders() -> ResponseReturnValue:
    """水费缴费订单管理 (figures 9.2-1 to 9.2-3): what was paid, or with the filter 未缴费 what is not."""
    unpaid = request.args.get("state") == "unpaid"
    return tables.respond(unpaid_table() if unpaid else paid_table(), "payments/orders.html")


@blueprint.get("/orders/<int:payment_id>")
@requires(Permission.VIEW_BILLS)
def order(payment_id: int) -> ResponseReturnValue:
    """One movement: what it settled, how the books have it, what took it back."""
    found = story(payment_id) or abort(404)
    return render_template(
        "payments/order.html", story=found, payment=found.payment, done=done, active="payments.orders"
    )
