"""The workbooks that two plants really brought: every figure that must come out, on what is reported and stored."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.db import db, transaction
from app.web.imports import Preview
from tenants import context
from tests.conftest import make_plant
from tests.intake.workbooks import EXPECTED, SEEDS, agree, taken

REGISTER = SEEDS / "shiquan" / "用户档案.xlsx"
READINGS = SEEDS / "shiquan" / "抄表数据_2026-10.xlsx"
VILLAGE = SEEDS / "liushu" / "水费登记册.xlsx"


def one(sql: str) -> Any:
    return db.session.scalar(text(sql))


@pytest.fixture(scope="class")
def shiquan(app: Flask) -> Iterator[dict[str, Preview]]:
    """石泉镇 with its register and October's readings in, and what was said about them."""
    with context.use(make_plant("石泉镇供水站")):
        with transaction():
            said = {"customers": taken("customers", REGISTER)}
        with transaction():
            said["readings"] = taken("readings", READINGS)
        yield said
        db.session.rollback()
        db.session.remove()


@pytest.fixture(scope="class")
def liushu(app: Flask) -> Iterator[dict[str, Preview]]:
    """柳树村 with its register and October's readings in."""
    with context.use(make_plant("柳树村供水站")):
        with transaction():
            said = {"customers": taken("customers", VILLAGE)}
        with transaction():
            said["readings"] = taken("readings", SEEDS / "liushu" / "抄表数据_2026-10.xlsx")
        yield said
        db.session.rollback()
        db.session.remove()


class TestShiquan:
    @pytest.fixture(autouse=True)
    def _said(self, shiquan: dict[str, Preview]) -> None:
        self.said = shiquan

    def test_the_wrong_rows_of_the_register_are_named_by_row_column_and_reason(self) -> None:
        expected = EXPECTED["石泉镇_用户档案.xlsx"]
        preview = self.said["customers"]
        assert preview.ok == expected["ok"] == one("SELECT count(*) FROM customer")
        agree(preview.wrong, expected["wrong"])
        assert preview.cleaned == []

    def test_wrong_rows_are_not_stored(self) -> None:
        for customer_no in ("17000333", "17000512", "17000700", "17000901", "17001500"):
            assert one(f"SELECT count(*) FROM customer WHERE customer_no = '{customer_no}'") == 0
        assert one("SELECT holder FROM customer WHERE customer_no = '17000001'") == "吴进兰"

    def test_meters_are_bound_and_those_without_are_not_charged_by_meter(self) -> None:
        expected = EXPECTED["石泉镇_2026-10"]
        assert one("SELECT count(*) FROM meter_binding WHERE unbound_on IS NULL") == expected["meters"]
        assert one("SELECT count(*) FROM meter") == expected["meters"]
        assert one("SELECT count(*) FROM customer WHERE NOT charged_by_meter") == expected["unmetered"]

    def test_prepaid_balances_become_an_opening_entry_in_the_ledger(self) -> None:
        opening = Decimal(EXPECTED["石泉镇_2026-10"]["opening"])
        assert one("SELECT sum(credit_balance) FROM customer") == opening
        assert one("SELECT sum(amount) FROM posting WHERE account = 'opening'") == opening
        assert one("SELECT sum(amount) FROM posting WHERE account = 'prepayment'") == -opening
        assert one("SELECT count(DISTINCT kind) FROM ledger_entry") == 1

    def test_a_customer_is_stored_as_the_register_says(self) -> None:
        row = db.session.execute(
            text("""
                SELECT c.holder, c.holder_initials, c.phone, c.address, d.name, r.name, c.route_seq, c.people,
                       u.name, c.auto_deduct, m.bore, m.meter_type, m.installed_on::text, m.dial_modulus,
                       b.start_reading, b.bound_on::text, c.credit_balance
                FROM customer c JOIN route r ON r.id = c.route_id JOIN district d ON d.id = r.district_id
                JOIN meter_binding b ON b.customer_id = c.id JOIN meter m ON m.id = b.meter_id
                JOIN use_category u ON u.id = b.use_category_id WHERE c.customer_no = '17000006'
            """)
        ).one()
        assert tuple(row) == (
            "东街幸福院6", "djxfy6", "13800001271", "东街东街一册196号", "东街", "东街一册", 6, 5,
            "非居民用水", False, "DN15", "IC卡表", "2015-06-10", Decimal(100000),
            Decimal(431), "2015-06-10", Decimal(100),
        )  # fmt: skip

    def test_a_formula_in_a_cell_is_kept_as_text(self) -> None:
        assert one("SELECT note FROM customer WHERE customer_no = '17002000'") == "=1+1"

    def test_five_areas_of_four_books_are_made(self) -> None:
        assert (one("SELECT count(*) FROM district"), one("SELECT count(*) FROM route")) == (5, 20)

    def test_the_readings_are_counted_as_the_sheet_says_and_odd_ones_are_named(self) -> None:
        expected = EXPECTED["石泉镇_抄表数据_2026-10.xlsx"]
        document = self.said["readings"].as_json()
        assert {key: document[key] for key in expected} == expected
        assert document["options"] == {"period": "2026-10"}
        assert [(r.row, r.column) for r in self.said["readings"].noticed] == [
            (601, "本期止码"),
            (901, "本期止码"),
        ]

    def test_october_holds_what_the_books_must_say(self) -> None:
        expected = EXPECTED["石泉镇_2026-10"]
        assert self.said["readings"].wrong_rows == expected["rejected"]
        assert one("SELECT count(*) FROM reading WHERE end_reading IS NOT NULL") == expected["readings"]
        assert one("SELECT count(*) FROM reading WHERE kind = 'unread'") == expected["unread"]
        assert one("SELECT count(*) FROM reading WHERE review = 'held'") == expected["held"]
        assert one("SELECT count(*) FROM reading WHERE kind = 'estimated'") == expected["estimated"]
        billable = one("SELECT sum(volume) FROM reading WHERE review = 'accepted'")
        assert billable == Decimal(expected["volume"])

    def test_a_row_whose_numbers_do_not_belong_together_is_rejected(self) -> None:
        rejected = {remark.row: remark for remark in self.said["readings"].wrong}
        assert sorted(rejected) == [97, 324, 872, 1454]
        assert all("不存在" in remark.text for remark in rejected.values())
        first = "SELECT m.meter_no FROM reading r JOIN meter_binding b ON b.id = r.binding_id JOIN meter m"
        owner = f"{first} ON m.id = b.meter_id JOIN customer c ON c.id = r.customer_id WHERE c.customer_no = '17000001'"
        assert one(owner) == "SQ170000001"

    def test_importing_both_again_changes_nothing(self) -> None:
        tables = ("customer", "meter", "meter_binding", "reading", "payment", "posting", "audit_entry", "route")
        before = {table: one(f"SELECT count(*) FROM {table}") for table in tables}
        with transaction():
            customers, readings = taken("customers", REGISTER), taken("readings", READINGS)
        assert (customers.ok, len(customers.skipped), customers.wrong_rows) == (0, 2454, 6)
        assert (readings.ok, len(readings.skipped), readings.wrong_rows) == (0, 2370, 4)
        assert {table: one(f"SELECT count(*) FROM {table}") for table in tables} == before


class TestLiushu:
    @pytest.fixture(autouse=True)
    def _said(self, liushu: dict[str, Preview]) -> None:
        self.said = liushu

    def test_wrong_and_tidied_rows_of_the_register_are_named(self) -> None:
        expected = EXPECTED["柳树村_水费登记册.xlsx"]
        preview = self.said["customers"]
        assert preview.ok == expected["ok"] == one("SELECT count(*) FROM customer")
        agree(preview.wrong, expected["wrong"])
        agree(preview.cleaned, expected["cleaned"])

    def test_titles_empty_rows_and_footers_are_no_rows(self) -> None:
        assert self.said["customers"].rows == 312

    def test_tidied_values_are_stored_tidy(self) -> None:
        holder = "SELECT c.holder FROM customer c WHERE customer_no = '0091'"
        meter = "SELECT m.meter_no FROM meter m JOIN meter_binding b ON b.meter_id = m.id JOIN customer c"
        assert one(holder) == "罗守佑"
        assert one(f"{meter} ON c.id = b.customer_id WHERE c.customer_no = '0121'") == "00623120"
        assert one("SELECT phone FROM customer WHERE customer_no = '0151'") == "13800000044"

    def test_a_house_without_meter_is_charged_without_one(self) -> None:
        row = db.session.execute(
            text("SELECT holder, charged_by_meter, people FROM customer WHERE customer_no = '0251'")
        ).one()
        assert tuple(row) == ("吴世栋", False, 4)
        assert one("SELECT count(*) FROM meter_binding") == 308

    def test_what_the_layout_lacks_comes_from_the_sheet_and_the_defaults(self) -> None:
        assert one("SELECT d.name || '/' || r.name FROM route r JOIN district d ON d.id = r.district_id") == (
            "柳树村/一册"
        )
        assert one("SELECT DISTINCT u.name FROM customer c JOIN use_category u ON u.id = c.use_category_id") == (
            "居民生活用水"
        )
        assert one("SELECT max(opened_on)::text FROM customer") == "2000-01-01"
        assert one("SELECT count(*) FROM meter WHERE installed_on IS NOT NULL") == 0

    def test_its_readings_all_find_their_meters(self) -> None:
        readings = self.said["readings"]
        assert (readings.rows, readings.ok, readings.wrong_rows) == (308, 308, 0)
        assert readings.figures == {
            "actual": 306, "estimated": 0, "unread": 2, "rollover": 0, "backwards": 0, "high": 0,
        }  # fmt: skip
