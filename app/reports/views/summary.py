"""水费综合统计 and the monthly report."""

from __future__ import annotations

import io
from datetime import date

from flask import render_template, request, send_file
from flask.typing import ResponseReturnValue

from app import clock, periods
from app.areas import queries as areas
from app.payments.rules import METHODS
from app.permissions import Permission, requires
from app.readings import queries as readings
from app.reports.books import Moved, against_ledger, books, moved_by_book
from app.reports.monthly import MonthlyReport, monthly_report
from app.reports.monthly_sheet import BY_DATE, BY_PERIOD, row_of, write_monthly
from app.reports.views.base import blueprint
from app.web.pdf import pdf_response, render_pdf
from app.web.table_export import XLSX
from tenants import context

MONTHS = 24  # offered to choose from
ROWS_A_PAGE = 41


def _day(name: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return otherwise


def _span() -> tuple[date, date]:
    """The days asked for, in order; this month where none are."""
    this = periods.of(clock.today())
    since, until = _day("since", periods.first_day(this)), _day("until", periods.last_day(this))
    return (since, until) if since <= until else (until, since)


@blueprint.get("/reports/summary")
@requires(Permission.VIEW_REPORTS)
def summary() -> ResponseReturnValue:
    """水费综合统计 (figures 10.1-1, 10.1-2): sums by book and method over days, held against the ledger."""
    since, until = _span()
    method = request.args.get("method", "")
    method = method if method in METHODS else ""
    chosen = {"route": request.args.get("route", type=int), "reader": request.args.get("reader", type=int)}
    found = books(route_id=chosen["route"], reader_id=chosen["reader"])
    ids = [book.route_id for book in found]
    everything = moved_by_book(since=since, until=until, route_ids=ids)
    shown = moved_by_book(since=since, until=until, route_ids=ids, method=method) if method else everything
    checks = against_ledger(Moved.total(everything.values()), since=since, until=until, route_ids=ids)
    return render_template(
        "reports/summary.html",
        since=since,
        until=until,
        method=method,
        chosen=chosen,
        methods={key: name for key, name in METHODS.items() if key != "prepaid" and method in ("", key)},
        all_methods=METHODS,
        routes=areas.route_options(),
        readers=readings.reader_options(),
        rows=[(book, shown[book.route_id]) for book in found],
        total=Moved.total(shown.values()),
        wrong=[check for check in checks if not check.agrees],
        month=periods.of(until),
    )


def _period() -> str:
    try:
        return periods.parse(request.args.get("period", ""))
    except ValueError:
        return periods.of(clock.today())


def _report() -> tuple[MonthlyReport, str]:
    report = monthly_report(_period())
    return report, f"{context.current().name}_{periods.label(report.period)}水费月报"


@blueprint.get("/reports/monthly")
@requires(Permission.VIEW_REPORTS)
def monthly() -> ResponseReturnValue:
    """打印当月报表 (figures 10.1-3, 10.1-4), as a page."""
    report, _ = _report()
    months = periods.months_ending(max(periods.of(clock.today()), report.period), MONTHS)[::-1]
    columns = {"by_period": BY_PERIOD, "by_date": BY_DATE, "row_of": row_of}
    return render_template("reports/monthly.html", report=report, months=months, **columns)


@blueprint.get("/reports/monthly.pdf")
@requires(Permission.VIEW_REPORTS)
def monthly_pdf() -> ResponseReturnValue:
    """The report on A4."""
    report, name = _report()
    columns = {"by_period": BY_PERIOD, "by_date": BY_DATE, "row_of": row_of}
    pages = 2 + len(report.lines) // ROWS_A_PAGE
    data = render_pdf("reports/monthly_pdf.html", title=name, pages=pages, report=report, **columns)
    return pdf_response(data, f"{name}.pdf")


@blueprint.get("/reports/monthly.xlsx")
@requires(Permission.VIEW_REPORTS)
def monthly_xlsx() -> ResponseReturnValue:
    """The report as a workbook."""
    report, name = _report()
    out = io.BytesIO()
    write_monthly(report, out, plant=context.current().name)
    out.seek(0)
    return send_file(out, mimetype=XLSX, as_attachment=True, download_name=f"{name}.xlsx", max_age=0)
