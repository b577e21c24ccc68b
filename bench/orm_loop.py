"""A bill run as one would write it first: an object at a time. For comparison only."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

from sqlalchemy import select

from app import clock
from app.billing.models import Bill, BillingRun, OpenItem
from app.customers.models import Customer
from app.db import db
from app.ledger.models import LedgerEntry, Posting
from app.metering.models import MeterBinding
from app.readings.models import Reading
from app.tariffs.models import Tariff, TariffVersion
from app.tariffs.rules import Usage, parse, rate

ON = date(2026, 11, 1)


def bill_by_orm(period: str, *, limit: int) -> float:
    """Seconds a bill; what it made is rolled back."""
    run = BillingRun(kind="regular", period=period, issued_on=ON, bills=0, volume=0, amount=0, at=clock.now())
    db.session.add(run)
    db.session.flush()
    wanted = db.session.scalars(select(Reading.id).where(Reading.period == period).limit(limit)).all()
    start = time.perf_counter()
    for reading_id in wanted:
        _bill_one(run, reading_id)
    found = (time.perf_counter() - start) / len(wanted)
    db.session.rollback()
    return found


def _bill_one(run: BillingRun, reading_id: int) -> None:
    reading = db.session.get_one(Reading, reading_id)
    binding = db.session.get_one(MeterBinding, reading.binding_id)
    customer = db.session.get_one(Customer, binding.customer_id)
    version = db.session.scalars(
        select(TariffVersion)
        .join(Tariff)
        .where(Tariff.use_category_id == binding.use_category_id, Tariff.is_default)
        .where(TariffVersion.effective_from <= reading.read_on)
        .order_by(TariffVersion.effective_from.desc())
        .limit(1)
    ).one()
    earlier = db.session.scalars(select(Bill).where(Bill.customer_id == customer.id, Bill.period < run.period)).all()
    before = sum((bill.volume for bill in earlier), Decimal(0))
    rating = rate(parse(version.document), Usage(reading.volume or Decimal(0), before, customer.people))
    bill = Bill(
        run_id=run.id, kind="regular", period=run.period, round=0, customer_id=customer.id, binding_id=binding.id,
        route_id=customer.route_id, use_category_id=binding.use_category_id, start_reading=reading.start_reading,
        end_reading=reading.end_reading, read_on=reading.read_on, volume=reading.volume, amount=rating.total,
        issued_on=ON, due_on=ON, document={"lines": [line.as_json() for line in rating.lines]},
    )  # fmt: skip
    db.session.add(bill)
    db.session.flush()
    entry = LedgerEntry(business_date=ON, kind="bill", source_id=bill.id, at=clock.now())
    db.session.add(entry)
    db.session.flush()
    db.session.add(Posting(entry_id=entry.id, account="receivable", route_id=customer.route_id, amount=bill.amount))
    for line in rating.lines:
        db.session.add(Posting(entry_id=entry.id, account="revenue:" + line.item, amount=-line.amount))
    db.session.add(
        OpenItem(customer_id=customer.id, bill_id=bill.id, period=run.period, due_on=ON, unpaid=bill.amount, late_fee=0)
    )
    db.session.flush()
