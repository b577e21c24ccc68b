"""月报 (figures 10.1-3, 10.1-4). 14 m³ cost 53.10 yuan, 8 m³ 25.20."""

from __future__ import annotations

import io
import re
from decimal import Decimal

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from app.db import db, transaction
from app.ledger import queries as ledger
from app.ledger.models import LedgerEntry, Posting
from app.payments.opening import post_opening_balances
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.reverse_payment import reverse_payment
from app.reports.monthly import MonthlyReport, monthly_report
from app.reports.monthly_sheet import BY_DATE, BY_PERIOD, row_of
from app.reports.service import build_summaries
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import Site
from tests.payments import counter

D = Decimal


def numbers(report: MonthlyReport, name: str) -> dict[str, Decimal]:
    """A line's numbers by heading; 合计, or a book."""
    line = report.total if name == "合计" else next(one for one in report.lines if one.name == name)
    keys = [*BY_PERIOD, *("出账" if key == "出账应收" else key for key in BY_DATE)]
    return dict(zip(keys, row_of(line), strict=True))


@pytest.fixture
def november(plant: Tenant) -> int:
    """October's bills, issued and partly paid in November; an opening balance in October. Returns the west's account."""
    with transaction():
        make.tariff()
        west = make.route("西街一册", "西街").id
    with counter.on("2026-10-05"):
        early, _ = counter.billed(8, route_id=west, auto_deduct=True)
        with transaction():
            post_opening_balances([(early, D("20.00"))], on=counter.date(2026, 10, 5), by_id=None)
    east, bills = counter.billed(14)
    with counter.on("2026-11-01"), transaction():
        deduct_prepayments(on=counter.ISSUED)
    with counter.on("2026-11-20"):
        counter.pay(east, bills, "30", method="wechat")
        counter.put_in(east, "100", method="cash")
        counter.pay(early, counter.bills_of(early), "10", keep_change=True)
    return early


def test_the_period_s_columns_say_what_its_bills_ask_for_and_lack(november: int) -> None:
    found = numbers(monthly_report("2026-10"), "合计")
    assert [found[key] for key in BY_PERIOD] == [2, D(22), D("78.30"), D("55.20"), D("23.10")]
    assert [found[key] for key in ("出账", "现金", "微信", "实收合计", "预存抵扣")] == [D("0.00")] * 5


def test_the_date_s_columns_say_what_was_posted_in_the_month(november: int) -> None:
    """Cash 100 topped up and 10 with 4.80 kept; 20.00 deducted; prepayment 100 + 4.80 − 20."""
    report = monthly_report("2026-11")
    found = numbers(report, "合计")
    assert (found["户数"], found["应收"]) == (0, D("0.00"))
    assert found | {
        "出账": D("78.30"), "现金": D("110.00"), "微信": D("30.00"), "支付宝": D("0.00"), "银行转账": D("0.00"),
        "实收合计": D("140.00"), "预存抵扣": D("20.00"), "违约金": D("0.00"), "减免": D("0.00"), "预存变动": D("84.80"),
    } == found  # fmt: skip
    west = numbers(report, "西街一册")
    assert (west["出账"], west["现金"], west["预存抵扣"], west["预存变动"]) == (
        D("25.20"), D("10.00"), D("20.00"), D("-15.20"),
    )  # fmt: skip


@pytest.mark.parametrize("period", ["2026-10", "2026-11", "2026-12"])
def test_the_totals_equal_the_ledger(november: int, period: str) -> None:
    report = monthly_report(period)
    assert [check for check in report.checks if not check.agrees] == []
    assert report.agrees


def test_the_ledger_s_section_carries_from_month_to_month(november: int) -> None:
    october, november_ = monthly_report("2026-10"), monthly_report("2026-11")
    after = {line.name: line.after for line in october.ledger}
    assert after == {"预存": D("-20.00"), "期初": D("20.00")}
    for line in november_.ledger:
        assert line.before == after.get(line.name, D("0.00"))
    balances = ledger.balances()
    closing = {line.name: line.after for line in november_.ledger}
    assert closing["应收水费"] == balances["receivable"] == D("23.10")
    assert closing["现金"] == balances["cash"] == D("110.00")
    assert sum(closing.values()) == 0
    assert sum(line.debit for line in november_.ledger) == sum(line.credit for line in november_.ledger)


def test_the_report_agrees_with_cache_and_without_after_a_reversal(november: int) -> None:
    with counter.on("2026-11-25"):
        payment = counter.put_in(november, "7")
        with transaction():
            build_summaries()
            reverse_payment(payment.id, by_id=None, reason="收错了")
    report = monthly_report("2026-11")
    assert report.agrees
    assert numbers(report, "合计")["现金"] == D("110.00")


def test_a_posting_without_its_record_is_found_out(november: int) -> None:
    with transaction():
        entry = LedgerEntry(business_date=counter.date(2026, 11, 9), kind="payment", at=make.clock.now())
        db.session.add(entry)
        db.session.flush()
        route = make.route().id
        db.session.add(Posting(entry_id=entry.id, account="cash", route_id=route, amount=D("1.00")))
        db.session.add(Posting(entry_id=entry.id, account="late_fee", route_id=route, amount=D("-1.00")))
    report = monthly_report("2026-11")
    assert not report.agrees
    assert [(one.name, one.ledger - one.report) for one in report.checks if not one.agrees] == [
        ("实收现金", D("1.00")),
        ("违约金", D("1.00")),
    ]


def test_page_pdf_and_workbook_carry_the_same_numbers(client: Site, november: int) -> None:
    page = re.sub(r"<[^>]+>|\s+", "", client.get("/reports/monthly?period=2026-11").text)
    pdf = PdfReader(io.BytesIO(client.get("/reports/monthly.pdf?period=2026-11").data))
    paper = re.sub(r"\s+", "", "".join(one.extract_text() for one in pdf.pages))
    answer = client.get("/reports/monthly.xlsx?period=2026-11")
    book = load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames == ["分册", "总账", "核对"]
    rows = {row[0]: row[1:] for row in book["分册"].iter_rows(min_row=4, values_only=True)}
    report = monthly_report("2026-11")
    assert [D(str(value)) for value in rows["合计"]] == row_of(report.total)
    for text in (page, paper):
        for words in ("测试水厂", "2026年11月水费月报", "78.30", "110.00", "140.00", "84.80", "报表与总账核对：一致"):
            assert words in text, words
    assert f"第{len(pdf.pages)}页/共{len(pdf.pages)}页" in paper
    accounts = {row[0]: row[4] for row in book["总账"].iter_rows(min_row=3, values_only=True)}
    assert D(str(accounts["应收水费"])) == D("23.1")
    assert "2026%E5%B9%B411%E6%9C%88" in answer.headers["Content-Disposition"]


def test_a_book_named_like_a_formula_stays_text(client: Site, plant: Tenant) -> None:
    with transaction():
        make.route("=1+1", "")
    book = load_workbook(io.BytesIO(client.get("/reports/monthly.xlsx?period=2026-11").data))
    assert book["分册"]["A4"].data_type == "s"
    assert book["分册"]["A4"].value == "=1+1"


def test_an_empty_plant_and_a_wrong_period_have_a_report_too(client: Site) -> None:
    for path in (
        "/reports/monthly",
        "/reports/monthly?period=2026-13",
        "/reports/monthly.pdf",
        "/reports/monthly.xlsx",
    ):
        assert client.get(path).status_code == 200
