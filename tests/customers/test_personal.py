"""Telephones and 身份证: in full only for those who need them, on screens and in exports."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook

from app import personal
from app.db import db, transaction
from app.permissions import ROLES, SUPPORT, Permission, of_role
from tenants.context import Tenant
from tests import factories as make
from tests.areas.test_readers import hired
from tests.conftest import PASSWORD, Site
from tests.payments import counter

PHONE, CARD = "13912345678", "330106198505051234"
MASKED = "139****5678"
SEES = [role for role in sorted(ROLES) if Permission.SEE_PERSONAL in ROLES[role][1]]
MASKS = [role for role in sorted(ROLES) if role not in SEES]


@pytest.fixture
def key(app: Flask, plant: Tenant) -> int:
    """Somebody with both, who owes; his book is the reader's."""
    found, _ = counter.billed(14, customer_no="07000012", holder="刘文海", phone=PHONE, id_card=CARD)
    with transaction():
        make.route().reader_id = hired("reader", "李建国", "reader", mobile="13700001111").id
    return found


def entered(app: Flask, plant: Tenant, role: str) -> Site:
    if role != "reader":
        hired(role, role, role)
    site = Site(app, plant)
    assert site.log_in(role, PASSWORD).status_code == 302
    return site


def cells(answer: Any) -> list[str]:
    """Every cell of a workbook."""
    rows = load_workbook(BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True)
    return [str(cell) for row in rows for cell in row]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13912345678", "139****5678"),
        ("0571-88886666", "057****6666"),
        ("88886666", "****6666"),
        ("110", "***"),
        ("", ""),
    ],
)
def test_of_a_number_beginning_and_end_stay(number: str, shown: str) -> None:
    assert personal.mask_phone(number) == shown


def test_of_an_id_card_the_birthday_is_gone() -> None:
    assert personal.mask_id_card(CARD) == "330106********1234"
    assert personal.mask_id_card("330106850505123") == "330106*****5123"
    assert personal.mask_id_card("A1234567") == "****4567"


def test_those_who_keep_the_register_see_it_and_nobody_else(app: Flask) -> None:
    assert SEES == ["clerk", "manager"]
    assert Permission.SEE_PERSONAL not in of_role(SUPPORT)


@pytest.mark.parametrize("role", MASKS)
def test_it_is_masked_in_lists_details_and_exports(app: Flask, plant: Tenant, key: int, role: str) -> None:
    site = entered(app, plant, role)
    pages = [f"/customers/{key}", f"/customers/{key}?tab=changes", "/customers", "/areas/readers"]
    pages += ["/owing", "/counter?q=刘"] if role == "cashier" else []
    said = {path: site.get(path).text for path in pages}
    for path, page in said.items():
        assert (PHONE in page, CARD in page, "13700001111" in page) == (False, False, False), path
    assert (MASKED in said[f"/customers/{key}"], "330106********1234" in said[f"/customers/{key}"]) == (True, True)
    assert "137****1111" in said["/areas/readers"]
    exported = ["/customers?export=xlsx", *(["/owing?export=xlsx"] if role == "cashier" else [])]
    for path in exported:
        found = cells(site.get(path))
        assert (MASKED in found, PHONE in found) == (True, False), path


@pytest.mark.parametrize("role", SEES)
def test_it_is_in_full_for_those_who_keep_the_register(app: Flask, plant: Tenant, key: int, role: str) -> None:
    site = entered(app, plant, role)
    page = site.get(f"/customers/{key}").text
    assert (PHONE in page, CARD in page) == (True, True)
    assert PHONE in cells(site.get("/customers?export=xlsx"))
    assert "13700001111" in site.get("/areas/readers").text


def test_the_counter_shows_the_last_four_of_those_who_fit(app: Flask, plant: Tenant, key: int) -> None:
    with transaction():
        make.customer(holder="刘文", phone="13800009999")
    page = entered(app, plant, "cashier").get("/counter?q=刘文").text
    assert ("138****9999" in page, "13800009999" in page) == (True, False)
    assert "13800009999" in entered(app, plant, "manager").get("/counter?q=刘文").text


@pytest.mark.parametrize("role", MASKS)
def test_a_whole_number_or_its_end_finds_and_no_piece_of_it(app: Flask, plant: Tenant, key: int, role: str) -> None:
    site = entered(app, plant, role)
    for text, found in ((PHONE, True), ("5678", True), ("3912345", False), ("1391234", False), ("678", False)):
        assert ("刘文海" in site.get(f"/customers?q={text}").text) is found, text


@pytest.mark.parametrize("role", SEES)
def test_who_sees_it_finds_by_a_piece(app: Flask, plant: Tenant, key: int, role: str) -> None:
    assert "刘文海" in entered(app, plant, role).get("/customers?q=3912345").text


def test_the_log_of_a_customer_masks_what_it_was_too(app: Flask, plant: Tenant, key: int) -> None:
    clerk = entered(app, plant, "clerk")
    with transaction():
        from app import audit

        audit.record("changed", "customer", key, {"phone": ["13811112222", PHONE], "id_card": ["", CARD]})
    db.session.remove()
    page = entered(app, plant, "cashier").get(f"/customers/{key}?tab=changes").text
    assert ("138****2222" in page, "13811112222" in page, CARD in page) == (True, False, False)
    assert "13811112222" in clerk.get(f"/customers/{key}?tab=changes").text
