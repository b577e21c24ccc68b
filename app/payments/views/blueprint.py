"""缴费管理: the blueprint, and what several of its pages need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort
from flask_login import current_user
from flask_wtf import FlaskForm

from app.db import transaction
from app.errors import DomainError
from app.payments import desk, receipts
from app.payments.desk import Account
from app.payments.receipts import Receipt
from app.payments.rules import KINDS
from app.payments.service.once import once
from app.web.forms import refuse

blueprint = Blueprint("payments", __name__, template_folder="../templates")
PAPERS = {"a5": "A5 纸", "roll": "80 毫米小票纸"}


@blueprint.context_processor
def _words() -> dict[str, object]:
    return {"papers": PAPERS, "kinds": KINDS}


def account_or_404(customer_id: int) -> Account:
    """The account of this id."""
    return desk.account(customer_id) or abort(404)


def receipt_or_404(payment_id: int) -> Receipt:
    """The receipt of this payment."""
    return receipts.receipt(payment_id) or abort(404)


def carry_out(form: FlaskForm, content: dict[str, Any], action: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Do it once for this form (its `key`), in one transaction; None where it was refused, with the reason in the form."""
    try:
        with transaction():
            return once(form.key.data or "", content | {"by": current_user.id}, action)
    except DomainError as refused:
        refuse(form, refused)
        return None
