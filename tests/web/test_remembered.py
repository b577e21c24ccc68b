"""What a page has gathered is shown again until a table changes that it was read from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app import permissions, staging
from app.areas.models import District
from app.customers.models import Customer
from app.db import db, transaction
from app.permissions import Permission
from app.staff import settings
from app.staff.service import create_staff
from app.web import remembered
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site


@pytest.fixture
def counted(app: Flask, plant: Tenant) -> Callable[[], tuple[int, int]]:
    """How many customers there are, as remembered; and how often they have been counted."""
    times = [0]

    def count() -> list[Any]:
        times[0] += 1
        return [[db.session.scalar(select(func.count()).select_from(Customer))]]

    def answer() -> tuple[int, int]:
        with app.test_request_context():
            ((found,),) = remembered.rows("how many customers", count)
        return found, times[0]

    return answer


def test_what_nobody_changes_is_counted_once(counted: Callable[[], tuple[int, int]]) -> None:
    assert [counted(), counted(), counted()] == [(0, 1), (0, 1), (0, 1)]


def test_what_changes_another_table_spoils_nothing(counted: Callable[[], tuple[int, int]]) -> None:
    assert counted() == (0, 1)
    with transaction():
        db.session.add(District(name="东街"))
    assert counted() == (0, 1)


def add(customer_no: str) -> None:
    with transaction():
        make.customer(customer_no=customer_no)


def change_by_hand() -> None:
    with transaction():
        db.session.execute(text("UPDATE customer SET note = 'x'"))


def copy_one() -> None:
    columns = ("customer_no", "holder", "holder_initials", "phone", "id_card", "address", "route_id", "route_seq",
               "people", "use_category_id", "charged_by_meter", "auto_deduct", "quota_units", "area", "state", "note",
               "credit_balance")  # fmt: skip
    given = db.session.execute(select(Customer.route_id, Customer.use_category_id)).first()
    assert given
    row = ("K2", "王", "w", "", "", "", given[0], 0, 0, given[1], True, False, 0, 0, "active", "", 0)
    with transaction():
        staging.copy_rows("customer", columns, [row])


@pytest.mark.parametrize(
    ("change", "found"),
    [(lambda: add("K2"), 2), (change_by_hand, 1), (copy_one, 2), (remembered.forget, 1)],
    ids=["a new row", "SQL by hand", "COPY", "forget"],
)
def test_it_is_counted_again_after(
    counted: Callable[[], tuple[int, int]], change: Callable[[], None], found: int
) -> None:
    add("K1")
    assert counted() == (1, 1)
    change()
    assert counted() == (found, 2)
    assert counted() == (found, 2)


def test_what_was_taken_back_or_only_locked_spoils_nothing(counted: Callable[[], tuple[int, int]]) -> None:
    add("K1")
    assert counted() == (1, 1)
    make.customer(customer_no="K2")
    db.session.rollback()
    with transaction():
        db.session.scalars(select(Customer).with_for_update()).one()
        db.session.scalars(select(Customer).with_for_update(key_share=True)).one()
        db.session.add(District(name="西街"))
    assert counted() == (1, 1)


def test_a_neighbours_change_spoils_nothing_and_shows_nothing(
    counted: Callable[[], tuple[int, int]], neighbour: Tenant
) -> None:
    assert counted() == (0, 1)
    with context.use(neighbour):
        db.session.remove()
        add("N1")
        db.session.remove()
    assert counted() == (0, 1)


def test_who_may_see_less_from_now_on_is_shown_less_at_once(app: Flask, plant: Tenant) -> None:
    with transaction():
        create_staff(username="li", name="李建国", role="reader", password=PASSWORD)
        make.binding(make.customer())
        settings.put(permissions.SETTING, {"reader": {Permission.VIEW_ALL_BOOKS: True}})
    reader = Site(app, plant)
    reader.log_in("li")
    assert "已抄 0 / 1" in reader.get("/readings/books?period=2026-10").text
    with transaction():
        settings.put(permissions.SETTING, None)
    assert "已抄 0 / 0" in reader.get("/readings/books?period=2026-10").text
