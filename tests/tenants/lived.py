"""A plant that has lived a month, and what can be compared of plants."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import inspect, select, text

from app import clock
from app.billing.models import Bill
from app.customers import service as customers
from app.db import db, transaction
from app.payments.opening import post_opening_balances
from app.payments.service.adjust_volume import adjust_volume
from app.payments.service.day_close import close_day, day_totals
from app.payments.service.reverse_payment import reverse_payment
from app.payments.service.take_payment import take_payment, top_up
from app.staff import service as staff
from app.staff import settings
from seeds import big
from tenants import context, resolver
from tenants.context import Tenant
from tenants.models import Plant
from tenants.session import engine, platform, quoted
from tests import factories as make
from tests.conftest import PASSWORD
from worker.nightly import run_night

NIGHT = date(2026, 11, 1)
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
Rows = dict[str, list[tuple[Any, ...]]]


def live_a_little(tenant: Tenant) -> None:
    """A month with everything a plant writes: bills, payments, corrections, a top-up, a closed day, settings, staff."""
    with context.use(tenant), clock.at(NOON):
        with transaction():
            make.tariff()
            big.fill(60)
            big.read("2026-10")
            person = make.used(14, auto_deduct=True, holder="换行\n制表\t反\\斜")
            post_opening_balances([(person.id, Decimal(50))], on=date(2026, 10, 1), by_id=None)
        run_night(NIGHT)
        with transaction():
            by = staff.create_staff(username="shouyin", password=PASSWORD, name="收费员", role="cashier").id
            bills = db.session.scalars(select(Bill).where(Bill.customer_id != person.id).order_by(Bill.id)).all()
            paid = [
                take_payment(
                    b.customer_id, bill_ids=[b.id], method="cash", tendered=b.amount, keep_change=False, by_id=by
                )
                for b in bills[:3]
            ]
            reverse_payment(paid[0].id, by_id=by, reason="收错户")
            adjust_volume(bills[5].id, volume=Decimal(1), by_id=by, reason="漏水")
            top_up(bills[6].customer_id, amount=Decimal(100), method="wechat", by_id=by)
            settings.put("payment_order", "late_fee_first")
            customers.set_auto_deduct([bills[6].customer_id], auto_deduct=False)
        with transaction():
            counted = {method: found.received for method, found in day_totals(by, clock.today()).items()}
            close_day(cashier_id=by, day=clock.today(), counted=counted, by_id=by)
        db.session.remove()


def books(schema: str) -> Rows:
    """Every row of every table."""
    with engine().connect() as connection:
        return {
            table: sorted(
                (tuple(row) for row in connection.execute(text(f"SELECT * FROM {quoted(schema)}.{quoted(table)}"))),
                key=repr,
            )
            for table in inspect(connection).get_table_names(schema=schema)
        }


def counters(schema: str) -> dict[str, int | None]:
    with engine().connect() as connection:
        rows = connection.execute(
            text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = :s"), {"s": schema}
        )
        return {row.sequencename: row.last_value for row in rows}


def shape(schema: str) -> list[tuple[str, ...]]:
    """Columns, constraints, indexes and rights, as the catalogue tells them."""
    queries = (
        "SELECT table_name, column_name, data_type, is_nullable, identity_generation FROM information_schema.columns"
        " WHERE table_schema = :s",
        "SELECT CAST(conrelid::regclass AS text), conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = (SELECT oid FROM pg_namespace WHERE nspname = :s)",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = :s",
        "SELECT relname, CAST(relacl AS text) FROM pg_class"
        " WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = :s)",
    )
    with engine().connect() as connection:
        found = [row for query in queries for row in connection.execute(text(query), {"s": schema})]
    return sorted(tuple(str(value).replace(schema, "") for value in row) for row in found)


def everything_there() -> tuple[list[Any], ...]:
    """Registry rows, schemas and roles of the server."""
    with engine().connect() as connection:
        return tuple(
            list(connection.execute(text(query)))
            for query in (
                "SELECT slug, schema_name, revision FROM platform.plant ORDER BY id",
                "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_temp%' AND nspname NOT LIKE 'pg_toast%'"
                " ORDER BY 1",
                "SELECT rolname FROM pg_roles ORDER BY 1",
            )
        )


def row_of(slug: str) -> Plant:
    with platform() as session:
        return session.scalars(select(Plant).where(Plant.slug == slug)).one()


def run(app: Flask, *words: str) -> tuple[int, str]:
    result = FlaskCliRunner(app).invoke(args=["plants", *words])
    resolver.forget()
    return result.exit_code, result.output
