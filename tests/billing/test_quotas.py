"""定额: what a customer may use at the plain price."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO

import openpyxl
from sqlalchemy import select

from app.billing.models import Bill
from app.billing.service import issue_bills
from app.customers.models import Customer
from app.db import db, transaction
from app.intake.registry import IMPORTERS
from app.tariffs.models import Quota
from app.web import imports
from tenants.context import Tenant
from tests import factories as make

BANDS = [{"up_to": "0.2", "multiplier": "2.5"}, {"up_to": "0.5", "multiplier": "3"}, {"up_to": None, "multiplier": "4"}]


def quota(value: str, cycle: str, code: str = "D009") -> Quota:
    made = Quota(
        code=code, use_category_id=make.category_id(), name="玉米", unit="立方米/亩", value=Decimal(value), cycle=cycle
    )
    db.session.add(made)
    db.session.flush()
    return made


def issue(period: str = "2026-10") -> None:
    with transaction():
        issue_bills(period, on=date(2026, 11, 1), by_id=None)


def test_a_yearly_quota_by_the_mu_is_used_up_over_the_year(plant: Tenant) -> None:
    with transaction():
        make.tariff(tier_cycle="year", charges=[{"item": "水费", "basis": "volume", "price": "1"}], over_quota=BANDS)
        person = make.customer(quota_id=quota("100", "年").id, quota_units=Decimal(10))  # 1,000 m³ a year
        bound = make.binding(person)
        make.reading(bound, 900, period="2026-09")
        make.reading(bound, 1600, start=900)
    issue("2026-09")
    issue()
    amounts = db.session.scalars(select(Bill.amount).order_by(Bill.period)).all()
    assert amounts == [Decimal("900.00"), Decimal("1900.00")]  # 100 × 1 + 200 × 2.5 + 300 × 3 + 100 × 4


def test_a_monthly_quota_by_the_head_holds_for_each_month_of_a_bill(plant: Tenant) -> None:
    with transaction():
        make.tariff(charges=[{"item": "水费", "basis": "volume", "price": "1"}], over_quota=BANDS)
        person = make.customer(quota_id=quota("2.5", "月").id, quota_units=Decimal(4))  # 10 m³ a month
        bound = make.binding(person)
        make.reading(bound, 12, period="2026-08")
        make.reading(bound, 32, start=12)
    issue("2026-08")
    issue()
    amounts = db.session.scalars(select(Bill.amount).order_by(Bill.period)).all()
    assert amounts == [Decimal("15.00"), Decimal("20.00")]  # 10 + 2 × 2.5; 20 m³ in two months


def test_the_register_gives_customers_their_quota(plant: Tenant) -> None:
    with transaction():
        wanted = quota("295", "年")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["户号", "户名", "区", "册", "水表性质", "表号", "定额编号", "定额数量"])
    sheet.append(["001", "王强", "东街", "一册", "居民生活用水", "B1", "D009", 2.5])
    sheet.append(["002", "李芳", "东街", "一册", "居民生活用水", "B2", "D999", 1])
    file = BytesIO()
    book.save(file)
    file.seek(0)
    with transaction():
        found = imports.confirm(IMPORTERS["customers"], file, {}, by_id=None, filename="用户.xlsx")
    assert [(w[0], w[1]) for w in found.as_json()["wrong"]] == [(3, "定额编号")]
    person = db.session.scalars(select(Customer)).one()
    assert (person.quota_id, person.quota_units) == (wanted.id, Decimal("2.50"))
