"""用户档案: 新增, 修改, 删除, 销户, 恢复."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.customers import queries, service
from app.customers.forms import CloseForm, CustomerForm, carried
from app.customers.models import Customer
from app.customers.rules import plain
from app.customers.views.base import blueprint
from app.customers.views.standards import Serving, serving
from app.db import db, transaction
from app.errors import DomainError
from app.permissions import Permission, requires
from app.tariffs import queries as tariffs
from app.web.forms import refuse, saved

LIST = "用户档案"


def _person(customer_id: int) -> Customer:
    return db.session.get(Customer, customer_id) or abort(404)


def _serving(form: CustomerForm) -> Serving | None:
    """What is said below 是否抄表水费; None for one charged by meter."""
    if form.charged_by_meter.data != "no" or "use_category_id" not in form:
        return None
    names = {str(key): name for key, name in tariffs.categories().items()}
    chosen = form.use_category_id.data or next(iter(names), "")
    if chosen not in names:
        return None
    people, area = ((form[name].data or "").strip("0.") for name in ("people", "area"))
    return serving(int(chosen), names[chosen], people=1 if people else 0, area=bool(area))


def _page(form: CustomerForm, *, title: str, back: str, steps: list[Any], **context: Any) -> ResponseReturnValue:
    status = 422 if request.method == "POST" else 200
    page = render_template(
        "customers/form.html",
        form=form,
        title=title,
        back=back,
        steps=[(LIST, url_for(".index")), *steps],
        serving=_serving(form),
        wide=True,
        button="确认",
        **context,
    )
    return page, status


@blueprint.route("/customers/new", methods=["GET", "POST"])
@requires(Permission.EDIT_CUSTOMERS)
def create() -> ResponseReturnValue:
    """新增 (figures 7.1-3, 7.1-4)."""
    form = CustomerForm(data={"customer_no": queries.next_number(), "route_id": request.args.get("route", "")})
    if form.validate_on_submit():
        try:
            with transaction():
                person = service.open_customer(values=form.values(), on=clock.today())
            again = url_for(".create", route=person.route_id)
            return saved("新增成功", again if "again" in request.form else url_for(".detail", customer_id=person.id))
        except DomainError as refused:
            refuse(form, refused)
    return _page(form, title="新增用户", back=url_for(".index"), steps=[("新增用户", None)], again=True)


@blueprint.route("/customers/<int:customer_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_CUSTOMERS)
def edit(customer_id: int) -> ResponseReturnValue:
    """详情 → 修改 (figures 7.1-7, 7.1-8)."""
    person, back = _person(customer_id), url_for(".detail", customer_id=customer_id)
    if person.state == "closed":
        flash("这一户已经销户，要修改请先恢复。", "error")
        return redirect(back)
    meters = queries.history(customer_id).meters
    form = CustomerForm.of(person, bound=bool(meters))
    if request.method == "GET":
        form.remember(carried(person))
    if form.validate_on_submit():
        try:
            with transaction():
                service.change_customer(customer_id, values=form.values(), seen=form.shown())
            return saved("编辑成功", back)
        except service.Overtaken as overtaken:
            _show_both(form, overtaken)
        except DomainError as refused:
            refuse(form, refused)
    steps = [(person.customer_no, back), ("修改", None)]
    return _page(form, title="修改用户", back=back, steps=steps, meters=meters)


def _show_both(form: CustomerForm, overtaken: service.Overtaken) -> None:
    """Beside each field what the other one made of it; sending the form once more keeps what is typed."""
    refuse(form, overtaken)
    for name, value in overtaken.now.items():
        field, said = form[name], plain(value)
        named = {key: label for key, label, *_ in getattr(field, "choices", None) or []}.get(said, said)
        field.errors = [*field.errors, f"{overtaken.by_name}刚改成「{named}」。要用您填的，请再确认一次。"]
    form.remember({name: plain(value) for name, value in overtaken.now.items()})


@blueprint.get("/customers/standard")
@requires(Permission.EDIT_CUSTOMERS)
def standard() -> ResponseReturnValue:
    """Which standard serves one without a meter, while the form is filled in."""
    return render_template("customers/_serving.html", serving=_serving(CustomerForm(formdata=request.args)))


@blueprint.post("/customers/<int:customer_id>/deletion")
@requires(Permission.EDIT_CUSTOMERS)
def delete(customer_id: int) -> ResponseReturnValue:
    """删除 (figure 7.1-5): erased without a history, else on to 销户."""
    _person(customer_id)
    try:
        with transaction():
            erased = service.remove_customer(customer_id)
    except DomainError as refused:
        flash(refused.message, "error")
        return redirect(url_for(".detail", customer_id=customer_id))
    if not erased:
        return redirect(url_for(".close", customer_id=customer_id))
    flash("删除成功", "success")
    return redirect(url_for(".index"))


@blueprint.route("/customers/<int:customer_id>/closing", methods=["GET", "POST"])
@requires(Permission.EDIT_CUSTOMERS)
def close(customer_id: int) -> ResponseReturnValue:
    """销户: what is kept, and the question."""
    person, form, back = _person(customer_id), CloseForm(), url_for(".detail", customer_id=customer_id)
    if form.validate_on_submit():
        try:
            with transaction():
                service.close_customer(customer_id, on=clock.today())
            return saved(f"「{person.holder}」已销户", back)
        except DomainError as refused:
            refuse(form, refused)
    steps = [(LIST, url_for(".index")), (person.customer_no, back), ("销户", None)]
    found = queries.history(customer_id)
    page = render_template(
        "customers/close.html", form=form, person=person, found=found, back=back, steps=steps, button="确认销户"
    )
    return page, 422 if form.errors else 200


@blueprint.post("/customers/<int:customer_id>/reopening")
@requires(Permission.EDIT_CUSTOMERS)
def reopen(customer_id: int) -> ResponseReturnValue:
    """恢复 of a closed account."""
    _person(customer_id)
    try:
        with transaction():
            person = service.reopen_customer(customer_id)
        flash(f"「{person.holder}」已恢复", "success")
    except DomainError as refused:
        flash(refused.message, "error")
    return redirect(url_for(".detail", customer_id=customer_id))
