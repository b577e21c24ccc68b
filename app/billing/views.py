"""开账: what a month would bill, issuing it, looking at it, taking it back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import func, or_, select

from app import clock, periods
from app.areas import queries as areas
from app.areas.models import District, Route
from app.billing import queries
from app.billing.forms import UndoForm
from app.billing.models import Bill, BillingRun
from app.billing.service import issue_bills, odd_bills, preview_bills, reverse_run
from app.customers.models import Customer
from app.db import db, transaction
from app.errors import DomainError
from app.permissions import Permission, can, requires
from app.readings import queries as readings
from app.staff.models import StaffUser
from app.web import remembered, tables
from app.web.forms import refuse, saved
from app.web.tables import Column, Table, Total

blueprint = Blueprint("billing", __name__, template_folder="templates", url_prefix="/bills")

KINDS = {
    "regular": ("开账", "paid"),
    "reversal": ("撤销", "owed"),
    "adjustment": ("退补水量", "wait"),
    "closing": ("解绑结算", "water"),
}
BILL_KINDS = {"regular": ("水费单", "plain"), "reversal": ("撤销", "owed"), "adjustment": ("退补", "wait")}
MONTHS = 12


def _period() -> str:
    """The month that is asked for; else the youngest one with readings."""
    asked = request.values.get("period", "")
    try:
        return periods.parse(asked)
    except ValueError:
        return readings.latest_period() or periods.of(clock.today())


def _route() -> int | None:
    asked = request.values.get("route", "")
    return int(asked) if asked.isdecimal() else None


def _runs() -> Table:
    return Table(
        name="开账记录",
        unit="次",
        source=select(BillingRun.id)
        .outerjoin(StaffUser, StaffUser.id == BillingRun.by_id)
        .outerjoin(Route, Route.id == BillingRun.route_id)
        .outerjoin(District, District.id == Route.district_id),
        id=BillingRun.id,
        default_sort="-at",
        columns=(
            Column("period", "账期", BillingRun.period, kind="period", sort=(BillingRun.period,), link=_run_address),
            Column("kind", "类型", BillingRun.kind, kind="state", states=KINDS),
            Column("place", "区册", func.coalesce(areas.route_name(), "全部")),
            Column("bills", "账单", BillingRun.bills, kind="number"),
            Column("volume", "水量 m³", BillingRun.volume, kind="volume"),
            Column("amount", "金额", BillingRun.amount, kind="money"),
            Column("at", "时间", BillingRun.at, kind="moment", sort=(BillingRun.id,), unique=True),
            Column("who", "经手", func.coalesce(StaffUser.name, "夜间自动")),
        ),
        extra={"undone": queries.is_undone(BillingRun.id), "run_kind": BillingRun.kind},
        cells="billing/_cells.html",
        empty=("还没有开过账", "抄完表、复核完，选月份点「预览」，看过再开账。"),
        keep=("period",),
    )


def _run_address(row: Any) -> str:
    return url_for("billing.run", run_id=row.id)


@blueprint.get("/")
@requires(Permission.VIEW_BILLS, Permission.VIEW_ALL_BOOKS)
def index() -> ResponseReturnValue:
    """开账: the month's state, and all runs."""
    period = _period()
    months = periods.months_ending(max(period, periods.of(clock.today())), MONTHS)[::-1]
    return tables.respond(
        _runs(),
        "billing/index.html",
        period=period,
        months=months,
        routes=areas.route_options(),
        route=request.args.get("route", ""),
        month=queries.MonthState(*remembered.rows(("month", period), lambda: [queries.month_state(period)])[0]),
    )


@blueprint.get("/preview")
@requires(Permission.ISSUE_BILLS)
def preview() -> ResponseReturnValue:
    """预览: what issuing now would bill, and the twenty oddest of it."""
    period, route_id = _period(), _route()
    try:
        totals = preview_bills(period, route_id=route_id)
    except DomainError as refused:
        flash(refused.message, "error")
        return redirect(url_for("billing.index", period=period))
    odd = odd_bills(period) if totals.bills else []
    names = dict(areas.route_options())
    return render_template(
        "billing/preview.html",
        period=period,
        route=route_id,
        place=names.get(str(route_id), "全部区册"),
        totals=totals,
        odd=odd,
        month=queries.month_state(period),
    )


@blueprint.post("/issue")
@requires(Permission.ISSUE_BILLS)
def issue() -> ResponseReturnValue:
    """开账. Twice is once: what is billed already is not billed again."""
    period, route_id = _period(), _route()
    try:
        with transaction():
            totals = issue_bills(period, on=clock.today(), by_id=current_user.id, route_id=route_id)
    except DomainError as refused:
        flash(refused.message, "error")
        return redirect(url_for("billing.index", period=period))
    if totals.bills:
        flash(f"开账成功：{periods.label(period)} {totals.bills:,} 张账单，共 ¥{totals.amount:,.2f}。", "success")
    else:
        flash(f"{periods.label(period)}没有新的账单：读数都已经出过账了。", "success")
    return redirect(url_for("billing.index", period=period))


def _bills(run: BillingRun) -> Table:
    return Table(
        name=f"{periods.label(run.period)}账单",
        unit="张",
        source=select(Bill.id)
        .where(Bill.run_id == run.id, Bill.period == run.period)
        .join(Customer, Customer.id == Bill.customer_id)
        .outerjoin(Route, Route.id == Bill.route_id)
        .outerjoin(District, District.id == Route.district_id),
        id=Bill.id,
        default_sort="customer_no",
        search=lambda text: or_(Customer.customer_no.startswith(text), Customer.holder.contains(text)),
        search_hint="户号、户名",
        totals=(Total("volume", "水量合计 m³", Bill.volume, kind="volume"), Total("amount", "金额合计", Bill.amount)),
        columns=(
            Column(
                "customer_no",
                "户号",
                Customer.customer_no,
                kind="code",
                sort=(Customer.customer_no,),
                link=_bills_address,
            ),
            Column("holder", "户名", Customer.holder, width=30),
            Column("place", "区册", areas.route_name(), sort=(Bill.route_id,)),
            Column("kind", "类型", Bill.kind, kind="state", states=BILL_KINDS),
            Column("start", "起码", Bill.start_reading, kind="volume"),
            Column("end", "止码", Bill.end_reading, kind="volume"),
            Column("volume", "水量 m³", Bill.volume, kind="volume", sort=(Bill.volume,)),
            Column("amount", "金额", Bill.amount, kind="money", sort=(Bill.amount,)),
        ),
        extra={"customer_id": Bill.customer_id},
        empty=("这次没有账单", ""),
    )


def _bills_address(row: Any) -> str:
    return url_for("customers.detail", customer_id=row.customer_id, tab="bills")


def _run_or_404(run_id: int) -> BillingRun:
    return db.session.get(BillingRun, run_id) or abort(404)


@blueprint.get("/runs/<int:run_id>")
@requires(Permission.VIEW_BILLS, Permission.VIEW_ALL_BOOKS)
def run(run_id: int) -> ResponseReturnValue:
    """The bills of one run."""
    found = _run_or_404(run_id)
    undone = db.session.scalar(select(queries.is_undone(found.id)))
    undoable = found.kind == "regular" and not undone and can(Permission.ISSUE_BILLS)
    return tables.respond(
        _bills(found), "billing/run.html", run=found, kind=KINDS[found.kind], undone=undone, undoable=undoable
    )


@blueprint.route("/runs/<int:run_id>/undo", methods=["GET", "POST"])
@requires(Permission.ISSUE_BILLS)
def undo(run_id: int) -> ResponseReturnValue:
    """撤销开账: as long as nobody has paid anything of it."""
    found, form = _run_or_404(run_id), UndoForm()
    if form.validate_on_submit():
        try:
            with transaction():
                back = reverse_run(run_id, by_id=current_user.id, reason=(form.reason.data or "").strip())
            message = f"撤销成功：{-back.bills if back.bills < 0 else back.bills:,} 张账单已冲回，改好后可以再开账。"
            return saved(message, url_for("billing.index", period=found.period))
        except DomainError as refused:
            refuse(form, refused)
    back_to = url_for("billing.index", period=found.period)
    return render_template("billing/undo.html", form=form, run=found, back=back_to), 422 if form.errors else 200
