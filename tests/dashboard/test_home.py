"""首页: figures 2-1 and 2-2. 14 m³ cost 53.10 yuan, 8 m³ 25.20."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app import clock
from app.billing.models import Bill, OpenItem
from app.billing.service import issue_bills
from app.customers.models import Customer
from app.dashboard import night, queries
from app.db import db, transaction
from app.payments.models import Settlement
from app.payments.service.auto_deduct import deduct_prepayments
from app.readings import progress
from app.readings.models import Reading
from app.reports.service import build_summaries
from app.staff import service as staff
from tenants import jobs, nights
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter

D = Decimal


def words(page: str) -> str:
    """What a person reads, without spaces."""
    return re.sub(r"<[^>]+>|\s+", "", page)


def shown(page: str) -> str:
    """The figures, without the links that not everybody has."""
    return words(page).replace("抄表记录", "").replace("·去收费", "")


@pytest.fixture
def month(plant: Tenant) -> list[int]:
    """October: 东街 with 14 m³ and a held reading, 西街 with 8 m³ (自动扣费), one unread and one never read."""
    with transaction():
        make.tariff()
        _, west = make.route(), make.route("西街一册", "西街").id
        people = [
            make.used(14).id,
            make.used(8, route_id=west, auto_deduct=True).id,
        ]
        make.reading(make.binding(), 500, review="held", held_for="high")
        make.reading(make.binding(make.customer(route_id=west)), None)
        make.binding(make.customer(route_id=west))
        make.customer(charged_by_meter=False, opened_on=date(2026, 11, 5))
    with counter.on("2026-10-20"):
        counter.put_in(people[1], "10")
    with counter.on("2026-11-01"), transaction():
        issue_bills("2026-10", on=counter.ISSUED, by_id=None)
        deduct_prepayments(on=counter.ISSUED)
    return people


def test_reading_progress_counts_what_is_there_to_read(month: list[int]) -> None:
    found = queries.reading_progress(progress.books("2026-10"))
    assert (found.plant.due, found.plant.read, found.plant.left, found.plant.held) == (5, 3, 2, 1)
    assert [(one.name, one.read, one.due) for one in found.districts] == [("东街", 2, 2), ("西街", 1, 3)]
    assert [(book.name, book.read, book.due) for book in found.districts[1].parts] == [("西街一册", 1, 3)]


def test_a_stopped_meter_and_a_closed_account_are_not_to_be_read(month: list[int]) -> None:
    with transaction():
        bound = make.binding()
        db.session.get_one(make.Meter, bound.meter_id).state = "stopped"
        make.binding(make.customer(state="closed"))
        make.binding(make.customer(), unbound_on=date(2026, 9, 1))
        make.binding(make.customer(), bound_on=date(2026, 11, 5))
    assert queries.reading_progress(progress.books("2026-10")).plant.due == 5
    assert queries.reading_progress(progress.books("2026-11")).plant.due == 6


def test_the_page_shows_the_sums_of_the_records(client: Site, month: list[int]) -> None:
    customer = month[0]
    with counter.on("2026-11-10"):
        counter.pay(customer, counter.bills_of(customer), "20")
        page = words(client.get("/").text)
    due, unpaid = db.session.scalars(select(func.sum(Bill.amount))).one(), D("48.30")
    assert db.session.scalars(select(func.sum(OpenItem.unpaid))).one() == unpaid
    assert db.session.scalars(select(func.sum(Settlement.amount))).one() == due - unpaid
    for figure in (
        "应抄5已抄3未抄2异常1", "60%", "用户6水表5", "本期应收¥78.302张账单·22m³", "本期实收¥30.00自动扣费¥10.00",
        "欠费¥48.302户", "预存余额合计¥0.00",
    ):  # fmt: skip
        assert figure in page, figure
    assert db.session.scalars(select(func.sum(Customer.credit_balance))).one() == 0


def test_the_figures_are_the_same_before_and_after_the_report_cache(client: Site, month: list[int]) -> None:
    with counter.on("2026-11-10"):
        before = words(client.get("/").text)
        with transaction():
            build_summaries()
        assert words(client.get("/").text) == before


def test_the_blocks_that_move_follow_the_readings(client: Site, month: list[int]) -> None:
    assert "应抄5已抄3" in words(client.get("/home/reading?period=2026-10").text)
    with transaction():
        one = db.session.scalars(select(Reading).where(Reading.kind == "unread")).one()
        one.kind, one.end_reading, one.volume = "actual", D(9), D(9)
    part = client.get("/home/reading?period=2026-10").text
    assert "应抄5已抄4未抄1" in words(part)
    assert 'hx-trigger="every 5s"' in part
    assert 'id="home-districts"' in part
    for moved in ("home-districts", "home-money", "home-needs", "home-steps"):
        assert re.search(rf'id="{moved}"[^>]*hx-swap-oob="true"', part), moved


def test_the_page_opens_on_the_latest_period_with_something_in_it(client: Site, month: list[int]) -> None:
    with counter.on("2027-03-15"):
        assert "2026年10月抄表" in words(client.get("/").text)
        assert "2026年9月抄表" in words(client.get("/?period=2026-09").text)
        assert "2026年10月抄表" in words(client.get("/?period=nonsense").text)


def test_an_empty_plant_says_what_to_do(client: Site) -> None:
    page = words(client.get("/").text)
    assert "第一次使用，按这五步来" in page
    assert "应抄0已抄0" in page


def test_the_first_steps_tick_themselves_off_and_go_away(client: Site, plant: Tenant) -> None:
    def done() -> list[str]:
        page = client.get("/home/reading").text
        return re.findall(r'class="step-done">.*?<b><a[^>]*>(.*?)</a>', page, re.DOTALL)

    assert done() == []
    with transaction():
        make.route()
        make.tariff()
    assert done() == ["区册", "收费标准"]
    with transaction():
        bound = make.binding()
    assert done() == ["区册", "收费标准", "用户"]
    with transaction():
        reader = staff.create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
        make.route().reader_id = reader.id
        make.reading(bound, 3)
    assert '<div id="home-steps" hx-swap-oob="true" hidden>' in client.get("/home/reading").text


def test_a_step_that_is_another_s_work_is_no_link(client: Site, plant: Tenant) -> None:
    with transaction():
        staff.create_staff(username="other", password=PASSWORD, name="同事", role="cashier")
    client.post("/logout")
    client.log_in("other")
    page = client.get("/").text
    assert "<b>收费标准</b>" in page
    assert 'href="/tariffs"' not in page.split('id="home-steps"')[1].split("</section>")[0]


def test_a_month_and_a_day_without_payments_are_zero_not_skipped(month: list[int]) -> None:
    with counter.on("2026-11-10"):
        counter.pay(month[0], counter.bills_of(month[0]), "53.10")
    months = queries.last_periods("2026-10")
    assert [(one.key, one.other, one.paid) for one in months] == [
        *((f"2026-0{number}", D(0), D(0)) for number in range(5, 10)),
        ("2026-10", D("78.30"), D("63.10")),
    ]
    days = queries.last_days(date(2026, 11, 10))
    assert len(days) == 10
    assert [(one.key, one.paid, one.other) for one in days if one.paid or one.other] == [
        ("2026-11-01", D("0.00"), D("10.00")),
        ("2026-11-10", D("53.10"), D("0.00")),
    ]


def test_the_trend_stands_there_as_tables_with_the_way_to_the_details(client: Site, month: list[int]) -> None:
    with counter.on("2026-11-10"):
        page = client.get("/").text
    assert page.count("data-label=") == 16
    assert 'href="/home/trend/2026-10" data-dialog' in page
    assert 'href="/home/trend/2026-11-10" data-dialog' in page


def test_a_point_shows_what_it_is_made_of(client: Site, month: list[int]) -> None:
    with counter.on("2026-11-10"):
        counter.pay(month[0], counter.bills_of(month[0]), "53.10")
        day = client.get("/home/trend/2026-11-10").text
        period = words(client.get("/home/trend/2026-10").text)
    assert "现金1¥53.10收款¥53.10" in words(day)
    assert "/reports/summary?since=2026-11-10&amp;until=2026-11-10" in day
    assert "预存抵扣1¥10.00收款¥0.00预存抵扣¥10.00" in words(client.get("/home/trend/2026-11-01").text)
    assert "东街1¥53.10¥53.10—西街1¥25.20¥10.00¥15.20合计2¥78.30¥63.10¥15.20" in period
    assert "这一天没有收款" in client.get("/home/trend/2026-10-02").text
    assert client.get("/home/trend/2026-13").status_code == 404
    assert client.get("/home/trend/nonsense").status_code == 404


def night_of(plant: Tenant, **given: dict[str, Any] | Exception) -> None:
    """A night whose steps gave this; the others gave nothing."""

    def step(kind: str) -> dict[str, Any]:
        found = given.get(kind, {})
        if isinstance(found, Exception):
            raise found
        return found

    nights.plan_by_hand(counter.ISSUED, clock.now(), slug=plant.slug)
    jobs.work_off(plant, {kind: lambda _night, kind=kind: step(kind) for kind in nights.KINDS})


def test_the_sentence_says_what_waits_for_a_person(client: Site, plant: Tenant, month: list[int]) -> None:
    night_of(plant, bills={"bills": 2, "amount": "78.30"}, auto_deduct={"customers": 1, "amount": "10.00"})
    with counter.on("2026-11-01"):
        page = words(client.get("/").text)
    assert "1条异常读数待复核·2户还没抄到·昨夜出账2户¥78.30，自动扣费1户¥10.00" in page


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("「农业灌溉用水」没有收费标准，请先新增。", "请先新增"),
        ("psycopg.OperationalError: gone", "请联系平台运营人员"),
    ],
)
def test_a_night_that_failed_is_said_in_words_for_people(
    client: Site, plant: Tenant, month: list[int], error: str, said: str
) -> None:
    with pytest.raises(RuntimeError):
        night_of(plant, bills=RuntimeError(error))
    with counter.on("2026-11-02"):
        page = words(client.get("/").text)
    assert "11月1日出账没有完成：" in page
    assert said in page
    assert "psycopg" not in page


def test_the_bell_knows_the_night_and_asks_once_in_half_a_minute(
    client: Site, plant: Tenant, count_queries: Any
) -> None:
    night_of(plant, bills={"bills": 2, "amount": "78.30"})
    with counter.on("2026-11-01"):
        with count_queries() as first:
            page = client.get("/me").text
        with count_queries() as second:
            client.get("/me")
    assert "昨夜出账完成" in page
    assert len([one for one in first if "plant_job" in one]) == 1
    assert [one for one in second if "plant_job" in one] == []
    night._notes.clear()


def test_the_home_page_takes_at_most_twelve_queries(client: Site, month: list[int], count_queries: Any) -> None:
    client.get("/")
    with count_queries() as seen:
        client.get("/")
    assert len(seen) <= 12, seen


@pytest.mark.parametrize("role", ["cashier", "accountant", "clerk"])
def test_the_figures_are_the_same_whoever_looks(client: Site, month: list[int], role: str) -> None:
    mine = shown(client.get("/home/reading").text)
    with transaction():
        staff.create_staff(username="other", password=PASSWORD, name="同事", role=role)
    client.post("/logout")
    client.log_in("other")
    assert shown(client.get("/home/reading").text) == mine
    assert "本期应收¥78.30" in words(client.get("/").text)


def test_a_readers_figures_are_those_of_his_books(client: Site, month: list[int]) -> None:
    with transaction():
        reader = staff.create_staff(username="other", password=PASSWORD, name="同事", role="reader")
        make.route("西街一册", "西街").reader_id = reader.id
    client.post("/logout")
    client.log_in("other")
    for path in ("/", "/home/reading"):
        said = shown(client.get(path).text)
        assert "应抄3已抄1未抄2" in said, path
        assert ("西街1/3" in said, "东街" in said, "¥" in said) == (True, False, False), path
    assert client.get("/home/trend/2026-10").status_code == 403
    assert client.get("/home/trend/2026-10-01").status_code == 403


def test_the_neighbour_s_figures_are_its_own(client: Site, month: list[int], neighbour: Tenant) -> None:
    from tenants import context

    with context.use(neighbour):
        assert queries.reading_progress(progress.books("2026-10")).plant.due == 0
        db.session.rollback()
