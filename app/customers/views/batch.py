"""What is done with several customers at once: 批量换区册, 批量设自动扣费."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from app.areas import queries as areas
from app.customers import service
from app.customers.forms import AutoDeductForm, MoveForm
from app.customers.views.base import blueprint
from app.customers.views.listing import customer_table
from app.db import transaction
from app.permissions import Permission, requires
from app.web import tables
from app.web.forms import saved


def _batch(form: FlaskForm, title: str, change: Callable[[Sequence[int]], tuple[int, str]]) -> ResponseReturnValue:
    """The question for the chosen ones, or, once it is answered, the change and how many it was."""
    chosen = tables.chosen(customer_table(), "customers.index")
    if not chosen.ids:
        flash("还没有勾选用户，请先在列表左边勾选。", "error")
        return redirect(chosen.back)
    if form.validate_on_submit():
        with transaction():
            count, done = change(chosen.ids)
        left = len(chosen.ids) - count
        rest = f"，其余 {left:,} 户原来就是这样或已销户" if left else ""
        return saved(f"已把 {count:,} 户{done}{rest}", chosen.back)
    steps = [("用户档案", url_for(".index")), (title, None)]
    page = render_template(
        "customers/batch.html",
        form=form,
        title=title,
        count=len(chosen.ids),
        back=chosen.back,
        steps=steps,
        button="确认",
    )
    return page, 422 if form.errors else 200


@blueprint.route("/customers/batch/route", methods=["GET", "POST"])
@requires(Permission.EDIT_CUSTOMERS)
def batch_route() -> ResponseReturnValue:
    """批量换区册."""
    form = MoveForm()

    def move(ids: Sequence[int]) -> tuple[int, str]:
        named = dict(areas.route_options())[form.route_id.data]
        return service.move_to_route(ids, route_id=int(form.route_id.data)), f"换到「{named}」"

    return _batch(form, "批量换区册", move)


@blueprint.route("/customers/batch/auto-deduct", methods=["GET", "POST"])
@requires(Permission.EDIT_CUSTOMERS)
def batch_auto_deduct() -> ResponseReturnValue:
    """批量设自动扣费."""
    form = AutoDeductForm()

    def switch(ids: Sequence[int]) -> tuple[int, str]:
        on = form.auto_deduct.data == "yes"
        return service.set_auto_deduct(ids, auto_deduct=on), "设为自动扣费" if on else "设为不自动扣费"

    return _batch(form, "批量设自动扣费", switch)
