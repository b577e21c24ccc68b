"""用户统计 (figures 10.3-*): the list, and counts and sums by book and by 水表性质. 14 m³ cost 53.10 yuan, 8 m³ 25.20."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from app.customers.models import Customer
from app.db import db, transaction
from app.metering.models import Meter, MeterBinding
from app.payments.models import Payment
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.reverse_payment import reverse_payment
from app.reports.plant_summary import figures
from app.reports.service import build_summaries
from app.staff import service as staff
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter

D = Decimal
ZERO = D(0)


@pytest.fixture
def village(plant: Tenant) -> dict[str, int]:
    """East: 14 m³, half paid. West: 8 m³, stopped; a closed one without bills, and a farmer without a meter."""
    with transaction():
        make.tariff()
        west = make.route("西街一册", "西街").id
        farm = make.category_id(make.AGRICULTURAL)
    east, bills = counter.billed(14, customer_no="07000001", holder="张建忠", holder_initials="zjz")
    stopped, _ = counter.billed(8, route_id=west, customer_no="07000002", holder="李秀英", holder_initials="lxy")
    with counter.on("2026-11-10"):
        counter.pay(east, bills, "30")
    with transaction():
        bound = db.session.scalars(select(MeterBinding).where(MeterBinding.customer_id == stopped)).one()
        db.session.get_one(Meter, bound.meter_id).state = "stopped"
        make.customer(customer_no="07000003", holder="马国强", route_id=west, state="closed")
        make.customer(customer_no="07000004", holder="何玉兰", charged_by_meter=False, use_category_id=farm)
    return {"west": west, "farm": farm, "east": east}


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def line(page: str, name: str, label: str) -> list[str]:
    """The cells of a line in the table of this region."""
    part = page[page.index(f'role="region" aria-label="{label}"') :]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", part[: part.index("</table>")], re.DOTALL)
    for row in rows:
        cells = [words(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        if cells[0] == name:
            return cells[1:]
    raise AssertionError(f"no line {name}")


def get(site: Site, query: str = "") -> str:
    with counter.on("2026-11-20"):
        answer = site.get(f"/reports/customers?{query}")
    assert answer.status_code == 200
    return str(answer.text)


def shown(page: str) -> list[str]:
    return re.findall(r">(070000\d\d)</a>", page)


def test_books_and_natures_are_counted_and_summed(client: Site, village: dict[str, int]) -> None:
    page = get(client)
    assert line(page, "东街一册", "按区册") == ["2", "2", "—", "—", "14", "¥53.10", "¥30.00", "¥23.10"]
    assert line(page, "西街一册", "按区册") == ["2", "—", "1", "1", "8", "¥25.20", "—", "¥25.20"]
    assert line(page, "合计", "按区册") == ["4", "2", "1", "1", "22", "¥78.30", "¥30.00", "¥48.30"]
    assert line(page, "农业灌溉用水", "按水表性质") == ["1", "1", "—", "—", "—", "—", "—", "—"]
    assert line(page, "合计", "按水表性质") == line(page, "合计", "按区册")
    assert "共 4 户 · 用水量 22 m³ · 应收 ¥78.30 · 欠费合计 ¥48.30" in words(page)


@pytest.mark.parametrize(
    ("query", "numbers", "volume"),
    [
        ("tab=stopped", ["07000002"], "8"), ("tab=normal", ["07000001", "07000004"], "14"), ("tab=closed", ["07000003"], "—"),
        ("q=zjz", ["07000001"], "14"), ("q=李秀", ["07000002"], "8"), ("route=west", ["07000002", "07000003"], "8"),
        ("category=farm", ["07000004"], "—"),
    ],
)  # fmt: skip
def test_sums_follow_the_filter(
    client: Site, village: dict[str, int], query: str, numbers: list[str], volume: str
) -> None:
    key, value = query.split("=")
    page = get(client, f"{key}={village.get(value, value)}")
    assert shown(page) == numbers
    found = line(page, "合计", "按区册")
    assert (found[0], found[4]) == (str(len(numbers)), volume)


def test_another_period_has_other_sums_and_the_debt_stays(client: Site, village: dict[str, int]) -> None:
    page = get(client, "span=2026-09")
    assert line(page, "合计", "按区册") == ["4", "2", "1", "1", "—", "—", "—", "¥48.30"]
    assert line(get(client, "span=2026-10"), "合计", "按区册")[4] == "22"


def test_the_part_that_htmx_swaps_brings_the_sums_along(client: Site, village: dict[str, int]) -> None:
    with counter.on("2026-11-20"):
        part = client.get("/reports/customers?tab=stopped", headers={"HX-Request": "true", "HX-Target": "list"}).text
    assert "<html" not in part
    assert re.search(r'id="groups"\s+hx-swap-oob="true"', part)


def test_the_workbook_holds_what_the_list_shows(client: Site, village: dict[str, int]) -> None:
    with counter.on("2026-11-20"):
        answer = client.get("/reports/customers?tab=normal&export=xlsx")
    rows = list(load_workbook(BytesIO(answer.data)).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert rows[0][5:10] == ("水表状态", "用水量 m³", "应收", "已缴", "欠费合计")
    assert [row[0] for row in rows[1:]] == ["07000001", "07000004"]
    assert rows[1][5:10] == ("正常", 14, 53.1, 30, 23.1)


@pytest.mark.parametrize("key", ["volume", "due", "paid", "arrears", "holder", "place"])
def test_every_column_sorts(client: Site, village: dict[str, int], key: str) -> None:
    upwards, downwards = shown(get(client, f"sort={key}")), shown(get(client, f"sort=-{key}"))
    assert upwards == downwards[::-1]
    assert len(upwards) == 4


@pytest.mark.parametrize("query", ["span=x", "span=2026-13", "tab=no", "route=%00", "category=-1", "page=99"])
def test_nonsense_in_the_address_is_passed_over(client: Site, village: dict[str, int], query: str) -> None:
    get(client, query)


def test_it_takes_few_queries(client: Site, village: dict[str, int], count_queries: Any) -> None:
    get(client)
    with count_queries() as seen:
        get(client, "q=张")
    assert len(seen) <= 12, seen


def test_a_reader_may_not(site: Site, village: dict[str, int]) -> None:
    with transaction():
        staff.create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
    site.log_in("li")
    assert site.get("/reports/customers").status_code == 403


@pytest.mark.parametrize("cached", [False, True])
def test_a_reversed_deduction_is_taken_off_what_was_deducted(plant: Tenant, cached: bool) -> None:
    with transaction():
        make.tariff()
    customer_id, _ = counter.billed(8, auto_deduct=True)
    with counter.on("2026-11-10"):
        counter.put_in(customer_id, "20")
        with transaction():
            deduct_prepayments(on=date(2026, 11, 10))
        assert figures("2026-10")["auto_deducted"] == D("20.00")
        db.session.rollback()
        with transaction():
            taken = db.session.scalars(select(Payment.id).where(Payment.kind == "auto_deduct")).one()
            reverse_payment(taken, by_id=counter.staff(), reason="扣错了")
            if cached:
                build_summaries()
        assert figures("2026-10")["auto_deducted"] == ZERO
        assert db.session.get_one(Customer, customer_id).credit_balance == D("20.00")
