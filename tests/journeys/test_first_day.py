"""The first day at 石泉镇供水站: log in, look, charge, print, report; and nothing of it at the neighbour's."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

from flask import Flask
from playwright.sync_api import Page, expect
from pypdf import PdfReader
from sqlalchemy import select

from app.billing.models import Bill, OpenItem
from app.customers.models import Customer
from app.db import db
from app.ledger import queries as ledger
from app.payments.models import Payment
from tenants import context
from tenants.context import Tenant
from tests.journeys.conftest import fetch, figure, log_in, press


def who_owes(position: int) -> tuple[str, Decimal, int]:
    """户号, yuan owed and id of somebody who owes one bill."""
    row = db.session.execute(
        select(Customer.customer_no, OpenItem.unpaid, Customer.id)
        .join(OpenItem, OpenItem.customer_id == Customer.id)
        .join(Bill, Bill.id == OpenItem.bill_id)
        .where(Bill.volume > 0)
        .order_by(Customer.customer_no.desc())
        .offset(position)
        .limit(1)
    ).one()
    db.session.rollback()
    return tuple(row)  # type: ignore[return-value]


def pdf_text(page: Page, path: str) -> str:
    status, kind, body = fetch(page, path)
    assert (status, kind) == (200, "application/pdf")
    return "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(body)).pages)


def test_the_cashier_s_first_day(page: Page, port: int, shiquan: Tenant) -> None:
    with context.use(shiquan):
        customer_no, owed, customer_id = who_owes(3)
        cash_before = ledger.balances().get("cash", Decimal(0))
        db.session.rollback()
    home = f"http://shiquan.localhost:{port}"
    log_in(page, port, "shiquan")
    expect(page.get_by_text("2,454").first).to_be_visible()
    expect(page.get_by_text("¥78,900.00").first).to_be_visible()
    page.wait_for_timeout(800)  # the chart draws itself
    figure(page, "readme-home")

    page.goto(f"{home}/counter")
    expect(page.locator("#desk-q")).to_be_focused()
    page.keyboard.type(customer_no)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"¥{owed:,.2f}").first).to_be_visible()
    figure(page, "readme-counter")
    page.get_by_label("实收").fill(str(owed + 10))
    press(page, "F9")
    expect(page.get_by_text("收费成功")).to_be_visible()
    expect(page.get_by_text("¥10.00").first).to_be_visible()  # 找零

    with context.use(shiquan):
        paid = db.session.scalars(
            select(Payment).where(Payment.customer_id == customer_id, Payment.kind == "payment")
        ).one()
        assert (paid.received, paid.settled, paid.method) == (owed, owed, "cash")
        assert db.session.scalar(select(OpenItem.unpaid).where(OpenItem.customer_id == customer_id)) is None
        books = ledger.balances()
        assert books["cash"] == cash_before + owed
        assert ledger.imbalance() == 0
        today, number = paid.business_date, f"{paid.receipt_year}-{paid.receipt_no:06d}"
        receipt_path = f"/payments/{paid.id}/receipt.pdf"
        db.session.rollback()

    receipt = pdf_text(page, receipt_path)
    for words in (customer_no, number, f"{owed:,.2f}", "人民币"):
        assert words in receipt
    assert "补打" not in receipt
    assert "补打" in pdf_text(page, receipt_path)

    page.goto(f"{home}/reports/summary?since={today}&until={today}")
    expect(page.get_by_text("与总账一致").first).to_be_visible()
    report = pdf_text(page, f"/reports/monthly.pdf?period={today:%Y-%m}")
    assert f"{books['cash']:,.2f}" in report


def test_nothing_of_one_plant_is_had_at_the_other(page: Page, port: int, seeded: Flask, shiquan: Tenant) -> None:
    with context.use(shiquan):
        _, _, customer_id = who_owes(5)
    log_in(page, port, "shiquan")
    assert fetch(page, f"/customers/{customer_id}")[0] == 200
    cookies = {c["name"]: c["value"] for c in page.context.cookies()}  # type: ignore[typeddict-item]
    page.context.add_cookies([{"name": "qingqu", "value": cookies["qingqu"], "url": f"http://liushu.localhost:{port}"}])
    page.goto(f"http://liushu.localhost:{port}/customers/{customer_id}")
    expect(page).to_have_url(f"http://liushu.localhost:{port}/login?next=/customers/{customer_id}")
    expect(page.get_by_text("柳树村供水站").first).to_be_visible()
    page.context.clear_cookies()
    log_in(page, port, "liushu")
    for path in (f"/customers/{customer_id}", f"/payments/{10**6}/receipt.pdf"):
        assert fetch(page, path)[0] == 404


def test_the_operator_sees_both_plants(page: Page, port: int) -> None:
    from seeds.plants import PASSWORD

    page.goto(f"http://console.localhost:{port}/")
    page.get_by_label("用户名").fill("operator")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    for name, slug in (("石泉镇供水站", "shiquan"), ("柳树村供水站", "liushu")):
        page.goto(f"http://console.localhost:{port}/console/?q={slug}")
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=f"{slug}.localhost", exact=True))
        expect(row.get_by_role("link", name=name, exact=True)).to_be_visible()
    assert fetch(page, "/customers")[0] == 404
