"""Two plants with everything in them; in the other one every word says so and every key is far from ours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text

from app.billing.service import issue_bills
from app.db import db, transaction
from app.intake import service as intake
from app.payments.service.take_payment import take_payment
from app.permissions import ROLES
from app.staff import service as staff
from app.tariffs.service import import_tariff
from seeds import big
from tenants import context
from tenants.context import Tenant
from tenants.session import engine
from tests import factories as make
from tests.conftest import PASSWORD, make_plant
from tests.doors.crawl import FOREIGN
from tests.intake.workbooks import sheet

FAR = 700_000  # keys of the other plant begin here
_OWING = "SELECT customer_id, bill_id FROM open_item ORDER BY bill_id DESC LIMIT 1"


def fill() -> None:
    """Sixty households, two billed months, one of each kind of thing that a page is about."""
    with transaction():
        import_tariff(make.TIERED, by_id=None)
        make.quota(code="DE-DOORS")
        big.fill(60)
        for role in ROLES:
            staff.create_staff(username=role, password=PASSWORD, name=role, role=role)
    for period in ("2026-09", "2026-10"):
        with transaction():
            big.read(period)
            issue_bills(period, on=date(2026, 11, 1), by_id=None)
    with transaction():
        customer, bill = db.session.execute(text(_OWING)).one()
        take_payment(customer, bill_ids=[bill], method="cash", tendered=Decimal(500), keep_change=True, by_id=None)
        job = intake.create_job(
            kind="meters",
            filename="表.xlsx",
            content=sheet(("表号", "底数"), ("Z1", -1)).getvalue(),
            options={},
            by_id=1,
        )
        intake.run_import(job.id)


def mark() -> None:
    """Every word of the plant in force says that it is the other one's."""
    with transaction():
        for statement in (
            f"UPDATE customer SET holder = '{FOREIGN}' || id, address = '{FOREIGN}', note = '{FOREIGN}'",
            f"UPDATE staff_user SET name = '{FOREIGN}' || id",
            f"UPDATE district SET name = '{FOREIGN}' || name",
            f"UPDATE route SET name = '{FOREIGN}' || name",
            f"UPDATE meter SET note = '{FOREIGN}', meter_no = '{FOREIGN}' || meter_no",
            f"UPDATE quota SET name = '{FOREIGN}'",
            f"UPDATE tariff SET name = '{FOREIGN}' || name",
            f"UPDATE import_job SET filename = '{FOREIGN}'",
        ):
            db.session.execute(text(statement))


def keep_apart(tenant: Tenant) -> None:
    """Keys from FAR on, so that a key of this plant is none of the other's. Only the owner may do that."""
    with engine().begin() as connection:
        connection.execute(
            text(
                "SELECT setval(format('%I.%I', schemaname, sequencename), :far) FROM pg_sequences WHERE schemaname = :s"
            ),
            {"far": FAR, "s": tenant.schema},
        )


@pytest.fixture(scope="package")
def ours(app: Flask) -> Tenant:
    """The plant that is knocked at."""
    tenant = make_plant("本村水厂")
    with context.use(tenant):
        fill()
        db.session.remove()
    return tenant


@pytest.fixture(scope="package")
def theirs(app: Flask) -> Tenant:
    """The other plant."""
    tenant = make_plant(f"{FOREIGN}水厂")
    with context.use(tenant):
        keep_apart(tenant)
        fill()
        mark()
        db.session.remove()
    return tenant


SECOND = "reader-b"  # reads the second half of the books


def share() -> None:
    """Two readers share the books, each with a payment and a reading that waits; every word of the second's says whose."""
    with transaction():
        staff.create_staff(username=SECOND, password=PASSWORD, name="李乙", role="reader")
        for statement in (
            "UPDATE route SET reader_id = (SELECT id FROM staff_user WHERE username = 'reader') WHERE id % 2 = 0",
            f"UPDATE route SET reader_id = (SELECT id FROM staff_user WHERE username = '{SECOND}') WHERE id % 2 = 1",
            "UPDATE reading SET review = 'held', held_for = 'high' WHERE period = '2026-10' AND customer_id % 5 = 0",
        ):
            db.session.execute(text(statement))
        first = db.session.scalar(text("SELECT id FROM staff_user WHERE username = 'reader'"))
    for username in ("reader", SECOND):
        with transaction():
            reader = db.session.scalar(text("SELECT id FROM staff_user WHERE username = :name"), {"name": username})
            customer, bill = db.session.execute(text(_OWING_OF), {"reader": reader}).one()
            # all taken by the first, who has read the second's book before
            take_payment(customer, bill_ids=[bill], method="cash", tendered=Decimal(500), keep_change=True, by_id=first)
            workbook = sheet(("户号", "表号", "本期止码"), ("90000001", "X", 1)).getvalue()
            named = {"kind": "readings", "filename": f"{FOREIGN if username == SECOND else ''}10月.xlsx"}
            intake.run_import(intake.create_job(**named, content=workbook, options={}, by_id=reader).id)
    with transaction():
        for statement in (
            f"UPDATE route SET name = '{FOREIGN}' || name WHERE id % 2 = 1",
            f"UPDATE customer SET holder = '{FOREIGN}' || id, address = '{FOREIGN}', note = '{FOREIGN}' WHERE route_id % 2 = 1",
            f"""UPDATE meter SET note = '{FOREIGN}', meter_no = '{FOREIGN}' || meter_no WHERE id IN (
                SELECT meter_id FROM meter_binding b JOIN customer c ON c.id = b.customer_id WHERE c.route_id % 2 = 1)""",
        ):
            db.session.execute(text(statement))


_OWING_OF = """
    SELECT o.customer_id, o.bill_id FROM open_item o JOIN customer c ON c.id = o.customer_id
    JOIN route r ON r.id = c.route_id WHERE r.reader_id = :reader ORDER BY o.bill_id LIMIT 1
"""


@pytest.fixture(scope="package")
def shared(app: Flask) -> Tenant:
    """A plant whose books two readers share."""
    tenant = make_plant("分册水厂")
    with context.use(tenant):
        fill()
        share()
        db.session.remove()
    return tenant
