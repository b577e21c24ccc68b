"""The lists, a meter's own page, and the history of a 水表性质."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.areas.reach import within_reach
from app.audit import AuditEntry
from app.customers.models import Customer
from app.db import db
from app.metering import history as past
from app.metering.models import Meter, MeterBinding
from app.metering.rules import state_word
from app.metering.views.blueprint import blueprint, held_or_404, meter_or_404
from app.metering.views.listing import change_table, meter_table
from app.permissions import Permission, can, requires
from app.readings.models import Reading
from app.readings.queries import words_of
from app.trail import rules, words
from app.web import tables

READINGS = 12  # that a meter's page shows


@blueprint.get("/meters/")
@requires(Permission.VIEW_METERS)
def index() -> ResponseReturnValue:
    """水表列表管理 (figure 6.1-1)."""
    return tables.respond(meter_table(), "metering/index.html")


@blueprint.get("/use-categories/changes")
@requires(Permission.VIEW_METERS)
def changes() -> ResponseReturnValue:
    """水表性质变更 (figure 7.2-1)."""
    return tables.respond(change_table(), "metering/changes.html")


@blueprint.get("/bindings/<int:binding_id>/history")
@requires(Permission.VIEW_METERS)
def history(binding_id: int) -> ResponseReturnValue:
    """查看 what the 水表性质 was, since when, by whom (figure 7.2-3)."""
    held = held_or_404(binding_id)
    return render_template("metering/history.html", held=held, rows=past.category_history(binding_id))


@blueprint.get("/meters/<int:meter_id>")
@requires(Permission.VIEW_METERS)
def detail(meter_id: int) -> ResponseReturnValue:
    """详情: what it is, whose it was, when it stood still, what it showed."""
    meter = meter_or_404(meter_id)
    bindings, log = past.bindings_of(meter_id), past.log_of(meter_id)
    return render_template(
        "metering/detail.html",
        meter=meter,
        word=state_word(meter.state, bound=any(row.unbound_on is None for row in bindings)),
        master=db.session.get(Meter, meter.master_meter_id) if meter.master_meter_id else None,
        bindings=bindings,
        stops=past.stops_of(meter_id, log),
        log=_in_words(log),
        readings=_readings(meter_id) if can(Permission.VIEW_READINGS) else [],
    )


class Line(NamedTuple):
    """A line of the log in words: what was done, and what about it."""

    at: datetime
    by_name: str
    action: str
    what: str


def _in_words(log: Sequence[AuditEntry]) -> list[Line]:
    parts = words.reader()
    return [
        Line(one.at, one.by_name, rules.done(one.entity, one.action, one.changes), "；".join(map(str, parts(one))))
        for one in log
    ]


class Read(NamedTuple):
    """A reading of the meter: whose, and how it stands in words."""

    reading: Reading
    holder: str
    words: list[tuple[str, str]]


def _readings(meter_id: int) -> list[Read]:
    """The youngest readings, whoever had the meter."""
    rows = db.session.execute(
        select(Reading, Customer.holder)
        .join(MeterBinding, MeterBinding.id == Reading.binding_id)
        .join(Customer, Customer.id == MeterBinding.customer_id)
        .where(MeterBinding.meter_id == meter_id, within_reach(Customer.route_id))
        .order_by(Reading.period.desc(), Reading.id.desc())
        .limit(READINGS)
    )
    return [Read(reading, holder, words_of(reading)) for reading, holder in rows]
