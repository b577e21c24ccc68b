"""合单收费."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.db import transaction
from app.errors import DomainError
from app.payments.models import Payment
from app.payments.service.consolidated import take_consolidated
from app.payments.service.day_close import close_day
from app.payments.service.reverse_payment import reverse_payment
from tenants.context import Tenant
from tests.payments import counter

D = Decimal
pytestmark = pytest.mark.usefixtures("plant")


def take(accounts: list[Any], money: str, **values: Any) -> list[Payment]:
    with transaction():
        return take_consolidated(
            accounts, **({"method": "cash", "tendered": D(money), "keep_change": False, "by_id": None} | values)
        )


def family() -> tuple[Any, Any]:
    """33.50 and 15.75 yuan."""
    return counter.billed(10), counter.billed(5)


def test_one_payment_for_several_accounts_has_a_receipt_each_and_change_once(plant: Tenant) -> None:
    one, other = family()
    first, second = take([other, one], "60")
    assert (first.customer_id, second.customer_id) == (other[0], one[0])
    assert first.batch == second.batch
    assert first.batch
    assert (first.receipt_no, second.receipt_no) == (1, 2)
    assert (first.tendered, first.received) == (D("26.50"), D("15.75"))  # 10.75 change
    assert (second.tendered, second.received) == (D("33.50"), D("33.50"))
    assert counter.books() == counter.books() | {"cash": D("49.25")}
    assert "receivable" not in counter.books()


def test_what_is_left_over_goes_to_the_first_account_s_prepayment(plant: Tenant) -> None:
    one, other = family()
    take([one, other], "50", keep_change=True, method="wechat")
    assert (counter.credit(one[0]), counter.credit(other[0])) == (D("0.75"), D("0.00"))
    assert counter.books()["wechat"] == D("50.00")


def test_too_little_pays_the_accounts_in_the_order_given(plant: Tenant) -> None:
    one, other = family()
    payments = take([other, one], "15.75")
    assert [payment.customer_id for payment in payments] == [other[0]]
    take([one], "20")
    assert counter.owed(one[0]) == [(one[1][0], D("13.50"), D(0))]
    counter.books()


def test_only_the_chosen_bills_and_today_s_late_fees_are_paid(plant: Tenant) -> None:
    one, other = counter.billed(5, 10), counter.billed(20)
    with counter.on("2026-12-05"):  # ten days late: 0.17 and 0.48
        payments = take([(one[0], one[1][1:]), other], "130.15")
    assert [(p.settled, p.late_fee) for p in payments] == [(D("33.50"), D("0.17")), (D("96.00"), D("0.48"))]
    assert [row[0] for row in counter.owed(one[0])] == one[1][:1]
    counter.books()


def test_each_of_them_is_reversed_by_itself(plant: Tenant) -> None:
    one, other = family()
    first, _ = take([one, other], "49.25")
    with transaction():
        reversal = reverse_payment(first.id, by_id=None, reason="户号错")
    assert reversal.batch == first.batch
    assert counter.owed(one[0]) == [(one[1][0], D("33.50"), D(0))]
    assert counter.owed(other[0]) == []
    counter.books()


def test_nobody_is_charged_where_it_cannot_be_done_for_all(plant: Tenant) -> None:
    one, other = family()
    with transaction():
        cashier = counter.staff()
    counter.pay(other[0], other[1], "15.75")
    for accounts, values, sentence in (
        ([one, other], {}, "已经结清"),
        ([one, one], {}, "选了两次"),
        ([one], {"method": "prepaid"}, "不能用预存"),
        ([one], {"tendered": D(0)}, "请填写实收金额"),
        ([one], {"method": "wechat", "tendered": D(90)}, "不是现金不能找零"),
    ):
        with pytest.raises(DomainError, match=sentence):
            take(accounts, "100", **values)
    with counter.on("2026-11-05"):
        with transaction():
            close_day(cashier_id=cashier, day=date(2026, 11, 5), counted={}, by_id=cashier)
        with pytest.raises(DomainError, match="已经日结"):
            take([one], "100", by_id=cashier)
    assert counter.books()["cash"] == D("15.75")
