"""开账 on the screen: preview, issue, look, take back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.billing.models import Bill, OpenItem
from app.billing.service import issue_bills
from app.db import db, transaction
from app.ledger import queries as ledger
from app.staff import service as staff
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter

D = Decimal
ISSUE = {"period": "2026-10", "route": ""}


@pytest.fixture
def month(plant: Tenant) -> None:
    """Two accounts in two books, 14 m³ for 53.10 and 8 m³ for 25.20; a third reading waits for a decision."""
    with transaction():
        make.tariff()
        make.used(14, holder="石泉镇人民政府机关后勤服务中心职工食堂")
        make.used(8, route_id=make.route("西街一册", "西街").id)
        make.reading(make.binding(), 900, review="held", held_for="high")


def bills() -> int:
    """How many are stored."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Bill)) or 0


@pytest.mark.usefixtures("month")
def test_a_preview_shows_totals_and_the_oddest_and_stores_nothing(client: Site) -> None:
    shown = client.get("/bills/preview?period=2026-10").text
    assert "¥78.30" in shown
    assert "石泉镇人民政府机关后勤服务中心职工食堂" in shown
    assert "还有 1 条读数待复核" in shown
    assert "没有历史" in shown
    assert bills() == 0


@pytest.mark.usefixtures("month")
def test_issuing_twice_bills_once(client: Site) -> None:
    for _ in range(2):
        assert client.post("/bills/issue", data=ISSUE).status_code == 302
    assert bills() == 2
    assert ledger.balances()["receivable"] == D("78.30")
    shown = client.get("/bills/?period=2026-10").text
    assert "没有新的账单" in shown
    assert "¥78.30" in shown


@pytest.mark.usefixtures("month")
def test_one_book_is_issued_by_itself(client: Site) -> None:
    book = make.route("西街一册", "西街").id
    db.session.rollback()
    client.post("/bills/issue", data=ISSUE | {"route": str(book)})
    assert bills() == 1
    assert ledger.balances()["receivable"] == D("25.20")
    assert "西街一册" in client.get("/bills/").text


@pytest.mark.usefixtures("month")
def test_a_run_is_taken_back_with_a_reason(client: Site) -> None:
    client.post("/bills/issue", data=ISSUE)
    refused = client.post("/bills/runs/1/undo", data={"reason": ""})
    assert refused.status_code == 422
    assert "请写明为什么撤销" in refused.text
    assert client.post("/bills/runs/1/undo", data={"reason": "东街一册抄错"}).status_code == 302
    assert db.session.scalar(select(func.count()).select_from(OpenItem)) == 0
    assert set(ledger.balances().values()) == {D("0.00")}
    shown = client.get("/bills/").text
    assert "撤销成功：2 张账单已冲回" in shown
    assert "已撤销" in shown


@pytest.mark.usefixtures("month")
def test_a_run_that_somebody_paid_for_stays_and_what_was_typed_too(client: Site) -> None:
    with transaction():
        run = issue_bills("2026-10", on=date(2026, 11, 1), by_id=None)
    bill = db.session.scalars(select(Bill).order_by(Bill.amount)).first()
    assert bill
    counter.pay(bill.customer_id, [bill.id], "25.20")
    refused = client.post(f"/bills/runs/{run.run_id}/undo", data={"reason": "抄错"})
    assert refused.status_code == 422
    assert "已经收过款" in refused.text
    assert "抄错" in refused.text
    assert bills() == 2


@pytest.mark.usefixtures("month")
def test_a_cashier_sees_runs_but_issues_none(client: Site, site: Site) -> None:
    client.post("/bills/issue", data=ISSUE)
    with transaction():
        staff.create_staff(username="fang", password=PASSWORD, name="王芳", role="cashier")
    client.post("/logout")
    site.log_in("fang")
    assert site.get("/bills/").status_code == 200
    assert site.get("/bills/runs/1").status_code == 200
    assert "预览账单" not in site.get("/bills/").text
    for answer in (site.get("/bills/preview"), site.post("/bills/issue", data=ISSUE), site.get("/bills/runs/1/undo")):
        assert answer.status_code == 403


@pytest.mark.usefixtures("plant")
def test_a_month_without_a_standard_says_what_to_do(client: Site) -> None:
    with transaction():
        make.used(14)
    client.get("/bills/preview?period=2026-10")
    assert "没有可用的收费标准，请先到「水费收费标准」新增" in client.get("/bills/").text
