"""The blueprint of readings, and which period a page is about."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, request

from app import clock, periods

blueprint = Blueprint("readings", __name__, template_folder="../templates")
MONTHS = 24  # offered to choose from


def asked_period(otherwise: str = "") -> str:
    """The period that the address or the form names, else `otherwise`, else this month."""
    try:
        return periods.parse(request.values.get("period", ""))
    except ValueError:
        return otherwise or periods.of(clock.today())


def period_choices(*shown: str) -> list[tuple[str, str]]:
    """Periods to choose from, the youngest first; those shown are among them."""
    last = max(periods.of(clock.today()), *shown)
    return [(month, periods.label(month)) for month in periods.months_ending(last, MONTHS)[::-1]]


@blueprint.app_template_filter()
def dial(value: Decimal) -> str:
    """'12345.5': what a dial shows, as one types it."""
    return f"{value.normalize():f}"
