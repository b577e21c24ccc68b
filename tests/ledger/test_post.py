"""Posting: entries and postings are one statement, which says what it has stored."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D

import pytest
from sqlalchemy import func, select

from app.db import db, transaction
from app.ledger.models import LedgerEntry, Posting
from app.ledger.service import Batch, Line, Unbalanced, post
from tenants.context import Tenant

DAY = date(2026, 11, 1)


def entry(*amounts: str, source: int | None = None) -> Batch:
    return Batch(tuple(Line(f"account {n}", D(amount), n) for n, amount in enumerate(amounts)), source)


def test_an_entry_that_does_not_sum_to_zero_stores_nothing(plant: Tenant) -> None:
    with pytest.raises(Unbalanced, match=r"off by 0\.01"), transaction():
        post("payment", [entry("20", "-20"), entry("20.01", "-20")], on=DAY, by_id=None)
    assert db.session.scalar(select(func.count()).select_from(LedgerEntry)) == 0
    assert db.session.scalar(select(func.count()).select_from(Posting)) == 0


def test_the_numbers_come_in_the_order_of_the_batches_and_nothing_is_posted_for_zero(plant: Tenant) -> None:
    with transaction():
        ids = post(
            "bills", [entry("5", "-5", "0", source=7), entry("0"), entry("1", "2", "-3", source=8)], on=DAY, by_id=None
        )
    rows = db.session.execute(
        select(LedgerEntry.id, LedgerEntry.source_id, Posting.account, Posting.route_id, Posting.amount)
        .join(Posting, Posting.entry_id == LedgerEntry.id)
        .order_by(Posting.id)
    ).all()
    assert [tuple(row) for row in rows] == [
        (ids[0], 7, "account 0", 0, D("5.00")), (ids[0], 7, "account 1", 1, D("-5.00")),
        (ids[1], 8, "account 0", 0, D("1.00")), (ids[1], 8, "account 1", 1, D("2.00")), (ids[1], 8, "account 2", 2, D("-3.00")),
    ]  # fmt: skip
