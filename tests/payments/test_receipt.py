"""收据: what the paper says, read back from the PDF."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app.audit import AuditEntry
from app.billing.explain import explain
from app.db import db, transaction
from app.payments.models import Payment
from app.payments.receipts import receipt, record_copy
from app.payments.service.refund import refund_credit
from app.payments.service.reverse_payment import reverse_payment
from tests import factories as make
from tests.conftest import Site
from tests.payments import counter

D = Decimal
LONG = "石泉镇人民政府机关后勤服务中心职工食堂（含东街老干部活动中心和镇卫生院家属楼）"


def pages(client: Site, payment: Payment) -> list[str]:
    answer = client.get(f"/payments/{payment.id}/receipt.pdf")
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    return [re.sub(r"\s+", "", page.extract_text()) for page in PdfReader(io.BytesIO(answer.data)).pages]


def text(client: Site, payment: Payment) -> str:
    return "".join(pages(client, payment))


def paid(*volumes: int, money: str, day: str = "2026-11-20", **values: Any) -> Payment:
    customer, bills = counter.billed(*volumes)
    with counter.on(day):
        return counter.pay(customer, bills, money, **values)


def test_the_receipt_carries_number_person_lines_and_the_sum_in_words(client: Site) -> None:
    customer, bills = counter.billed(14, customer_no="07000012", holder="刘文海", address="东街 8 号")
    with counter.on("2026-11-20"):
        payment = counter.pay(customer, bills, "60", by_id=1)
    found = text(client, payment)
    for words in (
        "测试水厂", "水费收据", "2026-000001", "07000012", "刘文海", "东街8号", "人民币伍拾叁元壹角", "¥53.10",
        "2026-10", "水费（第1阶梯）", "16.00", "水费（第3阶梯）", "6.00", "污水处理费", "13.30", "水资源税", "2.80",
        "缴费方式：现金", "收到：¥60.00", "找零：¥6.90", "预存余额：¥0.00", "收款员：站长", "2026-11-2012:00", "盖章",
        "第1页/共1页",
    ):  # fmt: skip
        assert words in found, words
    assert "补打" not in found


def test_late_fee_and_kept_change_stand_on_the_receipt(client: Site) -> None:
    """Ten days late: 0.27; 100 − 53.37 = 46.63."""
    payment = paid(14, money="100", day="2026-12-05", keep_change=True)
    found = text(client, payment)
    for words in ("2026-10违约金0.27", "找零转入预存46.63", "人民币壹佰元整", "预存余额：¥46.63", "找零：¥0.00"):
        assert words in found, words


def test_part_payments_say_what_was_paid_before_and_what_is_left(client: Site) -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-11-20"):
        first = counter.pay(customer, bills, "20")
        second = counter.pay(customer, bills, "10")
        third = counter.pay(customer, bills, "23.10")
    assert "水费共53.10，本次缴20.00，还欠33.10" in text(client, first)
    assert "水费共53.10，以前已缴20.00，本次缴10.00，还欠23.10" in text(client, second)
    last = text(client, third)
    assert "水费共53.10，以前已缴30.00，本次缴23.10" in last
    assert "还欠" not in last
    assert "人民币贰拾叁元壹角" in last


def test_paid_from_prepayment_says_so(client: Site) -> None:
    customer, bills = counter.billed(14)
    counter.put_in(customer, "60")
    with counter.on("2026-11-20"):
        payment = counter.pay(customer, bills, "0", method="prepaid")
    found = text(client, payment)
    assert "缴费方式：预存抵扣" in found
    assert "预存抵扣：¥53.10" in found
    assert "预存余额：¥6.90" in found


def test_a_top_up_and_a_refund_have_receipts_of_their_own(client: Site) -> None:
    customer, _ = counter.billed(14)
    top_up = counter.put_in(customer, "325.04")
    with transaction():
        refund = refund_credit(customer, amount=D("25.04"), method="cash", by_id=1, reason="搬家")
    assert "预存水费收据" in text(client, top_up)
    assert "人民币叁佰贰拾伍元零肆分" in text(client, top_up)
    found = text(client, refund)
    assert "预存退款凭据" in found
    assert "退还预存（搬家）25.04" in found
    assert "人民币贰拾伍元零肆分" in found


def test_the_second_print_is_marked_and_both_are_in_the_log(client: Site) -> None:
    payment = paid(14, money="53.10")
    assert "补打" not in text(client, payment)
    assert "补打（第2次打印）" in text(client, payment)
    assert "补打（第 3 次打印）" in client.get(f"/payments/{payment.id}/receipt").text
    db.session.rollback()
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.entity == "payment", AuditEntry.action == "printed").order_by(AuditEntry.id)
    ).all()
    assert [(one.entity_id, one.changes["copy"], one.by_name) for one in entries] == [
        (payment.id, copy, "站长") for copy in (1, 2, 3)
    ]


def test_a_later_payment_changes_nothing_on_an_earlier_receipt(client: Site) -> None:
    customer, bills = counter.billed(10, 14)
    with counter.on("2026-11-20"):
        first = counter.pay(customer, bills[:1], "40", keep_change=True)
        before = text(client, first)
        counter.put_in(customer, "500")
        counter.pay(customer, bills[1:], "53.10")
    assert text(client, first).replace("补打（第2次打印）", "") == before


def test_a_reversed_receipt_keeps_its_number_and_is_void(client: Site) -> None:
    payment = paid(14, money="53.10")
    with counter.on("2026-11-21"), transaction():
        reverse_payment(payment.id, by_id=1, reason="收错了")
    found = text(client, payment)
    assert "已冲红作废" in found
    assert "2026-000001" in found


def test_a_long_name_wraps_and_stays_on_the_paper(client: Site) -> None:
    customer, bills = counter.billed(14, holder=LONG, address=LONG * 2)
    with counter.on("2026-11-20"):
        payment = counter.pay(customer, bills, "53.10")
    answer = client.get(f"/payments/{payment.id}/receipt.pdf")
    page = PdfReader(io.BytesIO(answer.data)).pages[0]
    edges: list[float] = []

    def edge(words: str, _cm: Any, tm: list[float], _font: Any, size: float) -> None:
        edges.append(tm[4] + sum(size * (0.6 if one.isascii() else 1) for one in words.strip()))

    page.extract_text(visitor_text=edge)
    assert LONG in re.sub(r"\s+", "", page.extract_text())
    assert max(edges) <= float(page.mediabox.width)


def heights(client: Site, payment: Payment, paper: str) -> dict[str, float]:
    """Text → how high it stands on the first page."""
    answer = client.get(f"/payments/{payment.id}/receipt.pdf?paper={paper}")
    found: dict[str, float] = {}

    def note(words: str, cm: list[float], tm: list[float], _font: Any, _size: float) -> None:
        found.setdefault(words.strip(), round(tm[4] * cm[1] + tm[5] * cm[3] + cm[5], 1))

    PdfReader(io.BytesIO(answer.data)).pages[0].extract_text(visitor_text=note)
    return found


@pytest.mark.parametrize("paper", ["a5", "roll"])
@pytest.mark.parametrize("item", ["水费", "居民生活用水阶梯水费（含水资源税和各项附加以及二次供水）"])
def test_every_line_stands_level_with_its_amount(client: Site, paper: str, item: str) -> None:
    """Lines that share a cell, and where a name is too long for that, lines with a row each."""
    first, *others = make.TIERED["charges"]
    with transaction():
        make.tariff(charges=[{**first, "item": item}, *others])
    at = heights(client, paid(14, money="53.10"), paper)
    amounts = [at[amount] for amount in ("16.00", "15.00", "6.00", "13.30", "2.80")]
    assert amounts == sorted(amounts, reverse=True)
    assert len(set(amounts)) == 5
    for name, amount in (("污水处理费", "13.30"), ("水资源税", "2.80")):
        assert next(high for words, high in at.items() if words.startswith(name)) == pytest.approx(at[amount], abs=0.5)


def test_fourteen_bills_go_over_pages_that_are_counted(client: Site) -> None:
    customer, bills = counter.billed(*[14] * 10)
    with counter.on("2026-11-20"):
        payment = counter.pay(customer, bills, "531.00")
    found = pages(client, payment)
    assert len(found) > 1
    for number, page in enumerate(found, 1):
        assert f"第{number}页/共{len(found)}页" in page
        assert "2026-000001" in page
    assert "人民币伍佰叁拾壹元整" in found[-1]


def test_a_deduction_has_no_receipt_and_a_stranger_s_number_none_either(client: Site) -> None:
    customer, _ = counter.billed(14, auto_deduct=True)
    counter.put_in(customer, "60")
    from app.payments.service.auto_deduct import deduct_prepayments

    with counter.on("2026-11-20"), transaction():
        deduct_prepayments(on=counter.ISSUED)
    deduction = db.session.scalars(select(Payment.id).where(Payment.kind == "auto_deduct")).one()
    for number in (deduction, 999999):
        for path in (f"/payments/{number}/receipt.pdf", f"/payments/{number}/receipt", f"/counter/payments/{number}"):
            assert client.get(path).status_code == 404


def test_the_page_to_print_says_the_same(client: Site) -> None:
    payment = paid(14, money="53.10")
    page = client.get(f"/payments/{payment.id}/receipt")
    assert page.headers["Cache-Control"] == "no-store"
    for words in ("2026-000001", "人民币伍拾叁元壹角", "水费（第 2 阶梯）"):
        assert words in page.text


def test_a_copy_is_counted_per_receipt(client: Site) -> None:
    first, second = paid(14, money="53.10"), paid(10, money="33.50")
    with transaction():
        found = [receipt(first.id), receipt(second.id)]
        assert [record_copy(one) for one in found if one] == [1, 1]
        assert found[0]
        assert record_copy(found[0]) == 2


def test_a_bill_is_explained_with_all_that_decided_it() -> None:
    found = explain(
        {
            "tariffs": [{"name": "居民", "version_id": 1}, {"name": "经营", "version_id": 2}],
            "lines": [
                {"item": "水费", "volume": "8", "price": "2.00", "amount": "16.00", "tariff": "居民", "tier": 1},
                {
                    "item": "水费",
                    "volume": "2",
                    "price": "4.00",
                    "multiplier": "2.5",
                    "amount": "20.00",
                    "tariff": "经营",
                },
                {"item": "污水处理费", "volume": "10", "price": "0.95", "volume_factor": "0.9", "amount": "8.55"},
                {"item": "容量水费", "quantity": "2", "price": "5.00", "amount": "10.00"},
                {"item": "最低消费补差", "amount": "1.00"},
            ],
            "months": 2,
            "used_before": "60",
            "counted": "9",
        }
    )
    assert [(part.item, part.tariff, part.terms, part.amount) for part in found.parts] == [
        ("水费", "居民", ("8 × ¥2.00",), D("16.00")),
        ("水费", "经营", ("2 × ¥4.00 × 2.5 倍（超定额）",), D("20.00")),
        ("污水处理费", "", ("10 × ¥0.95 × 0.9",), D("8.55")),
        ("容量水费", "", ("2 × ¥5.00",), D("10.00")),
        ("最低消费补差", "", (), D("1.00")),
    ]
    assert found.tariffs == ("居民", "经营")
    assert found.notes == ("按 2 个月计", "本周期此前已用 60 m³，阶梯接着算", "减免后按 9 m³ 计")
    assert make.TIERED["name"] == "居民一户一表"
