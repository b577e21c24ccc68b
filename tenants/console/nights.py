"""夜间任务: a night of all plants, one plant's nights, and 「重试」."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tenants import night_log, operator_log
from tenants.console import asked, board
from tenants.console.blueprint import blueprint
from tenants.console.doors import by, operators_only
from tenants.jobs import retry
from tenants.models import Plant
from tenants.session import platform

TASK = "worker.tasks.run_plant_night"
HISTORY = 30  # nights of a plant


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day_or_404(text: str) -> date:
    return _day(text) or abort(404)


def _plant_or_404(plant_id: int) -> Plant:
    return board.plant(plant_id) or abort(404)


def _place() -> dict[str, Any]:
    """What the list is narrowed to; it stays when something is retried."""
    state = request.args.get("state", "")
    return {"q": asked.words(), "state": state if state in night_log.STATES else "", "page": asked.page()}


def _said(place: dict[str, Any]) -> dict[str, Any]:
    """The place as an address writes it."""
    return {key: value for key, value in place.items() if value not in ("", 1)}


def _page(template: str, part: str, **words: Any) -> ResponseReturnValue:
    """The page, or alone the part that htmx asks for again while something moves."""
    if request.headers.get("HX-Target") == "nights":
        return render_template(part, **words)
    return render_template(template, **words)


def _board(days: board.Days) -> dict[str, Any]:
    place = _place()
    whole = board.counts(days.day)
    found = board.counts(days.day, place["q"]) if place["q"] else whole
    in_tab = found[place["state"]] if place["state"] else sum(found.values())
    pages = asked.pages(in_tab, board.SIZE)
    place["page"] = min(place["page"], pages)
    return {
        "days": days,
        "whole": whole,
        "total": board.total(days.day),
        "found": found,
        "in_tab": in_tab,
        "pages": pages,
        "rows": board.rows(days.day, words=place["q"], state=place["state"], page=place["page"]),
        "others": board.others(days.day),
        "place": place,
        "said": _said(place),
        "moves": bool(whole["running"] or whole["queued"]),
    }


@blueprint.get("/nights/")
@operators_only
def night_board() -> ResponseReturnValue:
    """夜间任务 of all plants on one day."""
    days = board.days(_day(request.args.get("day", "")))
    return _page("console/nights.html", "console/_nights.html", **(_board(days) if days else {"days": None}))


@blueprint.get("/nights/<day>/plants/<int:plant_id>")
@operators_only
def plant_night(day: str, plant_id: int) -> ResponseReturnValue:
    """One plant's night, step by step, and its nights before."""
    wanted, plant = _day_or_404(day), _plant_or_404(plant_id)
    night = night_log.one(plant.id, wanted) or abort(404)
    past = night_log.of_plant(plant.id, last=HISTORY)
    return _page("console/night.html", "console/_night.html", day=wanted, plant_=plant, night=night, past=past)


@blueprint.route("/nights/<day>/plants/<int:plant_id>/retry", methods=["GET", "POST"])
@operators_only
def retry_plant(day: str, plant_id: int) -> ResponseReturnValue:
    """重试 of what failed in one plant's night; without JavaScript it is asked on a page of its own."""
    wanted, plant = _day_or_404(day), _plant_or_404(plant_id)
    back = url_for("console.night_board", day=wanted, **_said(_place()))
    if "one" in request.args:
        back = url_for("console.plant_night", day=wanted, plant_id=plant.id)
    if request.method == "GET":
        sentence = f"重新做「{plant.name}」{wanted} 夜里没做成的任务？做完的不会再做一次。"
        return render_template("console/ask.html", title="重试", sentence=sentence, button="重试", back=back)
    if _again([plant], wanted):
        flash(f"「{plant.name}」{wanted} 的夜间任务已重新排队。", "success")
    else:
        flash(f"「{plant.name}」{wanted} 没有失败的任务，不用重试。", "error")
    return redirect(back)


@blueprint.route("/nights/<day>/retry", methods=["GET", "POST"])
@operators_only
def retry_all(day: str) -> ResponseReturnValue:
    """全部重试."""
    wanted = _day_or_404(day)
    plants = board.failed_plants(wanted)
    back = url_for("console.night_board", day=wanted)
    if request.method == "GET":
        sentence = f"重新做 {wanted} 夜里失败的 {len(plants):,} 座水厂？做完的不会再做一次。"
        return render_template("console/ask.html", title="全部重试", sentence=sentence, button="全部重试", back=back)
    count = _again(plants, wanted)
    if count:
        flash(f"{count:,} 座水厂 {wanted} 的夜间任务已重新排队。", "success")
    else:
        flash(f"{wanted} 没有失败的任务，不用重试。", "error")
    return redirect(back)


def _again(plants: Iterable[Plant], day: date) -> int:
    """Put what failed back into the queue and tell the workers; how many plants had something."""
    back = [plant for plant in plants if retry(plant.id, day)]
    with platform() as session:
        for plant in back:
            operator_log.note(session, by(), "retried", plant, f"{day} 夜间任务")
    for plant in back:
        current_app.extensions["celery"].send_task(TASK, args=[plant.slug], queue="night")
    return len(back)
