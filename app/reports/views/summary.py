"""水费综合统计 and the monthly report."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

from flask import render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from app import clock, periods
from app.areas import queries as areas
from app.db import at_one_moment
from app.payments.rules import METHODS
from app.permissions import Permission, requires
from app.readings import queries as readings
from app.reports.books import against_ledger, books, count_books, moved, moved_by_book
from app.reports.monthly import MonthlyReport, monthly_report
from app.reports.monthly_sheet import BY_DATE, BY_PERIOD, row_of, write_monthly
from app.reports.views.base import blueprint
from app.web import files
from app.web.pdf import pdf_response, render_pdf
from app.web.table_export import XLSX
from app.web.table_state import Page
from tenants import context

MONTHS = 24  # offered to choose from
ROWS_A_PAGE = 41
BOOKS_A_PAGE = 50  # on the screen
BOOKS_AT_ONCE = 50  # on paper, while a person waits; more are left to a worker


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


def _page(count: int) -> Page:
    """Of the books; the page asked for, or the last one where there are fewer."""
    number = max(1, request.args.get("page", 1, type=int))
    return Page(min(number, Page(1, BOOKS_A_PAGE, count).last), BOOKS_A_PAGE, count)


def _page_url(number: int) -> str:
    """This report with its other books."""
    assert request.endpoint
    query: dict[str, Any] = request.args.to_dict() | {"page": number}
    return url_for(request.endpoint, **query)


@blueprint.get("/reports/summary")
@requires(Permission.VIEW_REPORTS, Permission.VIEW_ALL_TAKINGS)
@at_one_moment()
def summary() -> ResponseReturnValue:
    """水费综合统计 (figures 10.1-1, 10.1-2): sums by book and method over days, held against the ledger."""
    since, until = _span()
    method = request.args.get("method", "")
    method = method if method in METHODS else ""
    chosen = {"route": request.args.get("route", type=int), "reader": request.args.get("reader", type=int)}
    found = books(route_id=chosen["route"], reader_id=chosen["reader"])
    page = _page(len(found))
    of_page = found[page.offset : page.offset + page.size]
    days: dict[str, Any] = {"since": since, "until": until}
    ids = [book.route_id for book in found] if any(chosen.values()) else None
    everything = moved(**days, route_ids=ids)
    by_book = moved_by_book(**days, route_ids=[book.route_id for book in of_page], method=method or None)
    checks = against_ledger(everything, **days, route_ids=ids)
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
        rows=[(book, by_book[book.route_id]) for book in of_page],
        total=moved(**days, route_ids=ids, method=method) if method else everything,
        wrong=[check for check in checks if not check.agrees],
        month=periods.of(until),
        page=page,
        page_url=_page_url,
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
@requires(Permission.VIEW_REPORTS, Permission.VIEW_ALL_TAKINGS)
@at_one_moment()
def monthly() -> ResponseReturnValue:
    """打印当月报表 (figures 10.1-3, 10.1-4), as a page; of many books some at a time, on paper all."""
    page = _page(count_books())
    report = monthly_report(_period(), of=slice(page.offset, page.offset + page.size))
    months = periods.months_ending(max(periods.of(clock.today()), report.period), MONTHS)[::-1]
    columns = {"by_period": BY_PERIOD, "by_date": BY_DATE, "row_of": row_of}
    return render_template(
        "reports/monthly.html", report=report, months=months, page=page, page_url=_page_url, **columns
    )


@blueprint.get("/reports/monthly.pdf")
@requires(Permission.VIEW_REPORTS, Permission.VIEW_ALL_TAKINGS)
@at_one_moment()
def monthly_pdf() -> ResponseReturnValue:
    """The report on A4."""
    files.leave_to_worker(f"{periods.label(_period())}水费月报", parts=count_books(), unit="册", above=BOOKS_AT_ONCE)
    report, name = _report()
    columns = {"by_period": BY_PERIOD, "by_date": BY_DATE, "row_of": row_of}
    pages = 2 + len(report.lines) // ROWS_A_PAGE
    data = render_pdf("reports/monthly_pdf.html", title=name, pages=pages, report=report, **columns)
    return pdf_response(data, f"{name}.pdf")


@blueprint.get("/reports/monthly.xlsx")
@requires(Permission.VIEW_REPORTS, Permission.VIEW_ALL_TAKINGS)
@at_one_moment()
def monthly_xlsx() -> ResponseReturnValue:
    """The report as a workbook."""
    report, name = _report()
    out = io.BytesIO()
    write_monthly(report, out, plant=context.current().name)
    out.seek(0)
    return send_file(out, mimetype=XLSX, as_attachment=True, download_name=f"{name}.xlsx", max_age=0)
