"""抄表数据 on their way in, beyond the seed plants."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.db import db
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding
from app.readings.models import Reading
from app.readings.service import review_reading
from app.web.imports import Preview
from tenants.context import Tenant
from tests import factories
from tests.intake import workbooks

HEAD = ("户号", "表号", "上期止码", "本期止码", "抄表日期", "抄表状态", "备注")
FILE = "抄表数据_2026-10.xlsx"


@pytest.fixture
def bound(plant: Tenant) -> MeterBinding:
    """Meter A1 at customer 1001, who started at 10."""
    person = factories.customer(customer_no="1001")
    return factories.binding(person, start=10, meter_id=factories.meter(meter_no="A1").id)


def given(*rows: tuple[Any, ...], **options: str) -> Preview:
    return workbooks.given("readings", HEAD, *rows, filename=FILE, **options)


def row(end: int | None = 15, kind: str | None = "实抄", meter_no: str = "A1", customer_no: str = "1001") -> Any:
    return (customer_no, meter_no, 10, end, date(2026, 10, 12), kind, None)


def stored() -> Reading:
    return db.session.scalars(select(Reading).execution_options(populate_existing=True)).one()


def test_a_meter_of_somebody_else_is_rejected_with_whose_it_is(bound: MeterBinding) -> None:
    factories.customer(customer_no="1002")
    preview = given(row(customer_no="1002"))
    assert [(r.column, r.text) for r in preview.wrong] == [
        ("户号", "户号「1002」与表号不符，这块表是户号「1001」的")
    ]  # fmt: skip


def test_a_meter_that_was_taken_off_is_rejected(bound: MeterBinding) -> None:
    bound.unbound_on = date(2026, 9, 1)
    assert "没有绑定用户" in given(row()).wrong[0].text


def test_a_stopped_meter_is_rejected(bound: MeterBinding) -> None:
    db.session.get_one(Meter, bound.meter_id).state = "stopped"
    assert "已停表" in given(row()).wrong[0].text


def test_one_meter_twice_in_a_sheet_is_rejected_once(bound: MeterBinding) -> None:
    preview = given(row(15), row(16))
    assert [(r.row, r.text) for r in preview.wrong] == [(3, "与第 2 行重复")]
    assert stored().end_reading == 15


@pytest.mark.parametrize(
    ("end", "kind", "word"),
    [
        (None, "实抄", "缺失"), (5, "未抄", "未抄不能填止码"), (100000, "实抄", "超过量程"), (-1, "实抄", "小于零"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_rejected(bound: MeterBinding, end: int | None, kind: str, word: str) -> None:
    preview = given(row(end, kind))
    assert [(r.column, word in r.text) for r in preview.wrong] == [("本期止码", True)]


def test_a_blank_state_goes_by_the_value(bound: MeterBinding) -> None:
    given(row(None, None))
    assert stored().kind == "unread"
    given(row(15, None))
    assert (stored().kind, stored().volume) == ("actual", 5)


def test_the_systems_own_start_counts_and_a_differing_one_is_told(bound: MeterBinding) -> None:
    preview = given(("1001", "A1", 12, 15, None, "实抄", None))
    assert [(r.column, r.text) for r in preview.noticed] == [("上期止码", "系统里的上期止码是 10，以系统为准")]
    assert (stored().volume, stored().read_on) == (5, date(2026, 10, 31))


def test_what_a_person_decided_is_not_overwritten(bound: MeterBinding) -> None:
    given(row(500))
    review_reading(stored(), decision="correct", end_reading=Decimal(15), by_id=None)
    preview = given(row(500))
    assert [r.text for r in preview.skipped] == ["已人工复核为 15，保留复核的结果"]
    assert stored().end_reading == 15


def test_a_value_is_not_overwritten_by_unread(bound: MeterBinding) -> None:
    given(row(15))
    assert [r.text for r in given(row(None, "未抄")).skipped] == ["已有止码 15，不用未抄覆盖"]


def test_a_new_value_before_billing_replaces_the_old(bound: MeterBinding) -> None:
    given(row(15))
    assert given(row(16)).ok == 1
    assert stored().end_reading == 16


def test_the_period_is_asked_or_read_off_the_name_the_title_or_the_dates(bound: MeterBinding) -> None:
    said = {
        "抄表数据_2026-10.xlsx": "2026-10", "2026年9月抄表.xlsx": "2026-09", "202608.xlsx": "2026-08",
        "抄表.xlsx": "2026-10",
    }  # fmt: skip
    for filename, period in said.items():
        found = workbooks.looked_at("readings", HEAD, row(), filename=filename)
        assert found.options == {"period": period}
    assert workbooks.looked_at("readings", HEAD, row(), filename=FILE, period="2026-7").options == {"period": "2026-07"}
    with pytest.raises(DomainError, match="账期"):
        workbooks.looked_at("readings", HEAD, row(), period="十月")


def test_a_dial_that_passed_zero_is_told(plant: Tenant) -> None:
    meter = factories.meter(meter_no="A9")
    factories.binding(factories.customer(customer_no="1009"), start=99980, meter_id=meter.id)
    preview = given(row(15, "实抄", "A9", "1009"))
    assert preview.figures["rollover"] == 1
    assert "用水 35 m³" in preview.noticed[-1].text
