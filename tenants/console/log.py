"""运营日志: what operators did, by plant, operator and day."""

from __future__ import annotations

from datetime import date

from flask import render_template, request
from flask.typing import ResponseReturnValue

from tenants import operator_log
from tenants.console import asked
from tenants.console.blueprint import blueprint
from tenants.console.doors import operators_only
from tenants.operator_log import Wanted


def _wanted() -> Wanted:
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        day = None
    return Wanted(asked.words(), asked.words("operator"), day)


@blueprint.get("/log")
@operators_only
def operator_lines() -> ResponseReturnValue:
    """运营日志."""
    wanted = _wanted()
    count = operator_log.count(wanted)
    pages = asked.pages(count, operator_log.SIZE)
    page = min(asked.page(), pages)
    return render_template(
        "console/log.html",
        lines=operator_log.lines(wanted, page=page),
        actions=operator_log.ACTIONS,
        count=count,
        page=page,
        pages=pages,
        wanted=wanted,
        names=operator_log.names(),
        place={k: v for k, v in (("q", wanted.words), ("operator", wanted.operator), ("day", wanted.day)) if v},
    )
