"""What is too large is refused in a sentence, and no export carries a formula that somebody typed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook

from app.billing.service import issue_bills
from app.db import transaction
from app.payments.service.take_payment import top_up
from app.staff import service as staff
from tests import factories as make
from tests.conftest import PASSWORD, Site

EVIL = "=HYPERLINK(1)"


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "htmx"])
def test_an_upload_that_is_too_large_gets_a_sentence(
    client: Site, app: Flask, monkeypatch: pytest.MonkeyPatch, accept: str, headers: dict[str, str]
) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 10_000)
    file = {"file": (BytesIO(b"x" * 20_000), "large.xlsx")}
    answer = client.post("/imports/meters", data=file, headers={"Accept": accept} | headers)
    assert answer.status_code == 413
    said = answer.json["error"] if accept == "application/json" else answer.text
    assert "文件太大，请控制在 32 MB 以内" in said


def test_the_sentence_says_what_the_limit_is(app: Flask) -> None:
    assert app.config["MAX_CONTENT_LENGTH"] == 32 * 1024 * 1024


def test_a_form_with_more_than_memory_takes_is_refused_and_nothing_stored(client: Site) -> None:
    answer = client.post("/me", data={"name": "名" * 2_000_000, "mobile": ""})
    assert answer.status_code == 413
    assert "太大" in answer.text


def everything_evil() -> None:
    with transaction():
        make.tariff(name=EVIL)
        make.quota(name=EVIL, note=EVIL)
        book = make.route(EVIL, EVIL)
        person = make.customer(customer_no="@1", holder=EVIL, address="+1+1", phone="-2", note=EVIL, route_id=book.id)
        make.reading(make.binding(person), 9, note=EVIL)
        make.meter(meter_no="=1+1", maker=EVIL, note="@SUM(1)")
        top_up(person.id, amount=Decimal(5), method="cash", by_id=None, note=EVIL)
        staff.create_staff(username="=cmd", password=PASSWORD, name=EVIL, role="reader")
    with transaction():
        issue_bills("2026-10", on=date(2026, 11, 1), by_id=None)


def test_no_export_of_any_list_carries_a_formula(client: Site, app: Flask) -> None:
    everything_evil()
    paths = ["/reports/monthly.xlsx?period=2026-10"]
    for rule in app.url_map.iter_rules():
        plain_page = "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith("/console")
        if plain_page and b'id="list-export"' in client.get(rule.rule).data:
            paths.append(f"{rule.rule}?export=xlsx")
    evil = 0
    for path in paths:
        answer = client.get(path)
        assert answer.headers["Content-Disposition"].startswith("attachment"), path
        assert answer.mimetype.endswith("spreadsheetml.sheet")
        for sheet in load_workbook(BytesIO(answer.data)).worksheets:
            cells = [cell for row in sheet.iter_rows() for cell in row]
            assert "f" not in {cell.data_type for cell in cells}, path
            evil += sum(EVIL in str(cell.value) for cell in cells)
    assert len(paths) > 8
    assert evil > 8
