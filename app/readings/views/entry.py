"""整册录入: which book, and the book on one screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import clock, periods
from app.areas.reach import empty
from app.db import db, transaction
from app.errors import DomainError
from app.payments.service.take_readings import hold_books_and_bills, store_readings
from app.permissions import Permission, requires
from app.readings import progress
from app.readings.book import BookRow, book, row_of_binding, rows_of_book
from app.readings.forms import parse_reading
from app.readings.progress import BookProgress, Progress
from app.readings.service import NewReading, examine
from app.readings.views.base import asked_period, blueprint, period_choices
from app.web import remembered
from app.web.table_state import Page, State


@blueprint.get("/readings/books")
@requires(Permission.ENTER_READINGS)
def books() -> ResponseReturnValue:
    """整册录入: the books and how far they are, a page at a time; a reader's own come first."""
    period, state = asked_period(), State.of_rows("period", "district")
    rows = remembered.rows(("books", period), lambda: progress.book_rows(period))
    found = progress.of_rows(rows)
    fitting = [one for one in found if _fits(one, state)]
    fitting.sort(key=_is_anothers)
    page = Page.of(state, len(fitting))
    shown = fitting[page.offset : page.offset + page.size]
    mine = any(one.reader_id == current_user.id for one in found)
    return render_template(
        "readings/books.html",
        period=period,
        choices=period_choices(period),
        state=state,
        page=page,
        nothing=()
        if found
        else empty(("还没有要抄的水表", "先在「区册管理」分好册，把用户和水表录进来，这里就有了。")),
        districts=list({str(one.district_id): one.district for one in found}.items()),
        groups=[
            (("其他册" if anothers else "我的册") if mine else "", list(part))
            for anothers, part in groupby(shown, _is_anothers)
        ],
        sums=Progress.of("", (one.progress for one in fitting)),
        plant_progress=Progress.of("", (one.progress for one in found)),
    )


def _fits(book: BookProgress, state: State) -> bool:
    """Whether it is in the area that is asked for, and its name or its reader's contains the words."""
    wanted = state.path.get("district") or str(book.district_id)
    return str(book.district_id) == wanted and (state.q in book.full_name or state.q in book.reader)


def _is_anothers(book: BookProgress) -> bool:
    return book.reader_id != int(current_user.get_id())


@dataclass(slots=True)
class Typed:
    """What was typed into the page and could not be stored: the text and why, by binding."""

    texts: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)


@blueprint.route("/readings/books/<int:route_id>", methods=("GET", "POST"), endpoint="book")
@requires(Permission.ENTER_READINGS)
def whole_book(route_id: int) -> ResponseReturnValue:
    """A whole book on one screen. POST: without JavaScript, all that was typed at once."""
    shown = book(route_id) or abort(404)
    period, left_only = asked_period(), request.args.get("show") == "left"
    rows = rows_of_book(route_id, period=period, left_only=left_only)
    typed = Typed()
    if request.method == "POST":
        stored = _store_all(rows, period, typed)
        if stored:
            flash(f"保存成功：{stored} 户", "success")
        if not typed.errors:
            return redirect(url_for(".book", route_id=route_id, period=period, show=request.args.get("show")))
        rows = rows_of_book(route_id, period=period, left_only=left_only)
    page = render_template(
        "readings/book.html",
        book=shown,
        period=period,
        choices=period_choices(period),
        read_on=_read_on(period),
        rows=rows,
        typed=typed,
        left_only=left_only,
        progress=_progress(route_id, period),
    )
    return page, 422 if typed.errors else 200


def _progress(route_id: int, period: str) -> Progress:
    found: list[BookProgress] = progress.books(period, route_id=route_id)
    return found[0].progress if found else Progress("", 0, 0, 0)


def _read_on(period: str) -> date:
    """The day asked for, else today; for a period gone by, its last day."""
    today = clock.today()
    try:
        return min(date.fromisoformat(request.form.get("read_on", "")), today)
    except ValueError:
        return min(today, periods.last_day(period))


def _parsed(text: str, binding_id: int, typed: Typed) -> Decimal | None:
    try:
        return parse_reading(text)
    except ValueError as error:
        typed.texts[binding_id], typed.errors[binding_id] = text, str(error)
        return None


def _store_all(rows: list[BookRow], period: str, typed: Typed) -> int:
    """Store each row that was filled in or changed; how many. What is refused stays in `typed`, and stops no other."""
    new = []
    for row in rows:
        key, was = row.recorded.binding_id, row.recorded.end
        text = request.form.get(f"end-{key}", "").strip()
        end = _parsed(text, key, typed) if text else None
        if end is not None and end != was:
            new.append(NewReading(key, end, _read_on(period), note=row.recorded.note or ""))
    return _store(new, period, typed)


def _store(new: list[NewReading], period: str, typed: Typed) -> int:
    with transaction():
        hold_books_and_bills()
        examined = examine(new, period=period)
        for one in examined:
            if one.refused:
                typed.texts[one.new.binding_id] = f"{one.new.end_reading:f}"
                typed.errors[one.new.binding_id] = one.refused
        good = [one for one in examined if not one.refused]
        if good:
            store_readings(good, period=period, by_id=current_user.id)
    return len(good)


@blueprint.post("/readings/books/<int:route_id>/rows/<int:binding_id>")
@requires(Permission.ENTER_READINGS)
def book_row(route_id: int, binding_id: int) -> ResponseReturnValue:
    """Store one row as it is left; answers its mark, and the book's progress beside it."""
    period, typed = asked_period(), Typed()
    row = row_of_binding(binding_id, period=period) or abort(404)
    end = _parsed(request.form.get("end", ""), binding_id, typed)
    try:
        if end is not None and end != row.recorded.end:
            _store([NewReading(binding_id, end, _read_on(period), note=row.recorded.note or "")], period, typed)
            db.session.expire_all()
    except DomainError as refused:
        typed.errors[binding_id] = refused.message
    words: dict[str, Any] = {"row": row_of_binding(binding_id, period=period), "error": typed.errors.get(binding_id)}
    return render_template(
        "readings/_mark.html", progress=_progress(route_id, period), period=period, **words
    ), 422 if typed.errors else 200
