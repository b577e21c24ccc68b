"""A bill that a version of a standard has priced."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import insert

from app.billing.models import Bill
from app.billing.service.runs import RunTotals, record_run
from app.db import db
from app.tariffs.models import TariffVersion
from tests import factories


def bill_by(version: TariffVersion, *, read_on: date | None = date(2026, 10, 20)) -> None:
    """One bill of October, issued on the first of November; `read_on` None: without a meter."""
    person = factories.customer()
    run_id = record_run(
        "regular", "2026-10", RunTotals(1, Decimal(1), Decimal(1)), on=date(2026, 11, 1), by_id=None, route_id=None
    )
    db.session.execute(
        insert(Bill).values(
            run_id=run_id, kind="regular", period="2026-10", round=0, customer_id=person.id, route_id=person.route_id,
            use_category_id=person.use_category_id, read_on=read_on, volume=Decimal(1), amount=Decimal(1),
            issued_on=date(2026, 11, 1), due_on=date(2026, 11, 25),
            document={"tariffs": [{"name": version.tariff.name, "version_id": version.id}], "lines": []},
        )
    )  # fmt: skip
