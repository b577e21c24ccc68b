"""日结."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from app.db import db, transaction
from app.errors import DomainError
from app.payments.service.day_close import Takings, close_day, day_totals, differences
from app.payments.service.refund import refund_credit
from app.payments.service.reverse_payment import reverse_payment
from app.payments.service.take_payment import top_up
from tenants import context
from tenants.context import Tenant
from tests.payments import counter

D = Decimal
DAY = date(2026, 11, 5)


def close(cashier: int, counted: dict[str, str], day: date = DAY):
    with transaction():
        return close_day(
            cashier_id=cashier, day=day, counted={m: D(amount) for m, amount in counted.items()}, by_id=cashier
        )


def busy_day() -> tuple[int, int]:
    """A customer and a cashier whose drawer holds 13.50 in cash and 50.00 by 微信."""
    customer, bills = counter.billed(10)
    with transaction():
        cashier = counter.staff()
    with counter.on("2026-11-05"):
        counter.pay(customer, bills, "40", by_id=cashier)
        wrong = counter.put_in(customer, "100", by_id=cashier)
        counter.put_in(customer, "50", by_id=cashier, method="wechat")
        with transaction():
            reverse_payment(wrong.id, by_id=cashier, reason="收错了")
            refund_credit(customer, amount=D("20"), method="cash", by_id=cashier, reason="搬家")
    with counter.on("2026-11-06"):
        counter.put_in(customer, "7", by_id=cashier)
    counter.put_in(customer, "7")
    return customer, cashier


def test_the_drawer_s_sums_take_reversals_and_refunds_off(plant: Tenant) -> None:
    _, cashier = busy_day()
    assert day_totals(cashier, DAY) == {"cash": Takings(4, D("13.50")), "wechat": Takings(1, D("50.00"))}


def test_a_closed_day_keeps_what_was_expected_and_what_was_counted(plant: Tenant) -> None:
    _, cashier = busy_day()
    with counter.on("2026-11-05"):
        found = close(cashier, {"cash": "13.00", "wechat": "50.00"})
    assert found.expected == {"cash": "13.50", "wechat": "50.00"}
    assert found.counted == {"cash": "13.00", "wechat": "50.00"}
    assert differences(found) == {"cash": D("-0.50")}


def test_a_closed_day_takes_no_more_movements_of_this_cashier(plant: Tenant) -> None:
    customer, cashier = busy_day()
    with transaction():
        colleague = counter.staff()
    with counter.on("2026-11-05"):
        close(cashier, {"cash": "13.50", "wechat": "50"})
        with pytest.raises(DomainError, match="2026-11-05 已经日结"):
            counter.put_in(customer, "5", by_id=cashier)
        counter.put_in(customer, "5", by_id=colleague)
    with counter.on("2026-11-06"):
        counter.put_in(customer, "5", by_id=cashier)


def test_a_day_is_closed_once_and_not_before_it_has_come(plant: Tenant) -> None:
    _, cashier = busy_day()
    with counter.on("2026-11-05"):
        close(cashier, {"cash": "13.50", "wechat": "50"})
        with pytest.raises(DomainError, match="已经日结过"):
            close(cashier, {"cash": "13.50", "wechat": "50"})
        with pytest.raises(DomainError, match="还没有到"):
            close(cashier, {}, date(2026, 11, 6))


def test_every_method_that_brought_money_is_counted(plant: Tenant) -> None:
    _, cashier = busy_day()
    with counter.on("2026-11-05"):
        with pytest.raises(DomainError, match="请填写实点的微信金额"):
            close(cashier, {"cash": "13.50"})
        with pytest.raises(DomainError, match="不小于 0"):
            close(cashier, {"cash": "-1", "wechat": "50"})
        with pytest.raises(DomainError, match="没有这个收费员"):
            close(cashier + 999, {})


def test_no_movement_slips_past_the_count(app: Flask, plant: Tenant) -> None:
    """One that has begun is counted; one that begins while the day is being closed finds it closed."""
    customer, _ = counter.billed(10)
    with transaction():
        cashier = counter.staff()
    begun, ended, sentences = threading.Event(), threading.Event(), []

    def at_the_other_window() -> None:
        with app.app_context(), context.use(plant), counter.on("2026-11-05"):
            with transaction():
                top_up(customer, amount=D("10"), method="cash", by_id=cashier)
                begun.set()
                assert not ended.wait(0.5), "the day was closed over a movement"
            assert ended.wait(5)
            try:
                counter.put_in(customer, "10", by_id=cashier)
            except DomainError as error:
                sentences.append(error.message)
            db.session.remove()

    thread = threading.Thread(target=at_the_other_window)
    thread.start()
    assert begun.wait(5)
    with counter.on("2026-11-05"):
        found = close(cashier, {"cash": "10"})
    ended.set()
    thread.join()
    assert found.expected == {"cash": "10.00"}
    assert len(sentences) == 1
    assert "已经日结" in sentences[0]
