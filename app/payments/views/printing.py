"""What the plant prints about money: receipts (A5 or 80 mm roll) and 催缴通知单."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import audit, clock
from app.db import transaction
from app.payments import receipts
from app.payments.notices import notices, where_to_pay
from app.payments.receipts import Receipt
from app.payments.views.blueprint import PAPERS, blueprint, receipt_or_404
from app.payments.views.owing import owing_table
from app.permissions import Permission, requires
from app.staff import settings
from app.web import files, tables
from app.web.pdf import pdf_response, render_each, render_pdf

MOST = 1_000  # notices in one file: a minute's work
AT_ONCE = 10  # notices that a person waits for; more are left to a worker
SHEETS_AT_ONCE = 30  # the same of receipts


def _paper() -> str:
    """What is asked for, else what the plant prints on."""
    asked = request.args.get("paper", "")
    return asked if asked in PAPERS else str(settings.get("receipt_paper"))


def _print(found: list[Receipt]) -> list[tuple[Receipt, int]]:
    """The receipts and the how-manieth copy this is; every look is logged as one."""
    with transaction():
        return [(one, receipts.record_copy(one)) for one in found]


def _sheets(found: Receipt) -> int:
    """How many of A5 it takes, guessed from its lines: what is guessed wrong has to be laid out twice."""
    sheets, left = 1, 564  # half points below the head of the first
    for bill in found.bills:
        height = 25 * len(bill.document["lines"]) + 8 + 33 * (bill.in_part + bool(bill.late_fee))
        if height > left:
            sheets, left = sheets + 1, 698
        left -= height
    return sheets + (left < 160)


def _pdf(printed: list[tuple[Receipt, int]], name: str) -> ResponseReturnValue:
    if _paper() == "roll":
        template, pages = "payments/receipt_roll_pdf.html", len(printed)
    else:
        template, pages = "payments/receipt_pdf.html", sum(_sheets(found) for found, _ in printed)
    return pdf_response(render_pdf(template, title=name, pages=pages, printed=printed), f"{name}.pdf")


@blueprint.get("/payments/<int:payment_id>/receipt.pdf")
@requires(Permission.VIEW_BILLS)
def receipt_pdf(payment_id: int) -> ResponseReturnValue:
    """现在打印收据 (figure 9.1-5). From the second look on it says 补打."""
    found = receipt_or_404(payment_id)
    return _pdf(_print([found]), f"收据 {found.number} {found.account.holder}")


@blueprint.get("/payments/<int:payment_id>/receipts.pdf")
@requires(Permission.VIEW_BILLS)
def batch_pdf(payment_id: int) -> ResponseReturnValue:
    """The receipts of everything that was paid together with this one, a page each."""
    first = receipt_or_404(payment_id)
    found = [receipt_or_404(one) for one in receipts.batch_of(first.payment)]
    name = f"合单收据 {first.number} 等 {len(found)} 张"
    files.leave_to_worker(name, parts=sum(map(_sheets, found)), unit="页", above=SHEETS_AT_ONCE)
    return _pdf(_print(found), name)


@blueprint.get("/payments/<int:payment_id>/receipt")
@requires(Permission.VIEW_BILLS)
def receipt(payment_id: int) -> ResponseReturnValue:
    """The receipt as a page to be printed from the browser, where no PDF can be shown."""
    ((found, copy),) = _print([receipt_or_404(payment_id)])
    page = render_template("payments/receipt.html", receipt=found, copy=copy, paper=_paper())
    return page, {"Cache-Control": "no-store"}


@blueprint.get("/owing/notices.pdf")
@requires(Permission.CHARGE)
def notices_pdf() -> ResponseReturnValue:
    """催缴通知单 of the chosen accounts, a page each."""
    chosen = tables.chosen(owing_table(), "payments.owing")
    if not chosen.ids:
        flash("还没有勾选用户，请先在列表左边勾选，再打印通知单。", "error")
        return redirect(chosen.back)
    if len(chosen.ids) > MOST:
        flash(f"选了 {len(chosen.ids):,} 户，一次最多打印 {MOST} 户；请用区册筛选，分几次打印。", "error")
        return redirect(chosen.back)
    today = clock.today()
    found = notices(chosen.ids, on=today)
    if not found:
        abort(404)
    name = f"催缴通知单 {found[0].account.holder}" if len(found) == 1 else f"催缴通知单 {len(found)} 户"
    files.leave_to_worker(name, parts=len(found), unit="户", above=AT_ONCE)
    with transaction():
        for one in found:
            audit.record("notified", "customer", one.account.id, {"due": one.due})
    data = render_each(
        "payments/notices_pdf.html", title=name, things=found, named="notices", on=today, where=where_to_pay()
    )
    return pdf_response(data, f"{name}.pdf")
