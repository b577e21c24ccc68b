"""Customers on their way in, beyond the seed plants."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select, text

from app.customers.models import Customer
from app.db import db, transaction
from app.errors import DomainError
from app.metering.models import Meter, MeterBinding
from tenants.context import Tenant
from tests import factories
from tests.intake.workbooks import given, looked_at

HEAD = ("户号", "户名", "区", "册", "水表性质", "表号", "底数")
VILLAGE = ("序号", "户主姓名", "表号", "电话")


def row(customer_no: object = "1001", meter_no: object = "A1", start: object = 0) -> tuple[object, ...]:
    return (customer_no, "刘文海", "东街", "一册", "居民生活用水", meter_no, start)


def test_a_preview_stores_nothing(plant: Tenant) -> None:
    assert looked_at("customers", HEAD, row()).ok == 1
    assert db.session.scalars(select(Customer)).all() == []


def test_all_errors_of_a_row_are_told_and_the_row_counts_once(plant: Tenant) -> None:
    preview = looked_at("customers", HEAD, ("1001", None, "东街", "一册", "洗澡用水", "A1", -3))
    assert [(r.column, r.text.partition("，")[0]) for r in preview.wrong] == [
        ("户名", "缺失"), ("水表性质", "「洗澡用水」不存在"), ("底数", "-3 小于零"),
    ]  # fmt: skip
    assert (preview.wrong_rows, preview.ok) == (1, 0)


def test_rows_are_numbered_as_the_sheet_shows_them(plant: Tenant) -> None:
    preview = looked_at("customers", ("花名册",), (), HEAD, row("1001", "A1"), (), row("1001", "A2"))
    assert [(r.row, r.text) for r in preview.wrong] == [(6, "「1001」与第 4 行重复")]


def test_a_number_taken_by_somebody_else_is_refused_and_ones_own_is_skipped(plant: Tenant) -> None:
    factories.customer(customer_no="1001", holder="王小二")
    factories.customer(customer_no="1002", holder="刘文海")
    preview = given("customers", HEAD, row("1001", "A1"), row("1002", "A2"))
    assert "已由「王小二」使用" in preview.wrong[0].text
    assert [(r.row, r.column) for r in preview.skipped] == [(3, "户号")]


def test_a_meter_that_hangs_elsewhere_is_refused(plant: Tenant) -> None:
    bound = factories.binding(factories.customer(customer_no="2001"))
    meter_no = db.session.get_one(Meter, bound.meter_id).meter_no
    preview = given("customers", HEAD, row("1001", meter_no))
    assert preview.wrong[0].column == "表号"
    assert "已绑定给户号「2001」" in preview.wrong[0].text


def test_a_meter_in_store_is_bound_as_it_is(plant: Tenant) -> None:
    meter = factories.meter(meter_no="A1", dial_modulus=Decimal(10000), bore="DN25")
    preview = given("customers", HEAD, row("1001", "A1", 20), row("1002", "A2", 0))
    assert preview.stored is not None
    assert preview.stored["meters"] == 2
    bound = db.session.scalars(select(MeterBinding).where(MeterBinding.meter_id == meter.id)).one()
    assert (bound.start_reading, meter.bore) == (20, "DN25")
    assert "超过量程" in looked_at("customers", HEAD, row("1003", "A3", 123456)).wrong[0].text


def test_a_dial_written_as_its_range_or_its_modulus_means_the_same(plant: Tenant) -> None:
    head = (*HEAD, "量程")
    given("customers", head, (*row("1", "A1"), 99999), (*row("2", "A2"), 100000), (*row("3", "A3"), 9999))
    found = dict(db.session.execute(select(Meter.meter_no, Meter.dial_modulus)).all())
    assert found == {"A1": 100000, "A2": 100000, "A3": 10000}


def test_not_charged_by_meter_means_no_meter_even_with_a_number(plant: Tenant) -> None:
    preview = given("customers", (*HEAD, "是否抄表水费"), (*row(), "否"))
    assert [(r.column, r.text) for r in preview.cleaned] == [("表号", "不抄表水费：表号没有导入")]
    assert db.session.scalars(select(Meter)).all() == []


def test_a_village_without_numbers_gets_them_from_its_order(plant: Tenant) -> None:
    given("customers", VILLAGE, (1, "刘文海", "01", None), (12, "王小二", None, None), people="3", route="二组")
    found = db.session.execute(select(Customer.customer_no, Customer.people).order_by(Customer.customer_no)).all()
    assert [tuple(r) for r in found] == [("0001", 3), ("0012", 3)]


def test_a_second_village_asks_for_a_prefix_and_takes_it(plant: Tenant) -> None:
    given("customers", VILLAGE, (1, "刘文海", "01", None))
    second = (VILLAGE, (1, "王小二", "02", None))
    assert "请填写户号前缀" in looked_at("customers", *second).wrong[0].text
    given("customers", *second, prefix="02", district="杨树村")
    assert set(db.session.scalars(select(Customer.customer_no))) == {"0001", "020001"}


@pytest.mark.parametrize(
    ("option", "value"), [("use_category", "洗澡用水"), ("people", "很多"), ("since", "去年"), ("people", "-1")]
)
def test_a_wrong_answer_in_the_form_is_named(plant: Tenant, option: str, value: str) -> None:
    with pytest.raises(DomainError) as refused:
        looked_at("customers", VILLAGE, (1, "刘文海", "01", None), **{option: value})
    assert refused.value.field == option


def test_lower_case_meter_numbers_are_the_same_as_capitals(plant: Tenant) -> None:
    preview = looked_at("customers", HEAD, row("1001", "sq1"), row("1002", "SQ1"))
    assert "与第 2 行重复" in preview.wrong[0].text


def test_a_wrong_row_is_not_said_to_have_been_tidied(plant: Tenant) -> None:
    preview = looked_at("customers", HEAD, ("1001", " 刘 文海", "东街", "一册", "洗澡用水", "A1", 0))
    assert (preview.cleaned, preview.wrong_rows) == ([], 1)


def test_after_many_rows_the_server_knows_how_many_there_are(plant: Tenant) -> None:
    """So that a list opened right after the import is not planned for empty tables."""
    with transaction():
        given("customers", HEAD, *(row(str(i), f"A{i}") for i in range(1000, 2000)))
    known = text("SELECT reltuples FROM pg_class WHERE oid IN ('customer'::regclass, 'meter_binding'::regclass)")
    assert db.session.scalars(known).all() == [1000, 1000]
