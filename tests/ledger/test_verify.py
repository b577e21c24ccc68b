"""`flask ledger verify`: right books say nothing, and whatever is tampered with is named."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text

from app.db import db
from app.payments.verify import Difference, verify
from tenants.context import Tenant
from tenants.session import engine, quoted
from tests.payments import counter

D = Decimal


def books_of_a_month() -> tuple[int, list[int]]:
    customer, bills = counter.billed(5, 10)
    with counter.on("2026-11-05"):
        counter.pay(customer, bills[:1], "20", keep_change=True)
    with counter.on("2026-12-05"):
        counter.pay(customer, bills[1:], "10")
    return customer, bills


def tamper(plant: Tenant, statement: str) -> None:
    """Change what the plant's role may not change: as the owner of its tables."""
    db.session.rollback()
    with engine().begin() as connection:
        connection.execute(text(f"SET LOCAL search_path = {quoted(plant.schema)}"))
        assert connection.execute(text(statement)).rowcount


TAMPERED = {
    "UPDATE posting SET amount = amount + 1 WHERE account = 'cash' AND amount = 20": {"entry", "account"},
    "UPDATE posting SET account = 'bank' WHERE account = 'cash'": {"account"},
    "UPDATE posting SET account = 'revenue:排污费' WHERE account = 'revenue:污水处理费'": {"account"},
    "UPDATE ledger_entry SET business_date = '2026-11-06' WHERE kind = 'payment'": {"account"},
    "UPDATE bill SET amount = amount + 1 WHERE period = '2026-10'": {"account", "bill lines", "open item"},
    "UPDATE settlement SET amount = amount - 1 WHERE amount > 1": {"settlement", "open item"},
    "UPDATE payment SET late_fee = late_fee + 1, settled = settled - 1 WHERE settled > 1": {"account", "settlement"},
    "UPDATE payment SET received = received + 1, credit_delta = credit_delta + 1": {"account", "prepayment"},
    "UPDATE open_item SET unpaid = unpaid - 1": {"open item"},
    "DELETE FROM open_item": {"open item"},
    "UPDATE customer SET credit_balance = credit_balance + 1": {"prepayment"},
    "UPDATE payment SET receipt_no = 7 WHERE receipt_no = 2": {"receipts", "receipt counter"},
    "UPDATE setting SET value = '9' WHERE key = 'receipt:2026'": {"receipt counter"},
}


def test_right_books_have_no_differences(plant: Tenant) -> None:
    books_of_a_month()
    assert verify() == []


@pytest.mark.parametrize("statement", TAMPERED)
def test_what_was_tampered_with_is_found(plant: Tenant, statement: str) -> None:
    books_of_a_month()
    tamper(plant, statement)
    assert {one.check for one in verify()} == TAMPERED[statement]


def test_a_difference_says_where_and_how_much(plant: Tenant) -> None:
    books_of_a_month()
    tamper(plant, "UPDATE posting SET amount = amount + 1 WHERE account = 'cash' AND amount = 20")
    assert verify()[0] == Difference("account", "2026-11-05 cash", D("20.00"), D("21.00"))


def test_the_balances_of_any_day_can_be_asked_for(app: Flask, plant: Tenant) -> None:
    books_of_a_month()
    db.session.rollback()
    runner = app.test_cli_runner()

    def balances(*more: str) -> dict[str, str]:
        result = runner.invoke(args=["ledger", "verify", "--plant", plant.slug, "--json", *more])
        assert result.exit_code == 0, result.output
        found = json.loads(result.output)
        assert found["differences"] == []
        return found["balances"]

    revenue = {"revenue:水费": "-32.00", "revenue:污水处理费": "-14.25", "revenue:水资源税": "-3.00"}
    assert balances("--date", "2026-10-31") == {}
    assert balances("--date", "2026-11-01") == {"receivable": "49.25"} | revenue
    assert balances("--date", "2026-11-05") == {
        "cash": "20.00", "prepayment": "-4.25", "receivable": "33.50"
    } | revenue  # fmt: skip
    assert balances()["cash"] == "30.00"


def test_a_difference_of_a_later_day_is_not_one_before(plant: Tenant) -> None:
    books_of_a_month()
    tamper(plant, "UPDATE posting SET amount = amount + 1 WHERE account = 'cash' AND amount = 20")
    assert [one.what for one in verify(until=date(2026, 11, 5)) if one.check == "account"] == ["2026-11-05 cash"]
    assert [one for one in verify(until=date(2026, 11, 4)) if one.check == "account"] == []


def test_the_command_ends_with_1_where_something_differs(app: Flask, plant: Tenant) -> None:
    books_of_a_month()
    tamper(plant, "UPDATE open_item SET unpaid = unpaid - 1")
    result = app.test_cli_runner().invoke(args=["ledger", "verify", "--plant", plant.slug])
    assert result.exit_code == 1
    assert "1 处不符" in result.output
    assert "open item" in result.output
