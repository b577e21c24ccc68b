"""抄表统计: by reader, 已抄表 / 未抄表, by meter; its sums are the records'."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.db import db, transaction
from app.readings.models import Reading
from app.readings.progress import books
from app.reports.reading_statistics import ReaderSums, by_reader
from app.staff import service as staff
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site

D = Decimal


@pytest.fixture
def month(plant: Tenant) -> dict[str, int]:
    """李 reads 东街 (14 m³, one held with 500, one never read), 王 reads 西街 (8 m³ estimated, one 未抄); one of nobody's."""
    with transaction():
        people = {
            name: staff.create_staff(username=f"u{i}", password=PASSWORD, name=name, role="reader").id
            for i, name in enumerate(("李建国", "王永强"))
        }
        east, west, south = make.route(), make.route("西街一册", "西街"), make.route("南街一册", "南街")
        east.reader_id, west.reader_id = people["李建国"], people["王永强"]
        bound = {
            name: make.binding(
                make.customer(route_id=book.id, holder=name, customer_no=f"0700000{i}"),
                meter_id=make.meter(meter_no=f"SQ0{i}").id,
            )
            for i, (name, book) in enumerate(
                (("甲", east), ("乙", east), ("丙", east), ("丁", west), ("戊", west), ("己", south)), 1
            )
        }
        make.reading(bound["甲"], 14)
        make.reading(bound["乙"], 500, review="held", held_for="high")
        make.reading(bound["丁"], 8, kind="estimated")
        make.reading(bound["戊"], None)
        make.reading(bound["甲"], 3, period="2026-09")
    return people


def numbers(page: str) -> list[str]:
    return re.findall(r">\s*(SQ0\d)\s*<", page)


def test_the_readers_sums_are_the_records(month: dict[str, int]) -> None:
    found = by_reader("2026-10")
    assert found == [
        ReaderSums(month["李建国"], "李建国", 3, 2, 1, 0, D(514)),
        ReaderSums(month["王永强"], "王永强", 2, 1, 0, 1, D(8)),
        ReaderSums(None, "", 1, 0, 0, 0, D(0)),
    ]
    total = ReaderSums.total(found)
    assert total.volume == db.session.scalar(select(func.sum(Reading.volume)).where(Reading.period == "2026-10"))
    assert (total.due, total.read, total.left) == (6, 3, 3)
    in_books = [book.progress for book in books("2026-10")]
    assert (sum(p.due for p in in_books), sum(p.read for p in in_books)) == (total.due, total.read)


def test_who_read_it_keeps_it_when_the_book_goes_to_another(month: dict[str, int]) -> None:
    with transaction():
        for one in db.session.scalars(select(Reading).where(Reading.period == "2026-10")):
            one.reader_id = month["李建国"]
        make.route().reader_id = month["王永强"]
    assert [(one.name, one.due, one.read) for one in by_reader("2026-10")] == [
        ("李建国", 4, 3), ("王永强", 1, 0), ("", 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["SQ01", "SQ02", "SQ03", "SQ04", "SQ05", "SQ06"]),
        ("state=read", ["SQ01", "SQ02", "SQ04"]),
        ("state=left", ["SQ03", "SQ05", "SQ06"]),
        ("q=王永强", ["SQ04", "SQ05"]),
        ("q=王永强&state=left", ["SQ05"]),
        ("q=sq03", ["SQ03"]),
        ("q=07000002", ["SQ02"]),
        ("period=2026-09&state=read", ["SQ01"]),
        ("state=nonsense&period=nonsense&sort=-meter_no", ["SQ06", "SQ05", "SQ04", "SQ03", "SQ02", "SQ01"]),
    ],
)
def test_the_meters_are_narrowed_by(client: Site, month: dict[str, int], query: str, expected: list[str]) -> None:
    assert numbers(client.get(f"/reports/readings?{query}").text) == expected


def test_the_sums_by_reader_follow_the_search(client: Site, month: dict[str, int]) -> None:
    part = client.get("/reports/readings?q=王永强", headers={"HX-Request": "true", "HX-Target": "list"}).text
    readers = part.split('id="readers"')[1]
    assert 'hx-swap-oob="true"' in readers.split(">")[0]
    assert "王永强" in readers
    assert "李建国" not in readers


def test_what_is_exported_is_what_is_shown(client: Site, month: dict[str, int]) -> None:
    body = client.get("/reports/readings?state=read&export=xlsx").data
    rows = [[cell.value for cell in row] for row in load_workbook(BytesIO(body)).worksheets[0].iter_rows()]
    shown = {row[0]: row[-1] for row in rows if row[0] and str(row[0]).startswith("SQ0")}
    assert shown == {"SQ01": "已抄表", "SQ02": "已抄表、待复核", "SQ04": "已抄表、估抄"}


def test_it_takes_at_most_twelve_queries(client: Site, month: dict[str, int], count_queries: Any) -> None:
    with count_queries() as seen:
        client.get("/reports/readings")
    assert len(seen) <= 12, seen


def test_a_reader_may_not_see_it(client: Site, month: dict[str, int]) -> None:
    client.post("/logout")
    client.log_in("u0")
    assert client.get("/reports/readings").status_code == 403
