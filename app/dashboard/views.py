"""首页."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.local import LocalProxy

from app import clock, periods
from app.dashboard import night, queries
from app.dashboard.kept import kept
from app.dashboard.queries import Point, Progress
from app.dashboard.rules import finish_day, share
from app.permissions import Permission, can, requires
from app.reports.plant_summary import figures

blueprint = Blueprint("dashboard", __name__, template_folder="templates")
MONTHS = 24  # offered to choose from


@blueprint.app_context_processor
def bell() -> dict[str, Any]:
    """The bell of the top bar. Asked only by pages that show it: an error page asks nothing of the database."""
    return {"night_note": LocalProxy(night.night_note)}


class Need(NamedTuple):
    """Something that waits for a person, and where to do it."""

    words: str
    url: str = ""
    failed: bool = False


def _period() -> str:
    try:
        return periods.parse(request.args.get("period", ""))
    except ValueError:
        return queries.latest_period() or periods.of(clock.today())


def _readings_url(period: str, tab: str) -> str:
    known = "readings.index" in current_app.view_functions and can(Permission.VIEW_READINGS)
    return url_for("readings.index", period=period, tab=tab) if known else ""


def _needs(plant: Progress, period: str) -> list[Need]:
    """What the sentence under the title says."""
    needs = []
    if plant.held:
        needs.append(Need(f"{plant.held:,} 条异常读数待复核", _readings_url(period, "held")))
    if plant.left:
        needs.append(Need(f"{plant.left:,} 户还没抄到", _readings_url(period, "unread")))
    last = night.last_night()
    if last.full:
        needs.append(Need(last.full, failed=last.failed))
    return needs


def _reading_context(period: str) -> dict[str, Any]:
    found = kept(f"reading {period}", lambda: queries.reading_progress(period))
    plant, today = found.plant, clock.today()
    done_by = finish_day(read=plant.read, left=plant.left, first=plant.first, today=today)
    current = period == periods.of(today)
    return {"reading": found, "period": period, "done_by": done_by if current else None, "share": share}


def _detail_url(point: Point) -> str:
    """「可查看」: the report behind a bar."""
    if not can(Permission.VIEW_REPORTS) or "reports.summary" not in current_app.view_functions:
        return ""
    if point.since == point.until:
        return url_for("reports.summary", since=point.since, until=point.until)
    return url_for("reports.monthly", period=point.key)


@blueprint.get("/")
@requires(Permission.VIEW_HOME)
def home() -> ResponseReturnValue:
    """The four blocks of figures 2-1 and 2-2."""
    period = _period()
    reading = _reading_context(period)
    return render_template(
        "dashboard/home.html",
        needs=_needs(reading["reading"].plant, period),
        summary=kept(f"figures {period}", lambda: figures(period)),
        arrears=kept("arrears", queries.all_arrears),
        days=kept(f"days {clock.today()}", lambda: queries.last_days(clock.today())),
        months=kept(f"months {period}", lambda: queries.last_periods(period)),
        detail_url=_detail_url,
        choices=periods.months_ending(max(period, periods.of(clock.today())), MONTHS)[::-1],
        **reading,
    )


@blueprint.get("/home/reading")
@requires(Permission.VIEW_HOME)
def reading() -> ResponseReturnValue:
    """The blocks that move by themselves while readings come in."""
    return render_template("dashboard/_reading.html", moved=True, **_reading_context(_period()))
