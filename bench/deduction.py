"""`bin/bench deduction --customers 50000`: 自动扣费 of a plant against the writing it comes down to.

Everybody has a prepayment that pays the oldest bill and part of the next. Raw is the same finished rows inserted, and
the same balances and open items set, from tables that hold them already.
"""

from __future__ import annotations

import argparse
import json
import statistics

from sqlalchemy import text

from app.db import db, transaction
from app.payments.service.auto_deduct import deduct_prepayments
from bench import ground
from bench.ground import NIGHT, script, timed_batch
from embedded.postgres import Postgres
from tenants import context
from tenants.context import Tenant
from tenants.session import quoted

TABLES = ("payment", "settlement", "ledger_entry", "posting", "open_item", "customer")
BEFORE = """
    DROP SCHEMA IF EXISTS before CASCADE;
    CREATE SCHEMA before;
    CREATE TABLE before.customer AS SELECT id, credit_balance FROM {s}.customer;
    CREATE TABLE before.open_item AS SELECT * FROM {s}.open_item;
    CREATE TABLE before.entry AS SELECT max(id) AS id FROM {s}.ledger_entry;
    ALTER TABLE before.customer ADD PRIMARY KEY (id);
"""
AFTER = """
    DROP SCHEMA IF EXISTS after CASCADE;
    CREATE SCHEMA after;
    CREATE TABLE after.payment AS SELECT * FROM {s}.payment WHERE kind = 'auto_deduct';
    CREATE TABLE after.settlement AS SELECT * FROM {s}.settlement WHERE payment_id IN (SELECT id FROM after.payment);
    CREATE TABLE after.ledger_entry AS SELECT * FROM {s}.ledger_entry WHERE id > (SELECT id FROM before.entry);
    CREATE TABLE after.posting AS SELECT * FROM {s}.posting WHERE entry_id IN (SELECT id FROM after.ledger_entry);
    CREATE TABLE after.customer AS SELECT id, credit_balance FROM {s}.customer;
    CREATE TABLE after.gone AS SELECT customer_id, bill_id FROM before.open_item
        EXCEPT SELECT customer_id, bill_id FROM {s}.open_item;
    CREATE TABLE after.changed AS SELECT o.* FROM {s}.open_item o
        JOIN before.open_item b USING (customer_id, bill_id)
        WHERE (o.unpaid, o.late_fee, o.accrued_to) IS DISTINCT FROM (b.unpaid, b.late_fee, b.accrued_to);
    ANALYZE after.payment;
    ANALYZE after.settlement;
    ANALYZE after.customer;
    ANALYZE after.gone;
    ANALYZE after.changed;
"""
RAW = (
    *(f"INSERT INTO {{s}}.{t} SELECT * FROM after.{t}" for t in ("payment", "settlement", "ledger_entry", "posting")),
    "UPDATE {s}.customer c SET credit_balance = a.credit_balance FROM after.customer a WHERE a.id = c.id",
    "DELETE FROM {s}.open_item o USING after.gone g WHERE (g.customer_id, g.bill_id) = (o.customer_id, o.bill_id)",
    """UPDATE {s}.open_item o SET unpaid = c.unpaid, late_fee = c.late_fee, accrued_to = c.accrued_to
       FROM after.changed c WHERE (c.customer_id, c.bill_id) = (o.customer_id, o.bill_id)""",
)
UNDO = """
    DELETE FROM {s}.posting WHERE entry_id > (SELECT id FROM before.entry);
    DELETE FROM {s}.ledger_entry WHERE id > (SELECT id FROM before.entry);
    DELETE FROM {s}.settlement;
    DELETE FROM {s}.payment;
    DELETE FROM {s}.open_item;
    INSERT INTO {s}.open_item SELECT * FROM before.open_item;
    UPDATE {s}.customer c SET credit_balance = b.credit_balance FROM before.customer b WHERE b.id = c.id;
"""


def run_once(customers: int) -> float:
    """Seconds of one whole deduction of the plant in force."""

    def run() -> None:
        with transaction():
            found = deduct_prepayments(on=NIGHT)
        assert found.customers == customers

    return ground.seconds(run)


def put_in() -> None:
    """Everybody has 40 yuan and lets them be taken."""
    with transaction():
        db.session.execute(text("UPDATE customer SET auto_deduct = true, credit_balance = 40"))


def measure(postgres: Postgres, tenant: Tenant, customers: int, rounds: int) -> dict[str, float]:
    """The run against raw writing, in turn: medians of their seconds and of their ratios."""
    s = quoted(tenant.schema)
    settled = [f"{s}.{table}" for table in TABLES]
    put_in()
    script(postgres, BEFORE.format(s=s))
    ground.settle_disk(postgres, *settled)
    runs, raws = [], []
    for turn in range(rounds):
        runs.append(run_once(customers))
        if turn == 0:
            script(postgres, AFTER.format(s=s))
        _undo(postgres, s, settled)
        raws.append(timed_batch(postgres, [statement.format(s=s) for statement in RAW]))
        _undo(postgres, s, settled)
    ratios = [run / raw for run, raw in zip(runs, raws, strict=True)]
    return {"run": statistics.median(runs), "raw": statistics.median(raws), "ratio": statistics.median(ratios)}


def _undo(postgres: Postgres, s: str, tables: list[str]) -> None:
    script(postgres, UNDO.format(s=s))
    ground.settle_disk(postgres, *tables)


def growth(sizes: dict[int, Tenant]) -> float:
    """Time per customer in the larger plant over that in the smaller one."""
    (small, one), (large, other) = sorted(sizes.items())
    spent = {}
    for size, tenant in ((small, one), (large, other)):
        with context.use(tenant):
            put_in()
            spent[size] = run_once(size) / size
    return spent[large] / spent[small]


def main() -> None:
    """Measure and print."""
    from bench.billing import prepared

    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ground.ground() as (_, postgres):
        tenant = prepared(postgres, "deducted", options.customers)
        with context.use(tenant):
            best = measure(postgres, tenant, options.customers, options.rounds)
        grown = growth({size: prepared(postgres, f"size{size}", size) for size in (5_000, 100_000)})
    print(
        json.dumps(
            {
                "customers": options.customers,
                "deductions_per_s": round(options.customers / best["run"]),
                "ratio_to_raw": round(best["ratio"], 2),
                "growth": round(grown, 2),
                "run_s": round(best["run"], 2),
                "raw_s": round(best["raw"], 2),
            }
        )
    )
