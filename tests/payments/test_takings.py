"""Whose takings somebody sees: a cashier her own of any day, who may see all takings everybody's."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook

from app.db import transaction
from app.payments.service.reverse_payment import reverse_payment
from app.permissions import Permission
from tenants.context import Tenant
from tests import factories as make
from tests.areas.test_readers import hired
from tests.conftest import PASSWORD, Site
from tests.payments import counter

EARLY, TODAY = "2026-11-19", "2026-11-20"


@pytest.fixture
def taken(plant: Tenant) -> dict[str, int]:
    """王芳 has taken ¥30.10 and ¥100.20 on two days, 周平 ¥55.55 on the second; all from one customer."""
    customer, _ = counter.billed(14, customer_no="07000012", holder="刘文海")
    wang, zhou = hired("wang", "王芳", "cashier").id, hired("zhou", "周平", "cashier").id
    found = {"customer": customer, "wang": wang, "zhou": zhou}
    movements = (("early", EARLY, "30.10", wang), ("hers", TODAY, "100.20", wang), ("his", TODAY, "55.55", zhou))
    for name, day, amount, who in movements:
        with counter.on(day):
            found[name] = counter.put_in(customer, amount, by_id=who).id
    return found


def entered(app: Flask, plant: Tenant, username: str = "wang") -> Site:
    site = Site(app, plant)
    assert site.log_in(username, PASSWORD).status_code == 302
    return site


def test_a_cashier_lists_and_exports_her_own_orders(app: Flask, plant: Tenant, taken: dict[str, int]) -> None:
    site = entered(app, plant)
    with counter.on(TODAY):
        page = site.get("/orders").text
        book = load_workbook(BytesIO(site.get("/orders?export=xlsx").data)).worksheets[0]
    assert ("¥100.20" in page, "¥30.10" in page, "¥55.55" in page, "周平" in page) == (True, True, False, False)
    assert "共 2 笔 · 实收合计 ¥130.30" in page
    cells = [str(cell) for row in book.iter_rows(values_only=True) for cell in row]
    assert ("王芳" in cells, "周平" in cells) == (True, False)
    assert "全部收费员" not in page


def test_anothers_order_and_receipt_are_out_of_her_sight(app: Flask, plant: Tenant, taken: dict[str, int]) -> None:
    site = entered(app, plant)
    for path in ("/orders/{}", "/payments/{}/receipt", "/payments/{}/receipt.pdf", "/counter/payments/{}"):
        assert site.get(path.format(taken["his"])).status_code == 404, path
        assert site.get(path.format(taken["hers"])).status_code == 200, path


def test_what_took_back_her_order_is_shown_to_her(app: Flask, plant: Tenant, taken: dict[str, int]) -> None:
    accountant = hired("cai", "财务", "accountant").id
    with counter.on(TODAY), transaction():
        back = {name: reverse_payment(taken[name], by_id=accountant, reason="收错了").id for name in ("hers", "his")}
    site = entered(app, plant)
    assert f"/orders/{back['hers']}" in site.get(f"/orders/{taken['hers']}").text
    assert site.get(f"/orders/{back['hers']}").status_code == 200
    assert site.get(f"/orders/{back['his']}").status_code == 404


def test_a_customers_own_payments_are_all_there_at_the_counter(
    app: Flask, plant: Tenant, taken: dict[str, int]
) -> None:
    page = entered(app, plant).get(f"/customers/{taken['customer']}?tab=payments").text
    assert ("¥100.20" in page, "¥30.10" in page, "¥55.55" in page) == (True, True, True)


def test_her_own_day_closes_are_hers_and_anothers_are_not(app: Flask, plant: Tenant, taken: dict[str, int]) -> None:
    site = entered(app, plant)
    with counter.on(TODAY):
        assert "¥100.20" in site.get("/day-close").text
        assert "¥30.10" in site.get(f"/day-close?day={EARLY}").text
        assert "¥30.10" in site.get(f"/day-close/sheet?day={EARLY}").text
        for page in ("/day-close", "/day-close/sheet"):
            assert site.get(f"{page}?cashier={taken['zhou']}").status_code == 403
        assert site.post(f"/day-close?cashier={taken['zhou']}").status_code == 403


def test_the_plants_takings_are_no_report_of_hers(app: Flask, plant: Tenant, taken: dict[str, int]) -> None:
    site = entered(app, plant)
    for path in ("/reports/summary", "/reports/monthly", "/reports/monthly.xlsx", f"/home/trend/{TODAY}"):
        assert site.get(path).status_code == 403, path
    home = site.get("/").text
    assert ("近十天" in home, "近六个月" in home, "水费综合统计" in home) == (False, True, False)
    assert site.get("/reports/customers").status_code == 200


@pytest.mark.parametrize("role", ["accountant", "manager"])
def test_accountant_and_manager_see_everybodys(app: Flask, plant: Tenant, taken: dict[str, int], role: str) -> None:
    hired("boss", "管账的", role)
    site = entered(app, plant, "boss")
    with counter.on(TODAY):
        page = site.get("/orders").text
        assert ("共 3 笔" in page, "周平" in page, "全部收费员" in page) == (True, True, True)
        assert site.get(f"/orders/{taken['his']}").status_code == 200
        assert "¥55.55" in site.get(f"/day-close?cashier={taken['zhou']}").text
        assert site.get("/reports/summary").status_code == 200
        assert "近十天" in site.get("/").text


def test_a_plant_may_let_its_cashiers_see_all(app: Flask, plant: Tenant, taken: dict[str, int]) -> None:
    site = entered(app, plant)
    with transaction():
        make.may_also("cashier", Permission.VIEW_ALL_TAKINGS)
    with counter.on(TODAY):
        assert "共 3 笔" in site.get("/orders").text
        assert site.get(f"/day-close?cashier={taken['zhou']}").status_code == 200
        assert site.post(f"/day-close?cashier={taken['zhou']}").status_code == 403  # looks, and closes not
