"""No page asks the database more than a dozen questions, however large the plant is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date

import pytest
from flask import Flask

from app.billing.service import issue_bills
from app.db import transaction
from app.staff import service as staff
from seeds import big
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.pages import addresses, sample
from tests.payments import counter
from tests.queries import count_queries

__all__ = ["count_queries"]
DOZEN = 12


@pytest.mark.usefixtures("plant")
def test_no_page_runs_more_than_a_dozen_queries(
    app: Flask, client: Site, count_queries: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    with transaction():
        make.tariff(effective_from="2020-01-01")
        make.quota()
        big.fill(300)
        for role in ("reader", "cashier"):
            staff.create_staff(username=role, password=PASSWORD, name=role, role=role)
    for period in ("2026-09", "2026-10"):
        with transaction():
            big.read(period)
            issue_bills(period, on=date(2026, 11, 1), by_id=None)
    customer = sample("customer_id")
    counter.put_in(customer, "5")
    spent = {}
    for address in addresses(app):
        client.get(address)  # what a process works out once is worked out
        with count_queries() as seen:
            answer = client.get(address)
        assert answer.status_code in (200, 302), f"{address}: {answer.status_code}"
        spent[address] = len(seen)
    assert {address: count for address, count in spent.items() if count > DOZEN} == {}
    assert len(spent) > 60
