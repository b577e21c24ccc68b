"""The night's sums: with them, without them and by the ledger every report says the same, whatever has happened."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from sqlalchemy import func, select, text, update

from app import periods
from app.customers.models import Customer
from app.db import at_one_moment, db, transaction
from app.payments.service.adjust_volume import adjust_volume
from app.payments.service.reverse_payment import reverse_payment
from app.payments.service.take_payment import top_up
from app.payments.service.take_readings import correct_reading, decide_reading, take_readings
from app.readings.models import Reading
from app.readings.service import NewReading
from app.reports import fresh, queries
from app.reports.models import CustomerYear, Summary
from app.reports.reading_statistics import ReaderSums, by_reader
from app.reports.rules import parts
from app.reports.service import build_summaries, forget_summaries
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.payments import counter
from tests.payments.books_ground import START, Ground, profile
from tests.payments.books_machine import BooksMachine, kinds, picks
from tests.reports.every_report import assert_right

D = Decimal
DAYS = {"since": date(2026, 11, 1), "until": date(2026, 11, 30)}


class ReportsMachine(BooksMachine):
    """The months of the books' model, with nights that sum them up in between, and people who look at reports."""

    @rule(events=st.lists(st.tuples(kinds, picks, picks), min_size=3, max_size=7))
    def something_happens(self, events: list[tuple[str, int, int]]) -> None:
        for kind, pick, more in events:
            getattr(self, kind)(pick, more)

    @rule(pick=picks)
    def night(self, pick: int) -> None:
        with counter.on(str(self.today)), transaction():
            self.outcomes["sums"] += build_summaries()

    @rule(pick=picks)
    def somebody_moves(self, pick: int) -> None:
        account = self.account(pick)
        books = sorted({book for _, _, book, _, _ in self.ground.people})
        with transaction():
            db.session.execute(
                update(Customer).where(Customer.id == account.id).values(route_id=books[pick % len(books)])
            )

    @rule(pick=picks, more=picks)
    def somebody_looks(self, pick: int, more: int) -> None:
        lived = (self.today - START).days + 1
        since = START + timedelta(days=pick % lived)
        until = since + timedelta(days=more % (lived + 40))
        period = periods.shift("2026-01", (pick + more) % (len(self.periods) + 1))
        with counter.on(str(self.today)):
            assert_right(since, until, period)
        self.outcomes["looks"] += 1


def test_every_report_is_the_same_cached_uncached_and_in_the_ledger(plant: Tenant) -> None:
    machine = type("Machine", (ReportsMachine,), {"ground": Ground(plant), "steps": 0, "outcomes": Counter()})
    run_state_machine_as_test(machine, settings=profile(examples=10, steps=30))
    done = {name.removesuffix(" refused") for name in machine.outcomes}
    assert done >= {"issue", "undo_run", "adjust", "pay", "top_up", "refund", "auto_deduct", "reverse", "looks", "sums"}
    assert machine.outcomes["looks"] > 30


@given(st.dates(date(2025, 11, 1), date(2027, 3, 1)), st.dates(date(2025, 11, 1), date(2027, 3, 1)))
def test_a_span_is_its_months_and_the_days_around_them(since: date, until: date) -> None:
    found = parts(since, until)
    days = [part.first + timedelta(days=n) for part in found for n in range((part.last - part.first).days + 1)]
    assert sorted(days) == [since + timedelta(days=n) for n in range((until - since).days + 1)]
    for part in found:
        if part.monthly:
            assert part.first.day == (part.last + timedelta(days=1)).day == 1
        else:
            assert (part.last - part.first).days <= 60


def test_the_end_of_days_can_be_asked_for() -> None:
    assert parts(date(2026, 5, 1), date.max)[0].monthly
    assert parts(date.max, date.max)


def _summed() -> dict[str, Any]:
    rows = db.session.scalars(select(Summary).order_by(*Summary.__table__.primary_key)).all()
    names = [column.name for column in Summary.__table__.columns]
    years = db.session.execute(
        select(CustomerYear.year, CustomerYear.customer_id, CustomerYear.volume, CustomerYear.amount)
    )
    return {"rows": [[getattr(row, name) for name in names] for row in rows], "years": sorted(map(tuple, years))}


def test_sums_added_night_by_night_are_those_made_in_one(plant: Tenant) -> None:
    customer, bills = counter.billed(14, 8)
    with transaction():
        assert build_summaries() > 0
    with counter.on("2026-11-10"):
        counter.pay(customer, bills[:1], "60")
        paid = counter.put_in(customer, "40")
        with transaction():
            reverse_payment(paid.id, by_id=None, reason="收错了")
            adjust_volume(bills[1], volume=D(9), by_id=None, reason="抄错")
            assert build_summaries() > 0
            assert build_summaries() == 0
    added = _summed()
    with transaction():
        forget_summaries()
        assert _summed() == {"rows": [], "years": []}
        build_summaries()
    assert _summed() == added


def test_the_night_waits_for_money_on_its_way_and_passes_none_over(app: Flask, plant: Tenant) -> None:
    """A payment that took its number before the night's sums and is committed after them would never be counted."""
    with transaction():
        customer = make.customer().id
    inserted, told = threading.Event(), threading.Event()

    def pay() -> None:
        with app.app_context(), context.use(plant), counter.on("2026-11-10"):
            with transaction():
                top_up(customer, amount=D(40), method="cash", by_id=None)
                inserted.set()
                told.wait(1)  # the night is waiting by now, or has passed by
            db.session.remove()

    def sum_up() -> None:
        with app.app_context(), context.use(plant):
            inserted.wait(30)
            with transaction():
                build_summaries()
            told.set()
            db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(pay), pool.submit(sum_up)]:
            job.result(60)
    assert fresh.marks()["payment"] == db.session.scalar(text("SELECT max(id) FROM payment"))
    assert db.session.scalar(select(func.sum(Summary.received)).where(Summary.monthly, Summary.route_id == 0)) == D(40)
    assert queries.grouped((), **DAYS)[0][1].received == D(40)


def test_a_night_that_comes_between_is_not_counted_twice(app: Flask, plant: Tenant) -> None:
    customer, bills = counter.billed(14)
    with counter.on("2026-11-10"):
        counter.pay(customer, bills, "60")

    def sum_up() -> None:
        with app.app_context(), context.use(plant):
            with transaction():
                build_summaries()
            db.session.remove()

    with ThreadPoolExecutor(1) as pool, at_one_moment():
        assert fresh.marks()["payment"] == 0
        pool.submit(sum_up).result(60)
        assert queries.grouped((), **DAYS)[0][1].received == D("53.10")
    assert fresh.marks()["payment"] > 0
    assert queries.grouped((), **DAYS)[0][1].received == D("53.10")


@pytest.fixture
def closed_month(plant: Tenant) -> dict[str, int]:
    """October, billed and over, its readings summed: one of 14 m³, one that waits for review, one meter never read."""
    counter.billed(14)
    with transaction():
        odd, missed = make.binding(), make.binding()
        held = make.reading(odd, 500, review="held", held_for="high")
        ids = {"held": held.id, "missed": missed.id}
    with counter.on("2026-11-20"), transaction():
        build_summaries()
    assert _months_of_readings() == [date(2026, 10, 1)]
    billed = db.session.scalar(select(Reading.id).where(Reading.volume == 14))
    assert billed is not None
    return ids | {"billed": billed}


def _months_of_readings() -> list[date]:
    return list(db.session.scalars(select(Summary.since).where(Summary.kind == "reading").distinct()))


def _read_later(ids: dict[str, int]) -> None:
    take_readings([NewReading(ids["missed"], D(6), date(2026, 11, 20))], period="2026-10", by_id=None)


def _review(ids: dict[str, int]) -> None:
    decide_reading(ids["held"], decision="return", by_id=None)


def _correct(ids: dict[str, int]) -> None:
    correct_reading(ids["billed"], end_reading=D(12), volume=None, reason="抄错", by_id=None)


@pytest.mark.parametrize(
    ("change", "said"),
    [(None, (3, 2, 514)), (_read_later, (3, 3, 520)), (_review, (3, 1, 14)), (_correct, (3, 2, 512))],
)
def test_a_change_in_a_closed_month_takes_its_sums_away_until_the_next_night(
    closed_month: dict[str, int], change: Callable[[dict[str, int]], None] | None, said: tuple[int, int, int]
) -> None:
    with counter.on("2026-11-21"):
        if change:
            with transaction():
                change(closed_month)
            assert _months_of_readings() == []
        for _ in range(2):
            total = ReaderSums.total(by_reader("2026-10"))
            assert (total.due, total.read, total.volume) == said
            assert_right(date(2026, 10, 1), date(2026, 11, 30), "2026-10")
            with transaction():
                build_summaries()
            assert _months_of_readings() == [date(2026, 10, 1)]


def test_the_running_month_is_never_summed(plant: Tenant) -> None:
    counter.billed(14)
    with counter.on("2026-10-31"), transaction():
        build_summaries()
    assert _months_of_readings() == []
