"""抄表记录 as a list."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.db import transaction
from app.readings.views.listing import reading_table
from app.staff import service
from tests import factories as make
from tests.conftest import PASSWORD


@pytest.fixture
def book(plant: Any) -> dict[str, int]:
    """A reading in every state in 2026-10, and one of the month before."""
    with transaction():
        reader = service.create_staff(username="reader", password=PASSWORD, name="李抄表", role="reader")
        bound = {
            name: make.binding(
                make.customer(customer_no=f"0700000{i}", holder=f"户{i}", holder_initials=f"h{i}", route_seq=9 - i)
            )
            for i, name in enumerate(("actual", "estimated", "unread", "held"), 1)
        }
        make.reading(bound["actual"], 12, volume=12, reader_id=reader.id)
        make.reading(bound["estimated"], 7, volume=7, kind="estimated")
        make.reading(bound["unread"], None)
        make.reading(bound["held"], 180, volume=180, review="held", held_for="high")
        make.reading(bound["actual"], 5, volume=5, period="2026-09")
    return {"reader": reader.id, "route": make.route().id}


def shown(page: str) -> list[str]:
    return re.findall(r">\s*(0700000\d)\s*<", page)


def test_the_list_opens_on_the_youngest_period_book_by_book(client: Any, book: Any) -> None:
    assert shown(client.get("/readings").text) == ["07000001", "07000002", "07000003", "07000004"]


def test_a_single_book_is_shown_as_it_is_walked(client: Any, book: Any) -> None:
    page = client.get(f"/readings?route={book['route']}").text
    assert shown(page) == ["07000004", "07000003", "07000002", "07000001"]


def test_the_list_s_own_order_joins_nothing(plant: Any) -> None:
    """Its keys are of the table of readings alone, along the index of the period: a deep page costs little more."""
    column = reading_table().column("place")
    assert column
    assert {key.class_.__tablename__ for key in column.sort} == {"reading"}


def test_another_period_can_be_chosen(client: Any, book: Any) -> None:
    assert shown(client.get("/readings?period=2026-09").text) == ["07000001"]


def test_the_tabs_count_every_state(client: Any, book: Any) -> None:
    found = re.findall(r'id="list-tab-\w+"[^>]*>(\S+) (\d+)</a>', client.get("/readings").text)
    assert dict(found) == {"全部": "4", "正常": "1", "待复核": "1", "估抄": "1", "未抄": "1"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tab=held", ["07000004"]), ("tab=unread", ["07000003"]), ("tab=estimated", ["07000002"]), ("tab=normal", ["07000001"]),
        ("q=h3", ["07000003"]), ("q=户2", ["07000002"]), ("read_on_to=2020-01-01", []),
        ("read_on_from=nonsense&q=户1", ["07000001"]),
    ],
)  # fmt: skip
def test_the_list_is_narrowed_by(client: Any, book: Any, query: str, expected: list[str]) -> None:
    assert shown(client.get(f"/readings?{query}").text) == expected


def test_it_is_narrowed_by_reader(client: Any, book: Any) -> None:
    assert shown(client.get(f"/readings?reader={book['reader']}").text) == ["07000001"]


def test_a_held_reading_says_why(client: Any, book: Any) -> None:
    assert "待复核：用量偏高" in client.get("/readings?tab=held").text


def test_the_footer_adds_up_the_volume(client: Any, book: Any) -> None:
    assert "共 4 条 · 用水量合计 199 m³" in re.sub(r"\s+", " ", client.get("/readings").text)


def test_a_plant_without_readings_is_told_what_to_do(client: Any) -> None:
    assert "还没有抄表记录" in client.get("/readings").text
