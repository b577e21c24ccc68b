"""汇总: sums of all plants by county and month, without asking a plant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from io import BytesIO

from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import update

from tenants import rollup
from tenants.context import Tenant
from tenants.models import Plant
from tenants.rollup import Month
from tenants.session import platform
from tests.conftest import make_plant
from tests.tenants.conftest import BASE
from tests.tenants.test_night_board import words


def note(plant: Tenant, county: str) -> None:
    with platform() as session:
        session.execute(update(Plant).where(Plant.id == plant.id).values(county=county))
    rollup.note(
        plant.id,
        1200,
        [
            Month("2026-09", 1180, Decimal("9000.000"), Decimal("27000.50"), Decimal("0.50")),
            Month("2026-10", 1190, Decimal("9100.500"), Decimal("27300.00"), Decimal("1300.25")),
        ],
    )


def test_the_page_sums_a_county_over_the_months_asked_for(
    console: FlaskClient, plant: Tenant, count_queries: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    note(plant, "合计县")
    with count_queries() as seen:
        page = words(console.get("/console/rollup?since=2026-09&until=2026-10", base_url=BASE).text)
    assert "合计县11,2002,37018,100.5¥54,300.50¥52,999.75¥1,300.75" in page
    assert not [statement for statement in seen if "plant_test" in statement]
    one = words(console.get("/console/rollup?since=2026-10&until=2026-10", base_url=BASE).text)
    assert "合计县11,2001,1909,100.5¥27,300.00¥25,999.75¥1,300.25" in one
    assert console.get("/console/rollup?since=x&until=2026-13", base_url=BASE).status_code == 200


def test_the_export_says_the_same_and_a_county_is_no_formula(console: FlaskClient, plant: Tenant) -> None:
    note(plant, "=1+1县")
    note(make_plant(), "邻县")
    file = console.get("/console/rollup?since=2026-09&until=2026-10&export=1", base_url=BASE)
    rows = list(load_workbook(BytesIO(file.data)).active.iter_rows(values_only=True))
    assert rows[0][0] == "所在县"
    assert ("1+1县", 1, 1200, 2370, 18100.5, 54300.5, 52999.75, 1300.75) in rows
    assert rows[-1][0] == "合计"
    due = [Decimal(str(row[5])) for row in rows[1:]]  # a sheet's numbers are floats
    assert due[-1] == sum(due[:-1])
