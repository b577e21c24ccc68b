"""Rows staged in a temporary table: the same whether they travel with the statement or by COPY."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from sqlalchemy import text

from app.db import db, transaction
from app.staging import FEW, stage
from tenants.context import Tenant

COLUMNS = {"n": "bigint", "amount": "numeric(14,2)", "words": "text", "document": "jsonb"}


@pytest.mark.parametrize("count", [0, 1, FEW - 1, FEW, FEW + 1, 2 * FEW])
def test_every_row_arrives_once_however_many_there_are(plant: Tenant, count: int) -> None:
    rows = [(n, D(n) / 4, None if n % 3 else f'「{n}」, "a" \\ b', f'{{"n": "{n}"}}') for n in range(count)]
    with transaction():
        stage("seen", COLUMNS, iter(rows[:1]))
        assert stage("seen", COLUMNS, iter(rows)) == count  # the one before is gone
        found = db.session.execute(text("SELECT n, amount, words, document ->> 'n' FROM seen ORDER BY n")).all()
    assert [tuple(row) for row in found] == [(n, amount, words, str(n)) for n, amount, words, _ in rows]
