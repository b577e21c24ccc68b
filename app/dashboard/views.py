"""首页."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple, TypeVar

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.local import LocalProxy

from app import audit, clock, periods
from app.areas.reach import empty, only_reader
from app.dashboard import night, points, queries
from app.dashboard.kept import kept
from app.dashboard.queries import Point
from app.dashboard.rules import finish_day, share
from app.dashboard.steps import Step, first_steps
from app.db import at_one_moment, db, transaction
from app.jobs import enqueue
from app.permissions import Permission, can, requires
from app.readings.progress import BookProgress, Progress, book_rows, of_rows
from app.reports.plant_summary import figures
from app.web import remembered
from tenants import context, night_log
from tenants.jobs import retry

blueprint = Blueprint("dashboard", __name__, template_folder="templates")
T = TypeVar("T")
MONTHS = 24  # offered to choose from
NIGHTS = 30  # that the plant's board goes back


@blueprint.app_context_processor
def bell() -> dict[str, Any]:
    """The bell of the top bar."""
    return {"night_note": LocalProxy(lambda: night.last_night().short), "nights_url": nights_url}


@blueprint.before_app_request
def ask_the_registry() -> None:
    """Before anything is asked of the plant. The home page tells what is, the bell what was half a minute ago."""
    view = current_app.view_functions.get(request.endpoint or "")
    if context.current_or_none() and getattr(view, "permission", None):  # pages before the login have no bell
        night.ask(afresh=request.blueprint == "dashboard")


def nights_url() -> str:
    """The plant's board of nights, for those who may see it."""
    return url_for("dashboard.nights") if can(Permission.ISSUE_BILLS) else ""


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


def _review_url(period: str) -> str:
    known = "readings.review" in current_app.view_functions and can(Permission.REVIEW_READINGS)
    return url_for("readings.review", period=period) if known else ""


def _needs(plant: Progress, period: str) -> list[Need]:
    """What the sentence under the title says."""
    needs = []
    if plant.held:
        needs.append(Need(f"{plant.held:,} 条异常读数待复核", _review_url(period) or _readings_url(period, "held")))
    if plant.left:
        needs.append(Need(f"{plant.left:,} 户还没抄到", _readings_url(period, "unread")))
    last = night.last_night()
    if last.full and can(Permission.VIEW_ALL_BOOKS):
        needs.append(Need(last.full, nights_url(), failed=last.failed))
    return needs


def _at_once(make: Callable[[], T]) -> Callable[[], T]:
    """Reads sums as they are at one moment."""

    def made() -> T:
        with at_one_moment():
            return make()

    return made


def _books(period: str) -> list[BookProgress]:
    return of_rows(remembered.rows(("books", period), lambda: book_rows(period)))


def _reading_context(period: str) -> dict[str, Any]:
    found = kept(f"reading {period} {only_reader() or ''}", lambda: queries.reading_progress(_books(period)))
    plant, today = found.plant, clock.today()
    done_by = finish_day(read=plant.read, left=plant.left, first=plant.first, today=today)
    current = period == periods.of(today)
    nothing = empty(("还没有区册和绑定的水表。", "")) if not found.districts else ()
    return {
        "nothing": nothing,
        "reading": found,
        "period": period,
        "done_by": done_by if current else None,
        "share": share,
    }


def _money_context(period: str) -> dict[str, Any]:
    """The plant's households and money, for those who see all of it."""
    if not can(Permission.VIEW_ALL_BOOKS):
        return {}
    return {
        "summary": kept(
            f"figures {period}", lambda: remembered.sums(("figures", period), _at_once(lambda: figures(period)))
        ),
        "arrears": queries.Arrears(*remembered.rows("arrears", lambda: [queries.all_arrears()])[0]),
    }


def _report_url(point: Point) -> str:
    """The report behind a point, for those who may see it."""
    if (
        not can(Permission.VIEW_REPORTS, Permission.VIEW_ALL_TAKINGS)
        or "reports.summary" not in current_app.view_functions
    ):
        return ""
    if point.since == point.until:
        return url_for("reports.summary", since=point.since, until=point.until)
    return url_for("reports.monthly", period=point.key)


def _moving(period: str) -> dict[str, Any]:
    """What moves by itself: reading, money, what waits for a person, the first steps."""
    reading = _reading_context(period)
    return {
        **reading,
        **_money_context(period),
        "needs": _needs(reading["reading"].plant, period),
        "steps": first_steps(),
        "step_url": _step_url,
    }


def _step_url(step: Step) -> str:
    """Where the step is done; '' where there is no such page, or it is another's work."""
    known = next((one for one in step.endpoints if one in current_app.view_functions), "")
    return url_for(known) if known and can(step.permission) else ""


def _points(what: str, find: Callable[[], list[Point]]) -> list[Point]:
    return [Point(*row) for row in remembered.rows(what, find)]


@blueprint.get("/")
@requires(Permission.VIEW_HOME)
def home() -> ResponseReturnValue:
    """The four blocks of figures 2-1 and 2-2."""
    period = _period()
    return render_template(
        "dashboard/home.html",
        days=_days(),
        months=_months(period),
        choices=periods.months_ending(max(period, periods.of(clock.today())), MONTHS)[::-1],
        **_moving(period),
    )


def _days() -> list[Point]:
    """What came in lately, for those who see what everybody takes."""
    if not can(Permission.VIEW_ALL_TAKINGS):
        return []
    return _points("days", _at_once(lambda: queries.last_days(clock.today())))


def _months(period: str) -> list[Point]:
    """What has been billed and paid lately, for those who see all books."""
    if not can(Permission.VIEW_ALL_BOOKS):
        return []
    return _points(f"months {period}", lambda: queries.last_periods(period))


@blueprint.get("/home/reading")
@requires(Permission.VIEW_HOME)
def reading() -> ResponseReturnValue:
    """The blocks that move by themselves while readings and payments come in."""
    return render_template("dashboard/_moving.html", moved=True, **_moving(_period()))


@blueprint.get("/nights")
@requires(Permission.ISSUE_BILLS)
def nights() -> ResponseReturnValue:
    """夜间任务: what the plant's last nights did, and what stands in the way of one that failed."""
    db.session.close()  # never two connections at once; whoever is logged in has been read
    past = night_log.of_plant(context.current().id, last=NIGHTS)
    part = request.headers.get("HX-Target") == "nights"
    return render_template(
        "dashboard/_nights.html" if part else "dashboard/nights.html",
        past=past,
        moves=any(one.unfinished for one in past) and not any(one.failed for one in past),
        when=night.when_said,
        reason=night.reason,
    )


@blueprint.post("/nights/<day>/retry")
@requires(Permission.ISSUE_BILLS)
def redo_night(day: str) -> ResponseReturnValue:
    """再做一次: what failed in a night of this plant; what is done is not done again."""
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        abort(404)
    db.session.close()  # never two connections at once
    again = retry(context.current().id, wanted)
    if again:
        with transaction():
            audit.record("changed", "night", None, {"retried": day})
            enqueue("worker.tasks.run_plant_night", queue="night")
        flash(f"{wanted} 的夜间任务已重新排队，做完后这一页会变。", "success")
    else:
        flash(f"{wanted} 没有失败的任务，不用再做。", "error")
    return redirect(url_for("dashboard.nights"))


@blueprint.get("/home/trend/<key>")
@requires(Permission.VIEW_HOME)
def point(key: str) -> ResponseReturnValue:
    """「可查看」: what a day or a period of the trend is made of."""
    found = _point(key) or abort(404)
    by_day = found.since == found.until
    if not can(Permission.VIEW_ALL_TAKINGS if by_day else Permission.VIEW_ALL_BOOKS):
        abort(403)
    with at_one_moment():
        parts = points.of_day(found.since) if by_day else points.of_period(found.key)
    return render_template(
        "dashboard/point.html", point=found, by_day=by_day, parts=parts, report_url=_report_url(found)
    )


def _point(key: str) -> Point | None:
    try:
        if len(key) == len("2026-10"):
            return queries.last_periods(periods.parse(key), count=1)[0]
        with at_one_moment():
            return queries.last_days(date.fromisoformat(key), count=1)[0]
    except ValueError:
        return None
