"""复核: what looked odd, one after the other."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.customers.models import Customer
from app.db import db, transaction
from app.errors import DomainError
from app.payments.service.take_readings import decide_reading
from app.permissions import Permission, requires
from app.readings import queries, rules
from app.readings.forms import ReviewForm
from app.readings.history import Held, held_readings, year_of
from app.readings.models import Reading
from app.readings.views.base import asked_period, blueprint, period_choices
from app.web.forms import refuse

DONE = {"accept": "已通过", "correct": "已更正", "estimate": "已估抄", "return": "已退回重抄"}
SHOWN = 100  # names in the row of those that wait


@blueprint.get("/readings/review")
@requires(Permission.REVIEW_READINGS)
def review() -> ResponseReturnValue:
    """The held reading that the address names, else the first; what was before it, and what can be decided."""
    period = asked_period(queries.latest_period() or "")
    return _page(period, request.args.get("at", type=int), ReviewForm(formdata=None))


def _page(period: str, at: int | None, form: ReviewForm) -> ResponseReturnValue:
    waiting = held_readings(period)
    place = next((i for i, one in enumerate(waiting) if one.id == at), 0)
    words = {"period": period, "choices": period_choices(period), "waiting": waiting, "place": place, "form": form}
    if waiting:
        reading = db.session.get_one(Reading, waiting[place].id)
        standing = queries.standings([reading.binding_id], period=period)[reading.binding_id]
        words |= {
            "one": waiting[place],
            "reading": reading,
            "standing": standing,
            "customer": db.session.get_one(Customer, reading.customer_id),
            "months": year_of(reading),
            "mean": rules.mean(standing.volumes),
        }
    first = max(0, min(place - SHOWN // 2, len(waiting) - SHOWN))
    words |= {"window": waiting[first : first + SHOWN], "shown": SHOWN}
    return render_template("readings/review.html", **words), 422 if form.errors or form.form_errors else 200


@blueprint.post("/readings/<int:reading_id>/review")
@requires(Permission.REVIEW_READINGS)
def decide(reading_id: int) -> ResponseReturnValue:
    """通过, 更正, 估抄 or 退回; then on to the next one."""
    reading = queries.reading(reading_id) or abort(404)
    form, period = ReviewForm(), reading.period
    after = _next(held_readings(period), reading_id)
    if form.validate():
        try:
            if reading.review != "held":
                raise DomainError("这一条已经有人处理过了。")
            if form.decision.data == "accept" and form.end_reading.reading not in (None, reading.end_reading):
                raise DomainError("填了更正后的止码：要改请按「更正」，要照原数通过请先清空。", field="end_reading")
            with transaction():
                decide_reading(
                    reading_id,
                    decision=form.decision.data or "",
                    end_reading=form.end_reading.reading,
                    note=(form.note.data or "").strip(),
                    by_id=current_user.id,
                )
            done = DONE[form.decision.data or ""]
            flash(f"{done}：{_holder(reading)}", "success")
            return redirect(url_for(".review", period=period, at=after))
        except DomainError as refused:
            db.session.rollback()
            refuse(form, refused)
    return _page(period, reading_id, form)


def _next(waiting: list[Held], reading_id: int) -> int | None:
    """The one after it; after the last, the first."""
    ids = [one.id for one in waiting]
    if reading_id not in ids or len(ids) < 2:
        return None
    return ids[(ids.index(reading_id) + 1) % len(ids)]


def _holder(reading: Reading) -> str:
    return db.session.get_one(Customer, reading.customer_id).holder
